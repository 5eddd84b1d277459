import type { SqlPool } from '../database/sql-pool.js';
import type { DurationProfile } from '../domain/duration-profile.js';
import type { JobFilter } from '../domain/job-filter.js';
import { POLL_LANES } from '../domain/poll-schedule.js';

/**
 * What figure rules are about, by hand: each is asked every few seconds, and must cost the same at a million jobs as at a
 * thousand. So each goes along an index that there is for others, no further than it has to, and stops after a bounded number of rows
 * (test/database/query-plans.suite.ts watches the plans).
 */

/** Jobs that ended last, of a window: enough for any share. */
const MOST_ENDED = 50_000;
/** Oldest open jobs of one account, API and status. */
const MOST_OPEN = 500;
const SAMPLES = 10;

export type SampleJob = { id: string; vendorJobId: string; name: string | null };

export type EndedJobs = {
  account: string;
  api: string;
  template: string | null;
  ended: number;
  failed: number;
  sample: SampleJob[];
};

/** The conditions of a filter on jobs `j`; what it wants is put into `values`. */
function conditions(filter: JobFilter | undefined, values: unknown[]): string {
  if (!filter) return '';
  const { status, account, api, label, q, createdAfter, createdBefore } = filter;
  const parts: string[] = [];
  const add = (value: unknown, condition: (place: string) => string) => {
    values.push(value);
    parts.push(condition(`$${values.length}`));
  };
  if (status) add(status, (p) => `j.status = ANY (${p}::text[])`);
  if (account) add(account, (p) => `j.account = ANY (${p}::text[])`);
  if (api) add(api, (p) => `j.api = ANY (${p}::text[])`);
  if (label) add(JSON.stringify(Object.fromEntries(label)), (p) => `j.labels @> ${p}::jsonb`);
  if (createdAfter) add(createdAfter, (p) => `j.created_at >= ${p}`);
  if (createdBefore) add(createdBefore, (p) => `j.created_at < ${p}`);
  if (q !== undefined)
    add(q, (p) => `(j.id::text = ${p} OR starts_with(j.vendor_job_id, ${p}) OR starts_with(j.name, ${p}))`);
  return parts.map((part) => ` AND ${part}`).join('');
}

/**
 * How the jobs that ended in the last `windowMs` came out, along the index by their end, newest first; counted in one pass over
 * narrow rows. What the sample shows of a job is read by its id: carried along, it makes this three times as slow.
 */
export async function readEnded(sql: SqlPool, windowMs: number, filter?: JobFilter): Promise<EndedJobs[]> {
  const values: unknown[] = [windowMs];
  const { rows } = await sql.query<EndedJobs>({
    text: `
WITH counted AS (
  SELECT account, api, template_id, count(*)::int AS ended, count(*) FILTER (WHERE status <> 'succeeded')::int AS failed,
         (array_agg(id) FILTER (WHERE status <> 'succeeded'))[:${SAMPLES}] AS newest
  FROM (
    SELECT id, account, api, template_id, status, vendor_job_id, name, labels, created_at,
           parent_job_id IS NOT NULL AND NOT registered AS part
    FROM jobs WHERE terminal_at > now() - $1 * interval '1 ms' ORDER BY terminal_at DESC, id DESC LIMIT ${MOST_ENDED}
  ) j WHERE NOT j.part AND j.status IN ('succeeded', 'partially_failed', 'failed')${conditions(filter, values)}
  GROUP BY account, api, template_id
)
SELECT account, api, template_id AS template, ended, failed, (
  SELECT json_agg(json_build_object('id', id, 'vendorJobId', vendor_job_id, 'name', name) ORDER BY terminal_at DESC)
  FROM jobs WHERE id = ANY (c.newest)
) AS sample
FROM counted c WHERE failed > 0`,
    values,
  });
  return rows;
}

export type OpenJob = SampleJob & {
  account: string;
  api: string;
  template: string | null;
  recipe: string;
  status: 'queued' | 'running';
  progress: number | null;
  /** Somebody said that it has ended: a callback, or a batch whose parts have not. */
  saidToEnd: boolean;
  createdAt: Date;
  vendorCreatedAt: Date | null;
  updatedAt: Date;
  /** Postgres' time, at which all of this holds. */
  now: Date;
};

/**
 * Open jobs that have been known for longer than `olderThanMs`, the oldest first, of one account, API and status: along the
 * index of lists. Without those that only callbacks have spoken of, and that nobody can ask about.
 */
export async function readOpen(
  sql: SqlPool,
  of: { account: string; api: string; status: 'queued' | 'running'; olderThanMs: number },
  filter?: JobFilter,
): Promise<OpenJob[]> {
  const values: unknown[] = [of.account, of.api, of.status, of.olderThanMs];
  const { rows } = await sql.query<OpenJob>({
    text: `
SELECT j.id, j.account, j.api, j.vendor_job_id AS "vendorJobId", j.name, j.template_id AS template,
       coalesce(j.template_id, j.pipeline_id, '') AS recipe, j.status, j.progress, j.created_at AS "createdAt",
       j.vendor_created_at AS "vendorCreatedAt", j.updated_at AS "updatedAt", now() AS now,
       j.basis->'finalClaims' IS NOT NULL OR j.basis->'endedAt' IS NOT NULL AS "saidToEnd"
FROM (
  SELECT * FROM jobs WHERE account = $1 AND api = $2 AND status = $3 AND created_at < now() - $4 * interval '1 ms'
    AND (parent_job_id IS NULL OR registered)
  ORDER BY created_at LIMIT ${MOST_OPEN}
) j
WHERE j.closed_at IS NULL AND j.poll_lane <> ${POLL_LANES.unproven}${conditions(filter, values)}`,
    values,
  });
  return rows;
}

/** Which accounts have open jobs of which APIs: one step along the index of lists for each, however many jobs there are. */
export async function readOpenKinds(
  sql: SqlPool,
  accounts: readonly string[],
  apis: readonly string[],
): Promise<{ account: string; api: string; status: 'queued' | 'running' }[]> {
  const { rows } = await sql.query<{ account: string; api: string; status: 'queued' | 'running' }>({
    name: 'open-kinds',
    // Not EXISTS, which Postgres turns into a join with all open jobs.
    text: `SELECT account, api, status FROM unnest($1::text[]) account, unnest($2::text[]) api, unnest('{queued,running}'::text[]) status,
             LATERAL (SELECT FROM jobs j WHERE j.account = account.account AND j.api = api.api AND j.status = status.status
                      AND (parent_job_id IS NULL OR registered) LIMIT 1) AS open`,
    values: [accounts, apis],
  });
  return rows;
}

export type Profile = DurationProfile & { account: string; api: string; recipe: string };

/** How long jobs take, of the given APIs: all recipes, accounts and the APIs at large. */
export async function readDurationProfiles(sql: SqlPool, apis: readonly string[]): Promise<Profile[]> {
  const { rows } = await sql.query<Profile>({
    name: 'late-profiles',
    text: `SELECT account, api, recipe, cardinality(recent) AS jobs, quantiles FROM duration_profiles WHERE api = ANY ($1::text[])`,
    values: [apis],
  });
  return rows;
}

export type CallbackCount = { account: string; api: string; due: number; lost: number };

/** Callbacks that were due in the last hours, along the key of their counts. */
export async function readCallbackCounts(sql: SqlPool, windowMs: number): Promise<CallbackCount[]> {
  const { rows } = await sql.query<CallbackCount>({
    name: 'callback-counts',
    text: `SELECT account, api, sum(due)::int AS due, sum(lost)::int AS lost FROM callback_health
           WHERE hour > now() - $1 * interval '1 ms' GROUP BY account, api`,
    values: [windowMs],
  });
  return rows;
}

export type PausedBudget = {
  account: string;
  api: string;
  scope: 'account' | 'api';
  code: string | null;
  reason: string | null;
};

export async function readPaused(sql: SqlPool): Promise<PausedBudget[]> {
  const { rows } = await sql.query<PausedBudget>({
    name: 'paused-budgets',
    text: `SELECT account, api, pause_scope AS scope, pause_code AS code, pause_reason AS reason FROM budgets
           WHERE paused_at IS NOT NULL ORDER BY account, api`,
  });
  return rows;
}

/** The receipts that wait to be applied: how many, up to a limit, and for how long the oldest has. */
export async function readWaiting(sql: SqlPool): Promise<{ waiting: number; oldestMs: number }> {
  const { rows } = await sql.query<{ waiting: number; oldestMs: number }>({
    name: 'receipts-waiting',
    text: `SELECT count(*)::int AS waiting, coalesce(1000 * extract(epoch FROM now() - min(received_at)), 0)::float8 AS "oldestMs"
           FROM (SELECT received_at FROM pending_receipts ORDER BY id LIMIT ${MOST_ENDED}) pending`,
  });
  return rows[0] ?? { waiting: 0, oldestMs: 0 };
}
