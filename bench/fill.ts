import pg from 'pg';
import { draw } from '../emulator/draw.js';
import type { FinalStatus } from '../emulator/outcome.js';
import type { JobKind, Life, Order, PlannedJob } from '../emulator/kinds/kind.js';
import { KINDS, type Api } from '../emulator/kinds/kinds.js';
import { makePartitions } from '../src/database/partitions.js';
import { interpret } from '../src/tracking/interpret.js';
import { ACCOUNT } from './account.js';
import { query, settle, type BenchPostgres } from './postgres.js';
import type { Say } from './report.js';
import { openSide, type Side } from './side.js';

/**
 * A database as a platform has it after three months: a few hundred jobs of every kind and outcome are tracked by the
 * program itself, from answers of the emulator, and then copied by SQL until there are enough, each copy with ids, places,
 * labels and times of its own. So every row is one that apply writes, and a million jobs take minutes.
 */

export type FillOptions = {
  jobs: number;
  /** Decides everything but the times, which end now. */
  seed?: number;
};

/** Stands in the first eight digits of every id, and in every path, of a template; each copy puts its own there. */
const MARK = '70605040';
const DAYS = 90;
/** How many copies one statement makes of each table. */
const CHUNK = 20_000;
const WORKERS = 2;
const RECEIPTS_KEPT = '30 days';

/** How often each kind occurs, in a thousand: four subjobs and four outputs a job on the average. */
const KIND_SHARES: Record<Api, number> = {
  'alibaba-ims/media-convert': 430,
  'alibaba-ims/batch-media-producing': 240,
  'alibaba-ims/media-producing': 210,
  'alibaba-ims/dynamic-image': 65,
  'alibaba-ims/snapshot': 5,
  'huawei-mpc/editing': 50,
};

/** How often each end occurs among the jobs that have ended, in a thousand. */
const END_SHARES: Record<Ending, number> = { succeeded: 939, failed: 38, partially_failed: 18, canceled: 4, lost: 1 };
/** The same of the jobs that are still open. */
const STAGE_SHARES: Record<Stage, number> = { registered: 100, queued: 300, running: 600 };
/** Templates of one kind and end: enough that copies are not all alike. */
const VARIETY = { succeeded: 12, other: 3 };

type Ending = FinalStatus | 'lost';
type Stage = 'registered' | 'queued' | 'running';

type Template = { kind: JobKind; api: Api; state: Ending | Stage; share: number; vendorJobId: string; order: Order };

/** What is left of a rate in an empty database, at least, when there are as many jobs as a platform has. */
export const LEFT_AMONG_MANY = 0.9;

const filled = new WeakMap<BenchPostgres, Map<number, Promise<string>>>();

/** A database of its own with `jobs` jobs; filled once in a run of the benchmarks, copied every time. */
export async function filledDatabase(postgres: BenchPostgres, name: string, jobs: number, say: Say): Promise<string> {
  const bySize = filled.get(postgres) ?? new Map<number, Promise<string>>();
  filled.set(postgres, bySize);
  const fill = async (): Promise<string> => {
    const original = `filled_${jobs}`;
    await fillDatabase(await postgres.createDatabase(original), { jobs }, say);
    return original;
  };
  const original = bySize.get(jobs) ?? fill();
  bySize.set(jobs, original);
  return postgres.createDatabase(name, await original);
}

/**
 * Fills a fresh database: `jobs` jobs, about four times as many subjobs and outputs and ten times as many events, their
 * streams, refs and receipts, the dedupe ledger of the last 30 days, and no bodies. Vacuumed and analyzed.
 */
export async function fillDatabase(databaseUrl: string, { jobs, seed = 1 }: FillOptions, say: Say): Promise<void> {
  const from = performance.now();
  const now = new Date();
  const side = await openSide(databaseUrl);
  try {
    for (let month = 0; month <= 3; month++) {
      await makePartitions(side.sql, new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - month)));
    }
    const templates = templatesOf(seed);
    await trackTemplates(side, templates);
    await query(databaseUrl, KEEP_TEMPLATES);
    const restore = await layAside(databaseUrl);
    await copyAll(databaseUrl, { jobs, seed, now, templates }, say);
    for (const statement of restore) {
      say(`fill: ${statement.slice(0, 100)}`);
      await query(databaseUrl, `SET maintenance_work_mem = '512MB'; ${statement}`);
    }
    await query(databaseUrl, `SELECT setval('observation_number', ${jobs * 10 + 100_000}); DROP SCHEMA fill CASCADE`);
    say('fill: vacuum and analyze');
    await query(databaseUrl, 'VACUUM (ANALYZE)');
    await settle(databaseUrl);
  } finally {
    await side.sql.onModuleDestroy();
  }
  say(`fill: ${jobs.toLocaleString('en-US')} jobs in ${Math.round((performance.now() - from) / 1000)} s`);
}

function templatesOf(seed: number): Template[] {
  const wanted = Object.entries(KINDS).flatMap(([api, kind]) =>
    [...Object.entries(END_SHARES), ...Object.entries(STAGE_SHARES)].flatMap(([state, share]) => {
      const variety = state === 'succeeded' ? VARIETY.succeeded : VARIETY.other;
      return Array.from({ length: variety }, (_, i) => {
        const stage = state as Ending | Stage;
        return { kind, api: api as Api, state: stage, share: (KIND_SHARES[api as Api] * share) / variety, i };
      });
    }),
  );
  return wanted.flatMap(({ i, ...template }) => {
    const { api, kind, state } = template;
    const digits = draw('template', seed, api, state, i).hex(24);
    const vendorJobId = kind.idFrom ? `${MARK}${parseInt(digits.slice(0, 6), 16)}` : `${MARK}${digits}`;
    const userData = JSON.stringify({ videoId: `${MARK}-${i}`, batch: digits.slice(0, 16) });
    const order: Order = {
      vendorJobId,
      userData,
      ...partsOf(api, i),
      outcome: state in END_SHARES ? endOf(state) : undefined,
    };
    return isPossible(template, order) ? [{ ...template, vendorJobId, order }] : [];
  });
}

function endOf(state: Ending | Stage): FinalStatus | undefined {
  return state === 'lost' || state in STAGE_SHARES ? undefined : (state as FinalStatus);
}

function partsOf(api: Api, i: number): Partial<Order> {
  if (api === 'alibaba-ims/media-convert') return { outputs: 2, groups: 1 };
  if (api === 'alibaba-ims/batch-media-producing') return { subjobs: 9 + (i % 2), openSubjobs: 0 };
  return {};
}

/** Not every kind knows every end. */
function isPossible({ kind, api, state }: Pick<Template, 'kind' | 'api' | 'state'>, order: Order): boolean {
  if (state === 'lost') return kind.vendor === 'alibaba-ims';
  try {
    kind.plan(draw('possible', api), order);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** Registers every template, and lets the program learn of it what the vendor would answer. */
async function trackTemplates(side: Side, templates: Template[]): Promise<void> {
  const { sql, registry, tracker } = side;
  const made = await registry.register(
    templates.map(({ api, vendorJobId }) => ({ account: ACCOUNT, api, vendorJobId })),
  );
  // Longer ago than the grace in which a vendor may not know a job.
  await sql.query({ text: `UPDATE jobs SET created_at = now() - interval '1 hour'` });
  await sql.query({ text: 'CREATE SCHEMA fill' });
  await sql.query({ text: 'CREATE TABLE fill.families (family integer, job_id uuid)' });
  await sql.query({ text: 'CREATE TABLE fill.ref_texts (vendor_job_id text, text text)' });
  await sql.query({
    text: 'INSERT INTO fill.families SELECT place - 1, id FROM unnest($1::uuid[]) WITH ORDINALITY AS made(id, place)',
    values: [made.map(({ id }) => id)],
  });
  for (const template of templates) {
    const document = documentOf(template);
    if (document) await answer(side, template.api, template.vendorJobId, document);
  }
  await tracker.applyPending();
  // Parts of batches that failed are tracked as jobs of their own.
  for (const template of templates.filter(({ state }) => state in END_SHARES)) {
    const life = lifeOf();
    for (const { plan, kind, vendorJobId, lifeIn } of planOf(template).subjobs ?? []) {
      if (plan.expectedStatus !== 'failed') continue;
      await answer(side, kind.api, marked(vendorJobId), kind.answer(plan.document(lifeIn(life), life.endsAt)));
    }
  }
  await tracker.applyPending();
}

async function answer({ sql, receipts }: Side, api: string, vendorJobId: string, document: object): Promise<void> {
  const { rows } = await sql.query<{ number: string; now: Date }>({
    text: `SELECT nextval('observation_number') AS number, clock_timestamp() AS now`,
  });
  const { number, now } = rows[0] ?? { number: '0', now: new Date() };
  const evidence = { number: Number(number), askedAt: now };
  const body = Buffer.from(marked(JSON.stringify(document)));
  const receipt = { account: ACCOUNT, api, asked: [vendorJobId], httpStatus: 200, body };
  await receipts.storeAnswer({ ...receipt, via: 'poll', evidence });
  // The rows hold hashes; copies need the texts.
  const meanings = interpret({ ...receipt, via: 'poll' });
  const refs = meanings.flatMap((meaning) => (meaning.kind === 'speaks' ? meaning.seen.refs : []));
  await sql.query({
    text: 'INSERT INTO fill.ref_texts SELECT $1, unnest($2::text[])',
    values: [vendorJobId, refs],
  });
}

/** What the vendor answers, in the middle of the run or after it; null where nobody has asked yet. */
function documentOf(template: Template): object | null {
  const { kind, state } = template;
  if (state === 'registered') return null;
  if (state === 'lost') return { Code: 'JobNotFound', Message: 'The job is not found' };
  const life = lifeOf();
  const at = { queued: life.submittedAt, running: (life.startsAt + life.endsAt) / 2 }[state as string] ?? life.endsAt;
  return kind.answer(planOf(template).document(life, at));
}

function planOf({ kind, api, vendorJobId, order }: Template): PlannedJob {
  return kind.plan(draw('fill', api, vendorJobId), order);
}

function lifeOf(): Life {
  const endsAt = Date.now() - 60_000;
  return { submittedAt: endsAt - 70_000, startsAt: endsAt - 60_000, endsAt };
}

/** With the mark in every id (32 hexadecimal digits, or a UUID) and in every URL. */
function marked(text: string): string {
  return text
    .replace(/\b[0-9a-f]{8}([0-9a-f]{24})\b/g, `${MARK}$1`)
    .replace(/\b[0-9A-Fa-f]{8}((-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})\b/g, `${MARK}$1`)
    .replace(/\.aliyuncs\.com\//g, `.aliyuncs.com/${MARK}/`);
}

/** What was tracked goes aside, numbered, and the tables are empty again. */
const KEEP_TEMPLATES = `
CREATE TABLE fill.jobs AS
  SELECT j.*, coalesce(own.family, batch.family) AS family,
         row_number() OVER (PARTITION BY coalesce(own.family, batch.family) ORDER BY own.family, j.id)::int - 1 AS k
  FROM jobs j LEFT JOIN fill.families own ON own.job_id = j.id LEFT JOIN fill.families batch ON batch.job_id = j.parent_job_id;
CREATE TABLE fill.job_receipts AS
  SELECT *, dense_rank() OVER (ORDER BY receipt_id)::int AS k FROM job_receipts;
CREATE TEMP TABLE numbered AS
  SELECT *, row_number() OVER (PARTITION BY job_id ORDER BY path)::int AS own_k FROM subjobs;
CREATE TABLE fill.subjobs AS
  SELECT s.*, s.own_k AS k, parent.own_k AS parent_k FROM numbered s LEFT JOIN numbered parent ON parent.id = s.parent_id;
CREATE TABLE fill.outputs AS
  SELECT o.*, s.k AS subjob_k FROM outputs o LEFT JOIN fill.subjobs s ON s.id = o.subjob_id;
CREATE TABLE fill.streams AS
  SELECT s.*, o.slot FROM streams s JOIN outputs o ON o.job_id = s.job_id AND o.id = s.output_id;
CREATE TABLE fill.history_events AS
  SELECT h.*, s.k AS subjob_k, r.k AS receipt_k FROM history_events h LEFT JOIN fill.subjobs s ON s.id = h.subjob_id
  LEFT JOIN (SELECT DISTINCT receipt_id, k FROM fill.job_receipts) r ON r.receipt_id = h.receipt_id;
CREATE TABLE fill.job_refs AS
  SELECT j.id AS job_id, r.text FROM fill.ref_texts r JOIN fill.jobs j USING (vendor_job_id)
  UNION SELECT id, vendor_job_id FROM fill.jobs;
DO $$ BEGIN
  IF (SELECT count(*) FROM fill.job_refs) <> (SELECT count(*) FROM job_refs) THEN
    RAISE 'the templates have other refs than their answers';
  END IF;
END $$;
TRUNCATE jobs, subjobs, outputs, streams, history_events, job_refs, job_receipts, receipts, receipt_keys, pending_receipts,
  receipt_problems;

-- The same for the same seed: a number in [0, 1), and a UUIDv7 of a moment.
CREATE FUNCTION fill.chance(n bigint, salt bigint) RETURNS float8 LANGUAGE sql STABLE
  RETURN (hashint8extended(n, salt) & 4503599627370495) / 4503599627370496.0::float8;
CREATE FUNCTION fill.uuid(at timestamptz, n bigint, k integer) RETURNS uuid LANGUAGE sql STABLE
  RETURN (lpad(to_hex((date_part('epoch', at) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(k), 3, '0')
    || '8' || lpad(to_hex(hashint8extended(n, k) & 1152921504606846975), 15, '0'))::uuid;
-- outputId of src/tracking/job-rows.ts, since apply knows outputs by it; refHash of src/domain/job-ref.ts.
CREATE FUNCTION fill.output_id(job_id uuid, slot text) RETURNS uuid LANGUAGE sql STABLE
  RETURN (SELECT encode(set_byte(set_byte(h, 6, get_byte(h, 6) & 15 | 128), 8, get_byte(h, 8) & 63 | 128), 'hex')::uuid
    FROM (SELECT substr(sha256(convert_to('output ' || job_id || ' ' || slot, 'UTF8')), 1, 16) AS h));
CREATE FUNCTION fill.ref(text text) RETURNS uuid LANGUAGE sql STABLE
  RETURN encode(substr(sha256(convert_to(text, 'UTF8')), 1, 16), 'hex')::uuid`;

const COPIES_TABLE = `
CREATE TEMP TABLE copies (
  n bigint, template uuid, k integer, job_id uuid, parent_id uuid, account text, tail text, is_open boolean,
  created_at timestamptz, seen_at timestamptz, now timestamptz, seed bigint
)`;

/**
 * $1 to $2: which copies; $3 of how many; $4 now; $5 and $6 families of jobs that have ended and of open ones, each as often
 * as it is to occur; $7 the seed. Open jobs are among the newest, but for a few that hang.
 */
const COPIES = `
INSERT INTO copies
SELECT n, t.id, t.k, fill.uuid(at, n, t.k), CASE WHEN t.parent_job_id IS NOT NULL THEN fill.uuid(at, n, 0) END,
       CASE WHEN t.api LIKE 'huawei%' AND dice.account < 0.5 THEN 'mpc-cn'
            WHEN dice.account < 0.55 THEN '${ACCOUNT}' WHEN dice.account < 0.8 THEN 'media-cn'
            WHEN dice.account < 0.95 THEN 'media-eu' WHEN dice.account < 0.999 THEN 'claims' ELSE 'trial' END,
       -- Unlike any other number of 32 bits, and in no order.
       CASE WHEN t.api LIKE 'huawei%' THEN (10000000 + n)::text
            ELSE lpad(to_hex(n * 2654435761 + $7 & 4294967295), 8, '0') END,
       is_open, at,
       least($4, at + make_interval(secs => CASE WHEN is_open THEN 5 ELSE 30 + 1800 * dice.duration ^ 3 END)), $4, $7
FROM (
  SELECT n, $4::timestamptz - make_interval(secs => (1 - n / $3::float8) * ${DAYS * 86_400}) AS at,
         fill.chance(n, $7) < CASE WHEN n > 0.95 * $3::bigint THEN 0.36 ELSE 0.002 END AS is_open,
         fill.chance(n, $7 + 1) AS account, fill.chance(n, $7 + 2) AS duration, fill.chance(n, $7 + 3) AS family
  FROM generate_series($1::bigint, $2::bigint) AS n
  OFFSET 0
) AS dice
JOIN fill.jobs t ON t.family = CASE WHEN is_open THEN ($6::int[])[1 + floor(dice.family * cardinality($6::int[]))::int]
                                    ELSE ($5::int[])[1 + floor(dice.family * cardinality($5::int[]))::int] END`;

const own = (column: string) => `replace(t.${column}, '${MARK}', c.tail)`;
const shifted = (column: string, to: string) => `CASE WHEN t.${column} IS NOT NULL THEN ${to} END`;
const chance = (salt: number) => `fill.chance(c.n, c.seed + ${salt})`;
const subjobId = (k: string) => `CASE WHEN ${k} IS NOT NULL THEN fill.uuid(c.created_at, c.n, 100 + ${k}) END`;
const receiptId = (k: string) => `CASE WHEN ${k} IS NOT NULL THEN fill.uuid(c.seen_at, c.n, 1000 + ${k}) END`;
const WORDS = `(ARRAY['episode', 'trailer', 'clip', 'promo', 'news', 'match', 'lesson', 'ad', 'recap', 'short'])`;

/** Of each table, the columns that a copy does not have from its template. */
const OWN_COLUMNS: Record<string, Record<string, string>> = {
  jobs: {
    id: 'c.job_id',
    account: 'c.account',
    vendor_job_id: own('vendor_job_id'),
    parent_job_id: 'c.parent_id',
    name: `CASE WHEN ${chance(4)} < 0.7 THEN ${WORDS}[1 + floor(10 * ${chance(5)})::int] || '-' || c.n || ' master' END`,
    labels: `CASE WHEN ${chance(6)} < 0.8 THEN jsonb_build_object(
        'tenant', 'tenant-' || floor(200 * ${chance(7)} ^ 2), 'videoId', 'video-' || c.n)
      || CASE WHEN ${chance(8)} < 0.001 THEN '{"priority": "urgent"}' ELSE '{}' END::jsonb ELSE '{}' END`,
    user_data_raw: own('user_data_raw'),
    confirmed: `t.confirmed AND c.account <> 'claims'`,
    vendor_created_at: shifted('vendor_created_at', `c.created_at - interval '2 seconds'`),
    vendor_modified_at: shifted('vendor_modified_at', `c.seen_at - interval '2 seconds'`),
    vendor_finished_at: shifted('vendor_finished_at', `c.seen_at - interval '3 seconds'`),
    created_at: 'c.created_at',
    updated_at: 'c.seen_at',
    terminal_at: shifted('terminal_at', 'c.seen_at'),
    // A third of those that wait is due.
    next_poll_at: `CASE WHEN t.next_poll_at IS NOT NULL AND c.is_open AND c.account <> 'claims' THEN
      c.now + make_interval(secs => 3600 * (${chance(9)} - 0.33)) END`,
  },
  subjobs: {
    id: subjobId('t.k'),
    job_id: 'c.job_id',
    parent_id: subjobId('t.parent_k'),
    path: own('path'),
    vendor_subjob_id: own('vendor_subjob_id'),
    vendor_created_at: shifted('vendor_created_at', 'c.created_at'),
    vendor_finished_at: shifted('vendor_finished_at', `c.seen_at - interval '3 seconds'`),
    created_at: 'c.created_at',
    updated_at: 'c.seen_at',
  },
  outputs: {
    id: `fill.output_id(c.job_id, ${own('slot')})`,
    job_id: 'c.job_id',
    subjob_id: subjobId('t.subjob_k'),
    slot: own('slot'),
    url: own('url'),
    media_id: own('media_id'),
    created_at: 'c.seen_at',
    updated_at: 'c.seen_at',
  },
  streams: { output_id: `fill.output_id(c.job_id, ${own('slot')})`, job_id: 'c.job_id' },
  history_events: {
    job_id: 'c.job_id',
    subjob_id: subjobId('t.subjob_k'),
    recorded_at: 'CASE WHEN t.sequence = 1 THEN c.created_at ELSE c.seen_at END',
    vendor_at: shifted('vendor_at', 'c.seen_at'),
    receipt_id: receiptId('t.receipt_k'),
  },
  job_refs: { ref: `fill.ref(${own('text')})`, job_id: 'c.job_id' },
  job_receipts: {
    job_id: 'c.job_id',
    receipt_id: receiptId('t.k'),
    number: 'c.n * 10 + t.k % 10',
    asked_at: 'c.seen_at',
  },
};
const TABLES = Object.keys(OWN_COLUMNS);

const RECEIPT_KEYS = `
INSERT INTO receipt_keys (key_hash, receipt_id, seen, last_at)
SELECT fill.ref(c.n || ' ' || t.k), ${receiptId('t.k')}, 1, c.seen_at
FROM copies c JOIN fill.job_receipts t ON t.job_id = c.template
WHERE c.k = 0 AND c.created_at > c.now - interval '${RECEIPTS_KEPT}'`;

type Plan = { jobs: number; seed: number; now: Date; templates: Template[] };

async function copyAll(databaseUrl: string, { jobs, seed, now, templates }: Plan, say: Say): Promise<void> {
  const statements = await Promise.all(TABLES.map((table) => copyStatement(databaseUrl, table)));
  const ended = deck(templates, (state) => state in END_SHARES);
  const open = deck(templates, (state) => state in STAGE_SHARES);
  let next = 1;
  let done = 0;
  const work = async () => {
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    try {
      await client.query(`SET synchronous_commit = off; SET work_mem = '256MB'; ${COPIES_TABLE}`);
      for (let from = next; from <= jobs; from = next) {
        next += CHUNK;
        const to = Math.min(jobs, from + CHUNK - 1);
        await client.query('TRUNCATE copies');
        await client.query(COPIES, [from, to, jobs, now, ended, open, seed]);
        for (const text of statements) await client.query(text);
        await client.query(RECEIPT_KEYS);
        done += to - from + 1;
        say(`fill: ${done.toLocaleString('en-US')} of ${jobs.toLocaleString('en-US')} jobs`);
      }
    } finally {
      await client.end();
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, work));
}

/** Family numbers, each as often as it is to occur. */
function deck(templates: Template[], wanted: (state: Template['state']) => boolean): number[] {
  const chosen = templates.flatMap(({ state, share }, family) => (wanted(state) ? [{ family, share }] : []));
  const total = chosen.reduce((sum, { share }) => sum + share, 0);
  return chosen.flatMap(({ family, share }) => Array<number>(Math.ceil((share / total) * 100_000)).fill(family));
}

/** Whatever columns the table has by now. In the order of time, as rows lie that came one after the other. */
async function copyStatement(databaseUrl: string, table: string): Promise<string> {
  const { rows } = await query<{ name: string }>(
    databaseUrl,
    `SELECT attname AS name FROM pg_attribute WHERE attrelid = '${table}'::regclass AND attnum > 0 AND NOT attisdropped`,
  );
  const names = rows.map(({ name }) => `"${name}"`).join(', ');
  const values = rows.map(({ name }) => OWN_COLUMNS[table]?.[name] ?? `t."${name}"`).join(', ');
  const template = table === 'jobs' ? 't.id' : 't.job_id';
  return `INSERT INTO ${table} (${names}) SELECT ${values} FROM copies c JOIN fill.${table} t ON ${template} = c.template
    ORDER BY c.n`;
}

/** Drops the indexes and keys of all tables that are filled; answers the statements that make them again. */
async function layAside(databaseUrl: string): Promise<string[]> {
  const tables = [...TABLES, 'receipt_keys'].map((table) => `'${table}'::regclass`).join(', ');
  const { rows } = await query<{ drop: string; make: string }>(
    databaseUrl,
    `SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS drop,
            format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) AS make,
            contype = 'f' AS is_foreign
     FROM pg_constraint WHERE conrelid IN (${tables}) AND contype IN ('p', 'u', 'f')
     UNION ALL
     SELECT format('DROP INDEX %s', indexrelid::regclass), pg_get_indexdef(indexrelid), false
     FROM pg_index WHERE indrelid IN (${tables}) AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
     ORDER BY is_foreign, make`,
  );
  for (const { drop } of rows.toReversed()) await query(databaseUrl, drop);
  return rows.map(({ make }) => make);
}

/** A job to measure with, and names of it that people look for. */
export type Sample = {
  id: string;
  account: string;
  api: string;
  vendorJobId: string;
  name: string | null;
  createdAt: Date;
  outputUrl: string | null;
  vendorSubjobId: string | null;
};

/** Jobs from all over the table, the same ones for the same data. */
export async function sampleJobs(databaseUrl: string, count: number): Promise<Sample[]> {
  const { rows } = await query<Sample>(
    databaseUrl,
    `SELECT j.id, j.account, j.api, j.vendor_job_id AS "vendorJobId", j.name, j.created_at AS "createdAt",
            (SELECT url FROM outputs o WHERE o.job_id = j.id ORDER BY slot LIMIT 1) AS "outputUrl",
            (SELECT vendor_subjob_id FROM subjobs s WHERE s.job_id = j.id ORDER BY path LIMIT 1) AS "vendorSubjobId"
     FROM (SELECT * FROM jobs WHERE parent_job_id IS NULL ORDER BY hashtextextended(vendor_job_id, 7) LIMIT ${count}) j`,
  );
  return rows;
}
