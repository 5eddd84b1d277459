import type pg from 'pg';
import type { SqlPool } from '../database/sql-pool.js';
import { DURATIONS_KEPT, LEVELS, type DurationProfile } from '../domain/duration-profile.js';

/**
 * Duration profiles: how long the latest finished jobs took, by account, API and recipe. Hand-written SQL, since the
 * quantiles are Postgres' own (docs/decisions/0015-duration-profiles.md).
 */

/** By then the answer that confirms a callback has come, with the vendor's times. */
const SETTLED = '1 minute';
/** A round takes the newest finished jobs, so many at most: profiles remember no more than the latest anyway. */
const MOST_JOBS = 10_000;
/** A template that nobody has used for so long is forgotten. */
const FORGOTTEN = '90 days';

/** A job that has ended; `recipe` is its template or pipeline, '' when it has none. */
export type FinishedJob = { account: string; api: string; recipe: string; endedAt: Date; durationMs: number };

/**
 * Jobs that have ended since the last round. Vendors tell whole seconds, so where in its second a job ended is anybody's
 * guess. The duration is what the schedule will measure ages by: it begins with the vendor's creation (`startOf` in
 * domain/duration-profile.ts), and lies between the last look that saw the job unfinished and the moment its end was known.
 * Without usable times of the vendor it is the moment of the callback, or anywhere between those two looks; a job that nobody
 * has seen unfinished tells nothing then.
 */
const FINISHED = `
WITH ended AS MATERIALIZED (
  SELECT id, account, api, coalesce(template_id, pipeline_id, '') AS recipe, terminal_at,
         CASE WHEN vendor_created_at BETWEEN created_at - interval '7 days' AND created_at
              THEN vendor_created_at ELSE created_at END AS started_at,
         CASE WHEN vendor_finished_at > vendor_created_at AND vendor_finished_at < vendor_created_at + interval '7 days'
              THEN vendor_finished_at - vendor_created_at END AS vendor_duration
  FROM jobs
  WHERE terminal_at > coalesce((SELECT max(learned_until) FROM duration_profiles), '-infinity')
    AND terminal_at <= now() - interval '${SETTLED}'
    AND status <> 'lost' AND (parent_job_id IS NULL OR registered)
  ORDER BY terminal_at DESC LIMIT ${MOST_JOBS}
), seen AS (
  SELECT ended.*, unfinished.asked_at AS unfinished_at,
         EXISTS (SELECT FROM history_events h WHERE h.job_id = ended.id AND h.recorded_at = ended.terminal_at
                 AND h.kind = 'job.status' AND h.via = 'callback') AS told
  FROM ended LEFT JOIN LATERAL (
    SELECT asked_at FROM job_receipts WHERE job_id = ended.id AND asked_at < ended.terminal_at
    ORDER BY asked_at DESC OFFSET 1 LIMIT 1
  ) unfinished ON true
), timed AS (
  SELECT account, api, recipe, terminal_at,
         CASE WHEN vendor_duration IS NOT NULL
              THEN least(terminal_at, greatest(unfinished_at, started_at + vendor_duration + random() * interval '1 second'))
              WHEN told THEN terminal_at
              ELSE unfinished_at + random() * (terminal_at - unfinished_at) END - started_at AS duration
  FROM seen
)
SELECT account, api, recipe, terminal_at AS "endedAt",
       round(1000 * extract(epoch FROM duration))::float8 AS "durationMs"
FROM timed WHERE duration > interval '0' AND duration < interval '7 days' ORDER BY terminal_at`;

/** Each job counts in three profiles: of its recipe, of its account's API, of the API. */
const REMEMBER = `
WITH finished AS (
  SELECT * FROM json_to_recordset($1::json)
    AS v(account text, api text, recipe text, "endedAt" timestamptz, "durationMs" integer)
), fresh AS (
  SELECT kind.account, api, kind.recipe, array_agg("durationMs" ORDER BY "endedAt") AS durations, max("endedAt") AS until
  FROM finished CROSS JOIN LATERAL (
    SELECT '' AS account, '' AS recipe UNION SELECT finished.account, '' UNION SELECT finished.account, finished.recipe
  ) kind
  GROUP BY kind.account, api, kind.recipe
), joined AS (
  SELECT account, api, recipe, coalesce(known.recent, '{}') || durations AS durations, until
  FROM fresh LEFT JOIN duration_profiles known USING (account, api, recipe)
)
INSERT INTO duration_profiles (account, api, recipe, recent, quantiles, learned_until)
SELECT account, api, recipe, latest.recent, q.quantiles, until
FROM joined
CROSS JOIN LATERAL (SELECT durations[greatest(1, cardinality(durations) - ${DURATIONS_KEPT - 1}):] AS recent) latest
CROSS JOIN LATERAL (
  SELECT percentile_disc($2::float8[]) WITHIN GROUP (ORDER BY duration) AS quantiles FROM unnest(latest.recent) duration
) q
ON CONFLICT (account, api, recipe) DO UPDATE
SET recent = excluded.recent, quantiles = excluded.quantiles, learned_until = excluded.learned_until`;

/** Learns from the jobs that have ended since the last round; one process at a time. Answers how many there were. */
export async function learnDurations(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<FinishedJob>({ name: 'finished-jobs', text: FINISHED });
  await rememberDurations(client, rows);
  return rows.length;
}

/** Takes finished jobs, oldest first, into the profiles. */
export async function rememberDurations(client: pg.ClientBase, jobs: readonly FinishedJob[]): Promise<void> {
  if (jobs.length === 0) return;
  await client.query({ name: 'remember-durations', text: REMEMBER, values: [JSON.stringify(jobs), LEVELS] });
}

export async function forgetDurations(client: pg.ClientBase): Promise<void> {
  await client.query(`DELETE FROM duration_profiles WHERE learned_until < now() - interval '${FORGOTTEN}'`);
}

/** A profile and whose it is. */
export type ProfileRow = DurationProfile & { account: string; api: string; recipe: string; learnedUntil: Date };

/** Profiles that have learned something since then, `most` at most, the latest last. */
export async function readProfiles(
  sql: SqlPool,
  { since, most }: { since: Date | null; most: number },
): Promise<ProfileRow[]> {
  const { rows } = await sql.query<ProfileRow>({
    name: 'read-profiles',
    text: `SELECT account, api, recipe, cardinality(recent) AS jobs, quantiles, learned_until AS "learnedUntil"
           FROM duration_profiles WHERE learned_until > coalesce($1::timestamptz, '-infinity')
           ORDER BY learned_until DESC LIMIT $2`,
    values: [since, most],
  });
  return rows.reverse();
}
