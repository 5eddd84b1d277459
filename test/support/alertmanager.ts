import { execFile, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { eventually } from './eventually.js';
import { leaveOut } from './leave-out.js';

const run = promisify(execFile);

/** Debian calls it prometheus-alertmanager, everybody else alertmanager. */
const PROGRAM = ['prometheus-alertmanager', 'alertmanager'].find(isInstalled);

/** Whether Alertmanager, `amtool` and `promtool` are here. Tests of them are left out only where they are not, and never with CI=true. */
export const alertmanagerIsInstalled = PROGRAM !== undefined && isInstalled('amtool') && isInstalled('promtool');

if (!alertmanagerIsInstalled) {
  leaveOut('the tests against a real Alertmanager are', 'alertmanager, amtool and promtool are not all on the PATH');
}

function isInstalled(name: string): boolean {
  return spawnSync(name, ['--version']).status === 0;
}

export type Alertmanager = Awaited<ReturnType<typeof startAlertmanager>>;

/** An Alertmanager of our own on a free port, with a folder of its own, and no cluster. */
export async function startAlertmanager(config: string) {
  const folder = mkdtempSync(path.join(tmpdir(), 'callsheet-alertmanager-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = spawn(
    PROGRAM ?? '',
    [
      `--config.file=${config}`,
      `--storage.path=${folder}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--cluster.listen-address=',
    ],
    { stdio: 'ignore' },
  );
  const gone = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  // A test that is killed must not leave it behind.
  process.once('exit', () => server.kill('SIGKILL'));
  const stop = async () => {
    server.kill('SIGTERM');
    await gone;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await eventually(async () => {
      if (!(await fetch(`${url}/-/ready`)).ok) throw new Error('is not ready yet');
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url,
    /** What `amtool alert query` shows. */
    alerts: async (...matchers: string[]): Promise<any[]> => {
      const { stdout } = await run('amtool', [
        `--alertmanager.url=${url}`,
        '-o',
        'json',
        'alert',
        'query',
        ...matchers,
      ]);
      return JSON.parse(stdout) as any[];
    },
    stop,
  };
}

/** Runs a tool of Prometheus; answers what it says. Rejects when it is not content. */
export async function tool(name: 'amtool' | 'promtool', ...args: string[]): Promise<string> {
  const { stdout, stderr } = await run(name, args);
  return stdout + stderr;
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
