import { existsSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { startEmbeddedPostgres } from '../src/embedded/embedded-postgres.js';

/** The one server that all sides of all benchmarks share, settings and all; each side has a database of its own. */
export type BenchPostgres = {
  version: string;
  /** Empty, or a copy of one made here before, which nobody may be connected to: a filled one can be had twice cheaply. */
  createDatabase(name: string, like?: string): Promise<string>;
  /** One that is done with before the benchmarks are: a million jobs take 15 GB. */
  dropDatabase(name: string): Promise<void>;
  stop(): Promise<void>;
};

/** `BENCH_DATABASE_URL`, where databases may be made and dropped, or a fresh embedded server. */
export async function openPostgres(say: (line: string) => void): Promise<BenchPostgres> {
  const given = process.env['BENCH_DATABASE_URL'];
  return given === undefined ? openEmbedded(say) : openServer(given, async () => {});
}

/** As docs/performance.md sizes a server for a million jobs; what full pages cost is not to be the cost of compressing them. */
const SETTINGS = { shared_buffers: '1GB', max_wal_size: '8GB', wal_compression: 'off' };

async function openEmbedded(say: (line: string) => void): Promise<BenchPostgres> {
  // Not made here: as root, the server runs as another user, and a folder made elsewhere might be closed to it.
  const dataDir = path.join(os.tmpdir(), `callsheet-bench-${process.pid}`);
  const server = await startEmbeddedPostgres({ dataDir, onProgress: say, settings: SETTINGS });
  return openServer(server.url, async () => {
    await server.stop();
    if (existsSync(dataDir)) rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
  });
}

async function openServer(url: string, stopServer: () => Promise<void>): Promise<BenchPostgres> {
  const made: string[] = [];
  const { rows } = await query<{ version: string }>(url, `SELECT current_setting('server_version') AS version`);
  return {
    version: rows[0]?.version ?? 'unknown',
    async createDatabase(name, like) {
      const database = prefixed(name);
      await query(url, `DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
      const template = like === undefined ? '' : ` TEMPLATE ${prefixed(like)} STRATEGY file_copy`;
      await query(url, `CREATE DATABASE ${database}${template}`);
      made.push(database);
      const address = new URL(url);
      address.pathname = `/${database}`;
      return address.href;
    },
    async dropDatabase(name) {
      await query(url, `DROP DATABASE IF EXISTS ${prefixed(name)} WITH (FORCE)`);
    },
    async stop() {
      for (const database of made) await query(url, `DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
      await stopServer();
    },
  };
}

function prefixed(name: string): string {
  return `callsheet_bench_${name}`;
}

/** One statement on a connection of its own: for what happens between measurements. */
export async function query<Row extends pg.QueryResultRow>(url: string, text: string): Promise<pg.QueryResult<Row>> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await client.query<Row>(text);
  } finally {
    await client.end();
  }
}

/** What the last measurement left to be flushed is not the next one's cost. Takes a superuser; without one, as it comes. */
export async function settle(url: string): Promise<void> {
  await query(url, 'CHECKPOINT').catch(() => undefined);
}
