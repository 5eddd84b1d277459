import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import pg from 'pg';
import {
  hasEmbeddedPostgres,
  runningEmbeddedPostgres,
  startEmbeddedPostgres,
  type EmbeddedPostgres,
} from '../../src/embedded/embedded-postgres.js';
import { isRunning, processName, type ProcessName } from '../../src/embedded/processes.js';
import { eventually } from '../support/eventually.js';
import { compiled } from '../support/program.js';

const SETTINGS = { shared_buffers: '16MB' };

let dataDir: string;
let made: string;
const owners: ChildProcess[] = [];

function makeFolder(): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'callsheet-embedded-'));
  chmodSync(folder, 0o755);
  return folder;
}

/** A data directory whose cluster is made, because to make one takes seconds. */
beforeAll(async () => {
  made = makeFolder();
  await (await startEmbeddedPostgres({ dataDir: made, settings: SETTINGS })).stop();
});
afterAll(() => rmSync(made, { recursive: true, force: true }));

beforeEach(() => {
  dataDir = makeFolder();
});

afterEach(async () => {
  for (const owner of owners.splice(0)) owner.kill('SIGKILL');
  await eventually(() => expect(existsSync(inData('postgres/postmaster.pid'))).toBe(false));
  rmSync(dataDir, { recursive: true, force: true });
});

const inData = (name: string) => path.join(dataDir, name);
const start = () => startEmbeddedPostgres({ dataDir, settings: SETTINGS });
/** Puts a cluster into the data directory, with the owner that it has. */
const useMadeCluster = () => expect(spawnSync('cp', ['-a', `${made}/.`, dataDir]).status).toBe(0);

/** Another process that starts Postgres in the data directory; resolves at the first message that fits. */
async function otherProcess(until: 'progress' | 'url'): Promise<{ owner: ChildProcess; url: string }> {
  const owner = spawn(process.execPath, [compiled('test/support/hold-postgres'), dataDir], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  owners.push(owner);
  for await (const line of createInterface({ input: owner.stdout })) {
    const message = JSON.parse(line) as { progress?: string; url?: string };
    if (until in message) return { owner, url: message.url ?? '' };
  }
  throw new Error('The other process ended without a word');
}

function postmaster(): ProcessName {
  const pid = Number(readFileSync(inData('postgres/postmaster.pid'), 'utf8').split('\n')[0]);
  return processName(pid)!;
}

async function query(url: string, sql: string): Promise<any[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

async function stopping<T>(postgres: EmbeddedPostgres, work: (url: string) => Promise<T>): Promise<T> {
  try {
    return await work(postgres.url);
  } finally {
    await postgres.stop();
  }
}

it('finds its data again at the next start, and leaves no process in between', async () => {
  const first = await start();
  const server = postmaster();
  await stopping(first, (url) => query(url, 'CREATE TABLE kept AS SELECT 42 AS answer'));
  expect(isRunning(server)).toBe(false);
  expect(readdirSync(dataDir)).not.toContain('postgres.lock');

  expect(await stopping(await start(), (url) => query(url, 'SELECT answer FROM kept'))).toEqual([{ answer: 42 }]);
});

it('listens on the loopback address alone, asks for the password, and keeps that to its owner', async () => {
  useMadeCluster();
  await stopping(await start(), async (url) => {
    expect(await query(url, 'SHOW listen_addresses')).toEqual([{ listen_addresses: '127.0.0.1' }]);
    expect(await query(url, 'SHOW fsync')).toEqual([{ fsync: 'on' }]);
    const guess = new URL(url);
    guess.password = 'postgres';
    await expect(query(guess.href, 'SELECT 1')).rejects.toThrow(/password authentication failed/);
    expect(statSync(inData('postgres.password')).mode & 0o777).toBe(0o600);
  });
});

it('stops when its owner is killed, and the next start has the data', async () => {
  useMadeCluster();
  const { owner, url } = await otherProcess('url');
  await query(url, 'CREATE TABLE kept AS SELECT 42 AS answer');
  const server = postmaster();
  owner.kill('SIGKILL');
  await eventually(() => expect(isRunning(server)).toBe(false));

  expect(await stopping(await start(), (next) => query(next, 'SELECT answer FROM kept'))).toEqual([{ answer: 42 }]);
});

it('waits for the server that a killed owner left behind', async () => {
  useMadeCluster();
  const { owner, url } = await otherProcess('url');
  await query(url, 'CREATE TABLE kept AS SELECT 42 AS answer');
  owner.kill('SIGKILL');

  expect(await stopping(await start(), (next) => query(next, 'SELECT answer FROM kept'))).toEqual([{ answer: 42 }]);
});

it('refuses a directory in use, naming who holds it, and does no harm', async () => {
  useMadeCluster();
  const { owner, url } = await otherProcess('url');
  await expect(start()).rejects.toThrow(`in use by the process with pid ${owner.pid}`);
  expect(await query(url, 'SELECT 1 AS alive')).toEqual([{ alive: 1 }]);
});

it('tells whoever asks where the server of another process listens, while that runs', async () => {
  expect([hasEmbeddedPostgres({ dataDir }), runningEmbeddedPostgres({ dataDir })]).toEqual([false, null]);
  useMadeCluster();
  const { owner, url } = await otherProcess('url');
  expect(runningEmbeddedPostgres({ dataDir })).toBe(url);
  expect(await query(url, 'SELECT 42 AS answer')).toEqual([{ answer: 42 }]);
  owner.kill('SIGKILL');
  await eventually(() => expect(runningEmbeddedPostgres({ dataDir })).toBeNull());
  expect(hasEmbeddedPostgres({ dataDir })).toBe(true);
});

it('lets one of two simultaneous starts have it', async () => {
  const starts = await Promise.allSettled([start(), start()]);
  const started = starts.filter((result) => result.status === 'fulfilled');
  for (const { value } of started) await value.stop();
  expect(started).toHaveLength(1);
});

it('begins anew after a start that was killed while it made the cluster', async () => {
  const { owner } = await otherProcess('progress');
  await eventually(() => expect(readdirSync(dataDir).some((name) => name.startsWith('postgres.init-'))).toBe(true));
  owner.kill('SIGKILL');

  expect(await stopping(await start(), (url) => query(url, 'SELECT 1 AS works'))).toEqual([{ works: 1 }]);
  expect(readdirSync(dataDir).filter((name) => name.startsWith('postgres.init-'))).toEqual([]);
});
