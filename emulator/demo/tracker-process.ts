import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { startWatchdog } from '../../src/embedded/processes.js';
import { Environment } from '../../src/settings/settings.js';
import { TrackerApi } from './tracker-api.js';
import { type LogLine, TrackerLog } from './tracker-log.js';

export type Tracker = {
  url: string;
  key: string;
  api: TrackerApi;
  log: TrackerLog;
  /** How it ended, in words. */
  ended: Promise<string>;
  /** The second time it does not finish what is in hand. */
  askToStop(): void;
};

type Options = {
  folder: string;
  /** Taken when it is free. */
  port: number;
  configuration: (publicUrl: string) => Record<string, unknown>;
  say: (line: string) => void;
  /** Told of each process as soon as there is one. */
  onStart: (pid: number) => void;
  signal: AbortSignal;
};

const ATTEMPTS = 3;
const LOOK_MS = 100;
const QUIET_MS = 10_000;
/** Said again, and better, when all is ready. */
const IN_THE_FOOTER = /^(listening on|the contract and|the API key)/;

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));

/** Starts the real thing, as `npm start` does, and waits until it is ready; null when that was interrupted. */
export async function startTracker(options: Options): Promise<Tracker | null> {
  const { folder, say, signal } = options;
  const log = new TrackerLog(path.join(folder, 'tracker.log'));
  for (let attempt = 1; ; attempt++) {
    const port = attempt === 1 ? await choosePort(options.port, say) : await freePort();
    const url = `http://127.0.0.1:${port}`;
    writeConfiguration(path.join(folder, 'callsheet.yaml'), options.configuration(url));
    const { ended, askToStop } = spawnTracker(options, port, log);

    const waiting = new AbortController();
    const heard: LogLine[] = [];
    const ready = becomesReady(url, log, heard, say, AbortSignal.any([signal, waiting.signal]));
    const end = await Promise.race([ended, ready]);
    waiting.abort();
    if (end === 'ready') {
      const key = readFileSync(path.join(folder, 'api-key'), 'utf8').trim();
      return { url, key, api: new TrackerApi(url, key), log, ended, askToStop };
    }
    if (signal.aborted) {
      askToStop();
      await ended;
      return null;
    }
    const lastWords = [...heard, ...log.read()].filter(({ level }) => level !== 'info').map(({ message }) => message);
    if (attempt === ATTEMPTS || !lastWords.some((line) => line.includes('EADDRINUSE'))) {
      throw new Error([`the tracker did not start (${end})`, ...lastWords.slice(-20)].join('\n'));
    }
    say(`port ${port} was taken meanwhile`);
    log.forgetWhatWentWrong();
  }
}

function spawnTracker({ folder, onStart }: Options, port: number, log: TrackerLog) {
  // Before the tracker, so that there is no moment in which it could outlive us.
  const watchdog = startWatchdog('SIGTERM');
  const child = spawn(process.execPath, [...process.execArgv, MAIN], {
    env: environment(folder, port),
    stdio: ['ignore', log.fd, log.fd],
    // A process group of its own: Ctrl-C is for us, and we pass it on once.
    detached: true,
  });
  const ended = once(child, 'exit').then(
    ([code, signal]) => (signal === null ? `exit code ${code}` : `ended by ${signal}`),
    (error: unknown) => String(error),
  );
  void ended.then(() => watchdog.dismiss());
  const askToStop = () => void child.kill('SIGTERM');
  if (child.pid !== undefined) {
    watchdog.guard(child.pid);
    onStart(child.pid);
  }
  return { ended, askToStop };
}

/** Ours, without what may be set for another tracker. */
function environment(folder: string, port: number): NodeJS.ProcessEnv {
  const ofTracker = new Set(['CALLSHEET_RUNNER', ...Object.keys(Environment.shape)]);
  const others = Object.entries(process.env).filter(([name]) => !ofTracker.has(name));
  return {
    ...Object.fromEntries(others),
    PORT: String(port),
    CALLSHEET_DATA_DIR: folder,
    CALLSHEET_CONFIG: path.join(folder, 'callsheet.yaml'),
  };
}

function writeConfiguration(file: string, configuration: Record<string, unknown>): void {
  // Removed first: root may have written the one that is there.
  rmSync(file, { force: true });
  writeFileSync(file, `# Written by \`npm run demo\` whenever it starts.\n${stringify(configuration)}`, {
    mode: 0o600,
  });
}

/** Passes on what the tracker says of its start. Somebody else may answer at the address, so its own word comes first. */
async function becomesReady(
  url: string,
  log: TrackerLog,
  heard: LogLine[],
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<'ready' | 'interrupted'> {
  let lastWord = Date.now();
  const tell = (line: string) => {
    say(line);
    lastWord = Date.now();
  };
  while (!signal.aborted) {
    const lines = log.read();
    heard.push(...lines);
    for (const { context, message } of lines) {
      if (context === 'Callsheet' && !IN_THE_FOOTER.test(message)) tell(message);
    }
    const listening = heard.some(({ message }) => message.startsWith(`listening on ${url}`));
    if (listening && (await new TrackerApi(url, '').isReady())) return 'ready';
    if (Date.now() - lastWord > QUIET_MS) tell('still waiting for the tracker');
    await sleep(LOOK_MS);
  }
  return 'interrupted';
}

async function choosePort(wanted: number, say: (line: string) => void): Promise<number> {
  if (wanted !== 0 && (await isFree(wanted))) return wanted;
  const port = await freePort();
  if (wanted !== 0) say(`port ${wanted} is taken by another program, taking ${port}`);
  return port;
}

/** Nobody answers there, and we may listen: on some systems one can listen beside somebody else. */
async function isFree(port: number): Promise<boolean> {
  const answers = await new Promise<boolean>((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
  return !answers && (await listens(port)) !== null;
}

async function freePort(): Promise<number> {
  const port = await listens(0);
  if (port === null) throw new Error('There is no free port');
  return port;
}

function listens(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const probe = createServer().once('error', () => resolve(null));
    probe.listen(port, '127.0.0.1', () => {
      const { port: taken } = probe.address() as AddressInfo;
      probe.close(() => resolve(taken));
    });
  });
}
