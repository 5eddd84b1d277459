import { spawn, spawnSync } from 'node:child_process';
import { connect, createServer, type AddressInfo } from 'node:net';
import { letGo, startWatchdog } from '../../src/embedded/processes.js';

const PROGRAMS = ['redis-server', 'valkey-server'];

/** Null when no Redis server is installed. Keeps nothing on disk and ends with us, however we end. */
export async function startRedis(folder: string): Promise<{ url: string; stop(): Promise<void> } | null> {
  const program = PROGRAMS.find((name) => spawnSync(name, ['--version']).status === 0);
  if (!program) return null;
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const watchdog = startWatchdog('SIGTERM');
    const settings = { bind: '127.0.0.1', port, dir: folder, save: '', appendonly: 'no', databases: 1000 };
    const server = spawn(
      program,
      Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]),
      { stdio: 'ignore', detached: true },
    );
    letGo(server);
    if (server.pid) watchdog.guard(server.pid);
    const gone = new Promise<void>((resolve) => server.once('exit', () => resolve()).once('error', () => resolve()));
    void gone.then(() => watchdog.dismiss());
    const stop = async () => {
      // Let go of, it would not keep Jest alive until it has ended, and Jest would leave without its results.
      server.ref();
      server.kill('SIGTERM');
      await gone;
    };
    if (await Promise.race([answers(port), gone.then(() => false)])) return { url: `redis://127.0.0.1:${port}`, stop };
    await stop();
    if (attempt === 5) throw new Error(`${program} does not start`);
  }
}

async function answers(port: number): Promise<boolean> {
  const deadline = Date.now() + 10_000;
  while (Date.now() < deadline) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (open) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return false;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
