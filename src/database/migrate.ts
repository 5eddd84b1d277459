import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import pg from 'pg';

/** The advisory lock `prisma migrate` itself takes, so that the two never run side by side. */
const PRISMA_MIGRATE_LOCK = 72707369;

/** Prisma's own ledger, column for column (prisma-engines, schema-connector `create_migrations_table`). */
const LEDGER = `CREATE TABLE IF NOT EXISTS _prisma_migrations (
  id VARCHAR(36) PRIMARY KEY NOT NULL,
  checksum VARCHAR(64) NOT NULL,
  finished_at TIMESTAMPTZ,
  migration_name VARCHAR(255) NOT NULL,
  logs TEXT,
  rolled_back_at TIMESTAMPTZ,
  started_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  applied_steps_count INTEGER NOT NULL DEFAULT 0
)`;

/**
 * Applies `prisma/migrations` in order and records them as `prisma migrate deploy` would, so that either tool can go on
 * from the other. Prisma's engine is a download that closed networks do not reach; plain SQL needs none.
 * Returns the names applied now; throws when a migration failed earlier, was edited after it landed, or fails.
 */
export async function migrate(databaseUrl: string, folder = migrationsFolder()): Promise<string[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [PRISMA_MIGRATE_LOCK]);
    await client.query(LEDGER);
    const known = await knownMigrations(client);
    const applied: string[] = [];
    for (const name of await migrationNames(folder)) {
      const sql = await readFile(path.join(folder, name, 'migration.sql'), 'utf8');
      const checksum = createHash('sha256').update(sql).digest('hex');
      const earlier = known.get(name);
      if (earlier === undefined) {
        await applyMigration(client, name, sql, checksum);
        applied.push(name);
      } else if (earlier !== checksum) {
        throw new Error(`Migration ${name} was changed after it was applied; restore the file and add a new migration`);
      }
    }
    return applied;
  } finally {
    await client.end();
  }
}

/** `prisma/migrations`, seen from `src/database` as well as from `dist/src/database`. */
function migrationsFolder(): string {
  const here = import.meta.dirname;
  const root = here.includes(`${path.sep}dist${path.sep}`) ? path.join(here, '../../..') : path.join(here, '../..');
  return path.join(root, 'prisma/migrations');
}

async function migrationNames(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

async function knownMigrations(client: pg.Client): Promise<Map<string, string>> {
  const { rows } = await client.query<{ migration_name: string; checksum: string; finished_at: Date | null }>(
    'SELECT migration_name, checksum, finished_at FROM _prisma_migrations WHERE rolled_back_at IS NULL',
  );
  const failed = rows.find((row) => row.finished_at === null);
  if (failed) {
    throw new Error(
      `Migration ${failed.migration_name} failed earlier; mend the database and run \`prisma migrate resolve\``,
    );
  }
  return new Map(rows.map((row) => [row.migration_name, row.checksum]));
}

async function applyMigration(client: pg.Client, name: string, sql: string, checksum: string): Promise<void> {
  const id = randomUUID();
  await client.query('INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ($1, $2, $3)', [
    id,
    checksum,
    name,
  ]);
  try {
    await client.query(sql);
  } catch (error) {
    await client.query('UPDATE _prisma_migrations SET logs = $2 WHERE id = $1', [id, String(error)]);
    throw new Error(`Migration ${name} failed: ${String(error)}`, { cause: error });
  }
  await client.query('UPDATE _prisma_migrations SET finished_at = now(), applied_steps_count = 1 WHERE id = $1', [id]);
}
