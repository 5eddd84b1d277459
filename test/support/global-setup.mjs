import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { register } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { compile } from './compile.mjs';

register('./typescript-loader.mjs', import.meta.url);
const { startEmbeddedPostgres } = await import('../../src/embedded/embedded-postgres.ts');
const { migrate } = await import('../../src/database/migrate.ts');
const { startRedis } = await import('./redis-server.ts');

const TEMPLATE = 'callsheet_template';
const FOLDER = 'callsheet-test-';

// No flush: the data is thrown away, and what a kill -9 leaves is in the page cache all the same.
const SETTINGS = {
  fsync: 'off',
  full_page_writes: 'off',
  shared_buffers: '128MB',
  // Every queue and worker on Postgres has a pool of its own.
  max_connections: '300',
};

/** One Postgres with a migrated template and one Redis for the whole run; `database.ts` and `queue-stores.ts` hand them out. */
export default async function globalSetup() {
  removeLeftovers();
  const folder = mkdtempSync(path.join(os.tmpdir(), `${FOLDER}${process.pid}-`));
  // As root, the server runs as another user.
  chmodSync(folder, 0o755);
  const compiled = path.join(folder, 'compiled');
  await compile(compiled);
  process.env.TEST_COMPILED = compiled;
  const postgres = await startEmbeddedPostgres({ dataDir: folder, database: TEMPLATE, settings: SETTINGS });
  const redis = await startRedis(folder);
  globalThis.stopTestServers = async () => {
    await Promise.all([postgres.stop(), redis?.stop()]);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    if (!redis) explainMissingRedis();
    await makeTemplate(postgres.url);
  } catch (error) {
    await globalThis.stopTestServers();
    throw error;
  }
  process.env.TEST_POSTGRES_URL = postgres.url;
  if (redis) process.env.TEST_REDIS_URL = redis.url;
}

function explainMissingRedis() {
  if (process.env.CI === 'true') throw new Error('redis-server is not on the PATH: with CI=true every test must run');
  console.warn(
    '\nredis-server is not on the PATH: the tests of the queue on Redis are left out (on Postgres they run)',
  );
}

async function makeTemplate(url) {
  await weakenPassword(url);
  await migrate(url);
  const admin = new pg.Client({ connectionString: new URL('/postgres', url).href });
  await admin.connect();
  // Whoever is connected to a template blocks its cloning, autovacuum included.
  await admin.query(`ALTER DATABASE ${TEMPLATE} WITH IS_TEMPLATE true ALLOW_CONNECTIONS false`);
  await admin.end();
}

/** Stores the password with one round of hashing, because the usual 4,096 cost each of thousands of connections some milliseconds. */
async function weakenPassword(url) {
  const { username, password } = new URL(url);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('SET scram_iterations = 1');
  await client.query(`ALTER USER ${client.escapeIdentifier(username)} PASSWORD ${client.escapeLiteral(password)}`);
  await client.end();
}

/** A killed run could not remove its folder. */
function removeLeftovers() {
  for (const name of readdirSync(os.tmpdir())) {
    if (!name.startsWith(FOLDER)) continue;
    try {
      process.kill(Number.parseInt(name.slice(FOLDER.length), 10), 0);
    } catch (error) {
      if (error.code === 'ESRCH') rmSync(path.join(os.tmpdir(), name), { recursive: true, force: true });
    }
  }
}
