import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';

/** The compiled twin of a source file, named from the top of the project and without its ending. */
export const compiled = (file: string): string => path.join(process.env['TEST_COMPILED'] ?? '', `${file}.js`);

/** Generous, because it costs nothing when it listens, and a busy machine is the normal case. */
const READY_WITHIN_MS = 240_000;

export type Program = {
  url: string;
  /** Everything it has written so far, to either stream. */
  output(): string;
  /** As a machine that loses its power does. */
  kill(): Promise<void>;
  /** SIGHUP: read callsheet.yaml again. */
  hangUp(): void;
  /** As Ctrl-C does; answers the exit code. */
  interrupt(): Promise<number | null>;
};

/** Starts the program as a process of its own and waits until it listens. Rejects with what it said when it ends before. */
export const startProgram = (environment: Record<string, string>, args: string[] = []) =>
  startProcess(environment, args, 'src/main');

/** As `startProgram`, but its loops run at `TEST_INTERVALS`. */
export const startBriskProgram = (environment: Record<string, string>) =>
  startProcess(environment, [], 'test/support/brisk-program-entry');

async function startProcess(environment: Record<string, string>, args: string[], entry: string): Promise<Program> {
  const { child, output } = spawnProgram({ PORT: '0', ...environment }, args, entry);
  const url = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`did not listen in time:\n${output()}`)), READY_WITHIN_MS);
    const look = () => {
      const listening = /listening on (http:\/\/[^,\s"]+)/.exec(output());
      if (listening?.[1]) resolve(listening[1]);
    };
    child.stdout?.on('data', look);
    child.once('exit', (code) => reject(new Error(`ended with ${code}:\n${output()}`)));
    child.once('exit', () => clearTimeout(timer));
    child.stdout?.on('data', () => /listening on/.test(output()) && clearTimeout(timer));
  });
  return {
    url,
    output,
    kill: async () => {
      const gone = ended(child);
      child.kill('SIGKILL');
      await gone;
    },
    hangUp: () => void child.kill('SIGHUP'),
    interrupt: () => {
      const gone = ended(child);
      child.kill('SIGINT');
      return gone;
    },
  };
}

/** Runs the program to its end. */
export const runProgram = (environment: Record<string, string>, args: string[] = []) =>
  run(environment, args, 'src/main');

/** Runs `npm run replay` to its end. */
export const runReplay = (environment: Record<string, string>, args: string[] = []) =>
  run(environment, args, 'src/replay');

async function run(environment: Record<string, string>, args: string[], entry: string) {
  const { child, output } = spawnProgram(environment, args, entry);
  const code = await ended(child);
  return { code, output: output() };
}

function spawnProgram(environment: Record<string, string>, args: string[], entry: string) {
  const { PATH = '', HOME = '', NODE_EXTRA_CA_CERTS = '' } = process.env;
  const child = spawn(process.execPath, [compiled(entry), ...args], {
    env: { PATH, HOME, NODE_EXTRA_CA_CERTS, NODE_NO_WARNINGS: '1', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const chunks: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => chunks.push(chunk.toString()));
  // A test that is killed must not leave the program behind.
  process.once('exit', () => child.kill('SIGKILL'));
  return { child, output: () => chunks.join('') };
}

function ended(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((resolve) => child.once('exit', resolve));
}
