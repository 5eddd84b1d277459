import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFile, cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { migrate } from '../../src/database/migrate.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

const ROOT = path.join(import.meta.dirname, '../..');
const MIGRATIONS = path.join(ROOT, 'prisma/migrations');

/**
 * Every difference there is and may be. One that is gone must leave the list, or it would hide the next one in its place.
 */
const EXCEPTIONS = [
  // Prisma knows no partitions.
  'table history_events: "partitioned by RANGE (recorded_at)" in the migrations, "ordinary" in schema.prisma',
  'table receipts: "partitioned by RANGE (id)" in the migrations, "ordinary" in schema.prisma',
  'table history_events_default: in the migrations alone',
  'table receipts_default: in the migrations alone',

  // Prisma lets every list be null. It reads null as [], but what else reads the table need not know that.
  `column receipts.asked: "text[] NOT NULL DEFAULT '{}'::text[]" in the migrations, "text[] DEFAULT '{}'::text[]" in schema.prisma`,

  // Prisma knows neither partial indexes nor indexes on an expression.
  'index alert_receivers.alert_receivers_due: in the migrations alone',
  'index alerts.alerts_unresolved: in the migrations alone',
  'index deliveries.deliveries_alert: in the migrations alone',
  'index deliveries.deliveries_attempted: in the migrations alone',
  'index deliveries.deliveries_due: in the migrations alone',
  'index deliveries.deliveries_in_order: in the migrations alone',
  'index deliveries.deliveries_job: in the migrations alone',
  'index deliveries.deliveries_receivers: in the migrations alone',
  'index deliveries.deliveries_undelivered: in the migrations alone',
  'index jobs.jobs_created: in the migrations alone',
  'index jobs.jobs_due: in the migrations alone',
  'index jobs.jobs_invented: in the migrations alone',
  'index jobs.jobs_kind_created: in the migrations alone',
  'index jobs.jobs_labels: in the migrations alone',
  'index jobs.jobs_name_prefix: in the migrations alone',
  'index jobs.jobs_unwatched: in the migrations alone',
  'index jobs.jobs_updated: in the migrations alone',
  'index jobs.jobs_vendor_created: in the migrations alone',
  'index silences.silences_in_force: in the migrations alone',
  'index subjobs.subjobs_unsuccessful: in the migrations alone',

  // Prisma knows operator classes of ordinary indexes only.
  'index jobs.jobs_key: "CREATE UNIQUE INDEX jobs_key ON public.jobs USING btree (account, api, vendor_job_id text_pattern_ops)" in the migrations, "CREATE UNIQUE INDEX jobs_key ON public.jobs USING btree (account, api, vendor_job_id)" in schema.prisma',

  // Prisma knows no checks; its enums are types of their own, which cannot lose a value and are slow to gain one.
  'constraint alerts.alerts_severity_check: in the migrations alone',
  'constraint alerts.alerts_status_check: in the migrations alone',
  'constraint api_keys.api_keys_scope_check: in the migrations alone',
  'constraint budgets.budgets_pause_scope_check: in the migrations alone',
  'constraint deliveries.deliveries_status_check: in the migrations alone',
  'constraint jobs.jobs_status_check: in the migrations alone',
  'constraint jobs.jobs_vendor_job_id_check: in the migrations alone',
  'constraint receipt_problems.receipt_problems_state_check: in the migrations alone',
  'constraint receipts.receipts_via_check: in the migrations alone',
  'constraint streams.streams_type_check: in the migrations alone',
  'constraint subjobs.subjobs_kind_check: in the migrations alone',
  'constraint subjobs.subjobs_status_check: in the migrations alone',

  // Prisma knows no sequence but a column's own.
  'sequence observation_number: in the migrations alone',

  // The ledger of the migrations themselves.
  'table _prisma_migrations: in the migrations alone',
];

describe('migrations', () => {
  const databases: TestDatabase[] = [];
  const folders: string[] = [];

  const migratedDatabase = async (): Promise<string> => {
    const database = await createTestDatabase();
    databases.push(database);
    return database.url;
  };

  const emptyDatabase = async (): Promise<string> => {
    const name = `test_${randomBytes(6).toString('hex')}`;
    const server = new URL('/postgres', process.env['TEST_POSTGRES_URL']).href;
    await query(server, `CREATE DATABASE ${name}`);
    const drop = async () => void (await query(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
    databases.push({ url: new URL(`/${name}`, server).href, drop });
    return new URL(`/${name}`, server).href;
  };

  /** The migrations in a folder of our own, to break them. */
  const copiedMigrations = async (): Promise<string> => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'callsheet-migrations-'));
    folders.push(folder);
    await cp(MIGRATIONS, folder, { recursive: true });
    return folder;
  };

  afterAll(async () => {
    await Promise.all(databases.map((database) => database.drop()));
    await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
  });

  it('make what schema.prisma says', async () => {
    const [migrated, declared] = await Promise.all([migratedDatabase(), emptyDatabase()]);
    const script = await prisma(declared, 'migrate diff --from-empty --to-schema prisma/schema.prisma --script');
    await query(declared, script);
    expect(differences(await describeDatabase(migrated), await describeDatabase(declared))).toEqual(EXCEPTIONS.sort());
  });

  it('are applied once: a second start applies nothing', async () => {
    const url = await emptyDatabase();
    expect(await migrate(url)).toEqual(await migrationNames());
    const ledger = await query(url, 'SELECT * FROM _prisma_migrations');
    expect(await migrate(url)).toEqual([]);
    expect(await query(url, 'SELECT * FROM _prisma_migrations')).toEqual(ledger);
  });

  it('are refused when one was edited after it was applied', async () => {
    const [url, folder] = await Promise.all([migratedDatabase(), copiedMigrations()]);
    expect(await migrate(url, folder)).toEqual([]);
    await appendFile(path.join(folder, '20261121000200_jobs/migration.sql'), '-- an afterthought\n');
    await expect(migrate(url, folder)).rejects.toThrow(
      'Migration 20261121000200_jobs was changed after it was applied; restore the file and add a new migration',
    );
  });

  it('are refused after one failed, with word of what to do, until that is done', async () => {
    const [url, folder] = await Promise.all([migratedDatabase(), copiedMigrations()]);
    const broken = path.join(folder, '29990101000000_broken');
    await mkdir(broken);
    await writeFile(path.join(broken, 'migration.sql'), 'CREATE TABLE half_done (id integer);\nSELECT 1 / 0;\n');

    await expect(migrate(url, folder)).rejects.toThrow(/Migration 29990101000000_broken failed: .*division by zero/);
    expect(await query(url, `SELECT to_regclass('half_done') AS made`)).toEqual([{ made: null }]);
    expect(await query(url, 'SELECT migration_name FROM _prisma_migrations WHERE logs LIKE $1', ['%zero%'])).toEqual([
      { migration_name: '29990101000000_broken' },
    ]);

    // Even when the file has been mended: only a person knows what a failed migration left behind.
    await writeFile(path.join(broken, 'migration.sql'), 'CREATE TABLE half_done (id integer);\n');
    await expect(migrate(url, folder)).rejects.toThrow(
      'Migration 29990101000000_broken failed earlier; mend the database and run `prisma migrate resolve`',
    );

    // This is what `prisma migrate resolve --rolled-back` does.
    await query(url, 'UPDATE _prisma_migrations SET rolled_back_at = now() WHERE finished_at IS NULL');
    expect(await migrate(url, folder)).toEqual(['29990101000000_broken']);
    expect(await migrate(url, folder)).toEqual([]);
  });

  it('are applied by one of those that start together, and all of them succeed', async () => {
    const url = await emptyDatabase();
    const applied = await Promise.all(Array.from({ length: 6 }, () => migrate(url)));
    expect(applied.filter((names) => names.length > 0)).toEqual([await migrationNames()]);
    expect(await ledgerOf(url)).toHaveLength((await migrationNames()).length);
  });

  it('are up to date for prisma migrate status and deploy', async () => {
    const url = await migratedDatabase();
    const before = await ledgerOf(url);
    const [status, deploy] = await Promise.all([prisma(url, 'migrate status'), prisma(url, 'migrate deploy')]);
    expect(status).toContain('Database schema is up to date!');
    expect(deploy).toContain('No pending migrations to apply.');
    expect(await ledgerOf(url)).toEqual(before);
  });

  it('are accepted as prisma migrate deploy applied them', async () => {
    const [ours, theirs] = await Promise.all([migratedDatabase(), emptyDatabase()]);
    expect(await prisma(theirs, 'migrate deploy')).toContain('All migrations have been successfully applied.');
    expect(await migrate(theirs)).toEqual([]);
    expect(await ledgerOf(theirs)).toEqual(await ledgerOf(ours));
    // Includes the ledger itself.
    expect(await describeDatabase(theirs)).toEqual(await describeDatabase(ours));
  });
});

async function migrationNames(): Promise<string[]> {
  const entries = await readdir(MIGRATIONS, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

/** What both tools must agree on: all but ids and times. */
function ledgerOf(databaseUrl: string): Promise<unknown[]> {
  return query(
    databaseUrl,
    `SELECT migration_name, checksum, applied_steps_count, logs, finished_at IS NOT NULL AS finished, rolled_back_at
     FROM _prisma_migrations ORDER BY migration_name`,
  );
}

/** Runs the Prisma CLI on the engine that needs no download; rejects with what it said when it fails. */
async function prisma(databaseUrl: string, command: string): Promise<string> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['node_modules/prisma/build/index.js', ...command.split(' ')],
    {
      cwd: ROOT,
      env: {
        ...process.env,
        DATABASE_URL: databaseUrl,
        PRISMA_SCHEMA_ENGINE_BINARY: path.join(ROOT, 'test/support/schema-engine.mjs'),
        CHECKPOINT_DISABLE: '1',
        NO_COLOR: '1',
      },
    },
  );
  return stdout;
}

async function query<Row extends pg.QueryResultRow>(
  databaseUrl: string,
  text: string,
  values?: unknown[],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return (await client.query<Row>(text, values)).rows;
  } finally {
    await client.end();
  }
}

/** From a name as `index jobs.jobs_key` to what Postgres says it is. */
type Description = Map<string, string>;

/**
 * Everything in the words of Postgres itself, which writes the same thing the same way however it was made. What a
 * partition has from its parent belongs to the parent and is left out.
 */
async function describeDatabase(databaseUrl: string): Promise<Description> {
  const rows = await query<{ name: string; definition: string }>(
    databaseUrl,
    `WITH ours AS (
       SELECT c.* FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
     )
     SELECT format('table %s', oid::regclass) AS name,
            concat_ws(' ',
              CASE WHEN relkind = 'p' THEN 'partitioned by ' || pg_get_partkeydef(oid)
                   WHEN relkind = 'r' THEN 'ordinary' ELSE 'of kind ' || relkind::text END,
              pg_get_expr(relpartbound, oid),
              'WITH ' || reloptions::text) AS definition
     FROM ours WHERE relkind NOT IN ('i', 'I', 'S')
     UNION ALL
     SELECT format('column %s.%s', attrelid::regclass, attname),
            concat_ws(' ',
              format_type(atttypid, atttypmod),
              CASE WHEN attcollation <> typcollation THEN 'COLLATE ' || attcollation::regcollation::text END,
              CASE WHEN attnotnull THEN 'NOT NULL' END,
              CASE WHEN attgenerated = '' THEN 'DEFAULT ' ELSE 'GENERATED ' END || pg_get_expr(adbin, adrelid),
              CASE WHEN attidentity <> '' THEN 'IDENTITY ' || attidentity::text END)
     FROM ours
     JOIN pg_attribute a ON attrelid = ours.oid AND attnum > 0 AND NOT attisdropped AND attinhcount = 0
     JOIN pg_type t ON t.oid = atttypid
     LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
     WHERE relkind NOT IN ('i', 'I', 'S')
     UNION ALL
     -- From Postgres 18 on, NOT NULL is a constraint as well; the columns say it already.
     SELECT format('constraint %s.%s', conrelid::regclass, conname), pg_get_constraintdef(pg_constraint.oid)
     FROM pg_constraint JOIN ours ON ours.oid = conrelid
     WHERE contype <> 'n' AND coninhcount = 0
     UNION ALL
     SELECT format('index %s.%s', indrelid::regclass, relname),
            concat_ws(' ', pg_get_indexdef(indexrelid), CASE WHEN NOT indisvalid THEN 'INVALID' END)
     FROM pg_index JOIN ours ON ours.oid = indexrelid
     WHERE NOT relispartition
       AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u', 'x'))
     UNION ALL
     SELECT format('sequence %s', seqrelid::regclass), format_type(seqtypid, NULL)
     FROM pg_sequence JOIN ours ON ours.oid = seqrelid
     ORDER BY 1`,
  );
  return new Map(rows.map(({ name, definition }) => [name, inOneSpelling(definition)]));
}

/** Where Postgres keeps two spellings of one thing apart. */
function inOneSpelling(definition: string): string {
  return (
    definition
      .replace('DEFAULT CURRENT_TIMESTAMP', 'DEFAULT now()')
      .replace(/DEFAULT ARRAY\[\]::(\S+)/, "DEFAULT '{}'::$1")
      // The index of a partitioned table, which spans its partitions all the same.
      .replace(/^(CREATE .*?INDEX \S+ ON) ONLY /, '$1 ')
  );
}

function differences(migrations: Description, schema: Description): string[] {
  const found: string[] = [];
  for (const name of new Set([...migrations.keys(), ...schema.keys()])) {
    const [made, declared] = [migrations.get(name), schema.get(name)];
    if (made === declared) continue;
    if (made !== undefined && declared !== undefined) {
      found.push(`${name}: "${made}" in the migrations, "${declared}" in schema.prisma`);
      continue;
    }
    // Of a table that only one side has, one line is enough.
    const [, table] = /^(?:column|constraint|index) (.*)\./.exec(name) ?? [];
    if (table !== undefined && migrations.has(`table ${table}`) !== schema.has(`table ${table}`)) continue;
    found.push(`${name}: in ${declared === undefined ? 'the migrations' : 'schema.prisma'} alone`);
  }
  return found.sort();
}
