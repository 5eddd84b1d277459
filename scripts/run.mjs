// One entry for a fresh clone: brings dependencies, generated code and build up to date, then runs the command.
// It runs before anything is installed, so it imports nothing but Node.
import { spawn, spawnSync } from 'node:child_process';
import { linkSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
const OLDEST_NODE = [20, 19];

// As in the Dockerfile. On a machine with much memory Node lets its heap grow far beyond what is in use before it tidies up:
// measured, 330 MiB where this limit leaves 210.
const NODE = ['--enable-source-maps', '--max-old-space-size=1024'];

const JEST = ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js'];

const COMMANDS = {
  start: { builds: true, node: [...NODE, 'dist/src/main.js'] },
  // The young generation is where a replay's memory lives and dies; the default of 16 MB has it tidied up all the time.
  replay: { builds: true, node: ['--enable-source-maps', '--max-semi-space-size=128', 'dist/src/replay.js'] },
  demo: { builds: true, node: [...NODE, 'dist/emulator/demo.js'] },
  bench: { builds: true, node: [...NODE, 'dist/bench/main.js'] },
  test: { node: JEST },
  'test:system': { node: JEST, env: { CALLSHEET_TESTS: 'system' } },
  'test:pages': { node: JEST, env: { CALLSHEET_TESTS: 'pages' } },
  'test:stress': { node: ['test/stress.mjs'] },
  build: { builds: true },
  setup: {},
};

const at = (...parts) => path.join(ROOT, ...parts);
const say = (line) => console.error(`callsheet: ${line}`);

function main() {
  const [name, ...args] = process.argv.slice(2);
  const command = COMMANDS[name];
  if (!command) fail(`unknown command ${name ?? ''}; there are ${Object.keys(COMMANDS).join(', ')}`);
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
    fail(`Node ${OLDEST_NODE.join('.')} or newer is needed, this is ${process.version}. See https://nodejs.org`);
  }
  const due = () => STEPS.filter(({ needs, isDue }) => needs(command) && isDue());
  if (due().length > 0) {
    holding(at('node_modules/.callsheet-setup'), () => {
      // Asked again with the lock held, and one after the other: another command may have done it, one step makes the next due.
      for (const step of STEPS) if (step.needs(command) && step.isDue()) step.run();
    });
  }
  if (command.node) launch([...command.node, ...args], command.env);
}

const STEPS = [
  { needs: () => true, isDue: dependenciesAreOutOfDate, run: install },
  { needs: () => true, isDue: clientIsOutOfDate, run: generate },
  { needs: (command) => command.builds, isDue: buildIsOutOfDate, run: build },
];

function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}

/** Compares what npm says it installed with the lock and with package.json, as both may have been edited or pulled. */
function dependenciesAreOutOfDate() {
  const installed = readJson(at('node_modules/.package-lock.json'))?.packages;
  const locked = readJson(at('package-lock.json'))?.packages;
  const manifest = readJson(at('package.json'));
  if (!installed || !locked) return true;
  for (const kind of ['dependencies', 'devDependencies', 'optionalDependencies']) {
    if (JSON.stringify(sorted(manifest[kind])) !== JSON.stringify(sorted(locked['']?.[kind]))) return true;
  }
  // Optional packages are for one platform each and may rightly be absent.
  return Object.entries(locked).some(
    ([place, { version, optional }]) => place && !optional && installed[place]?.version !== version,
  );
}

const sorted = (object = {}) => Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1));

function install() {
  say('installing dependencies (a minute or so, only when they changed)');
  // The build needs the development dependencies, whatever NODE_ENV says of the run.
  quietly('npm', ['install', '--include=dev', '--no-fund', '--no-audit', '--loglevel=error'], {
    SCARF_ANALYTICS: 'false',
  });
}

function clientIsOutOfDate() {
  const generated = changedAt(at('src/generated/prisma/client.ts'));
  return generated < Math.max(changedAt(at('prisma/schema.prisma')), changedAt(at('node_modules/.package-lock.json')));
}

function generate() {
  say('generating the Prisma client');
  quietly(process.execPath, ['node_modules/prisma/build/index.js', 'generate'], {
    // Generating needs no engine, but Prisma downloads one unless it is told of a file, and closed networks have none.
    PRISMA_SCHEMA_ENGINE_BINARY: process.env.PRISMA_SCHEMA_ENGINE_BINARY ?? process.execPath,
    CHECKPOINT_DISABLE: '1',
  });
}

const SOURCES = ['src', 'emulator', 'bench', 'tsconfig.json', 'tsconfig.build.json', 'nest-cli.json'];
/** Written last: without it a build was interrupted. */
const BUILT = 'dist/.built';

function buildIsOutOfDate() {
  return changedAt(at(BUILT)) < Math.max(...SOURCES.map((source) => newestBelow(at(source))));
}

function build() {
  say('building');
  // What changes while the compiler runs is for the next build.
  const began = new Date();
  quietly(process.execPath, ['node_modules/@nestjs/cli/bin/nest.js', 'build']);
  writeFileSync(at(BUILT), `${began.toISOString()}\n`);
}

/** 0 for what is not there. */
function changedAt(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Folders count as well: their time tells of a removed file. */
function newestBelow(file) {
  const entries = statSync(file, { throwIfNoEntry: false })?.isDirectory() ? readdirSync(file) : [];
  return Math.max(changedAt(file), ...entries.map((name) => newestBelow(path.join(file, name))));
}

/** Shows what the program says only when it fails. */
function quietly(program, args, env = {}) {
  const windows = process.platform === 'win32';
  const run = spawnSync(program, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 1e9,
    // npm is a script there.
    shell: windows && program === 'npm',
  });
  if (run.signal) process.exit(128 + os.constants.signals[run.signal]);
  if (run.status === 0) return;
  process.stderr.write(run.stdout ?? '');
  process.stderr.write(run.stderr ?? '');
  fail(`this failed: ${path.basename(program)} ${args.join(' ')}${run.error ? ` (${run.error.message})` : ''}`);
}

/** Two commands at once must not install or build into each other. */
function holding(file, work) {
  mkdirSync(path.dirname(file), { recursive: true });
  const mine = `${file}.${process.pid}`;
  writeFileSync(mine, String(process.pid));
  try {
    for (let waited = 0; ; waited++) {
      try {
        // A link appears with its content, and only where nothing is.
        linkSync(mine, file);
        break;
      } catch (error) {
        if (error.code !== 'EEXIST') throw error;
      }
      const holder = Number(readJson(file));
      if (!isRunning(holder)) rmSync(file, { force: true });
      else if (waited === 0) say(`waiting for another command that installs or builds here (pid ${holder})`);
      sleep(200);
    }
  } finally {
    rmSync(mine, { force: true });
  }
  const release = () => rmSync(file, { force: true });
  process.once('exit', release);
  work();
  process.off('exit', release);
  release();
}

function isRunning(pid) {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function sleep(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/**
 * The child has a process group of its own, or Ctrl-C would reach it twice: from the terminal, and from npm through us.
 * In exchange it must learn of our end by itself: the pipe on its descriptor 3 breaks when we are gone.
 */
function launch(args, env = {}) {
  const windows = process.platform === 'win32';
  const guard = new URL('end-with-parent.mjs', import.meta.url).href;
  const child = spawn(process.execPath, windows ? args : ['--import', guard, ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env, CALLSHEET_RUNNER: String(process.pid) },
    stdio: ['inherit', 'inherit', 'inherit', windows ? 'ignore' : 'pipe'],
    detached: !windows,
  });
  let lastSignalAt = 0;
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.on(signal, () => {
      // npm passes on what the terminal has sent us already; a person's second Ctrl-C comes later than that.
      if (Date.now() - lastSignalAt > 600 && !windows) child.kill(signal);
      lastSignalAt = Date.now();
    });
  }
  // A SIGTERM to npm ends npm and the shell between us, and neither passes it on.
  const parent = process.ppid;
  if (process.env.npm_lifecycle_event && !windows) {
    const timer = setInterval(() => {
      if (process.ppid === parent) return;
      clearInterval(timer);
      process.kill(process.pid, 'SIGTERM');
    }, 250);
  }
  child.on('error', (error) => fail(error.message));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + os.constants.signals[signal]));
}

function fail(message) {
  say(message);
  process.exit(1);
}

main();
