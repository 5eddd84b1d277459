import type pg from 'pg';
import { POLL_LANES } from '../domain/poll-schedule.js';
import type { Account } from '../settings/settings.js';

/** Vendors answer about jobs for a year; asked about an older one, they would make a finished job a lost one. */
const OLDEST = '360 days';

/**
 * The newest first, along their own partial index, as many as one API's budget has calls for until the next round, and one
 * after the other: what was due before must not wait for them. Nobody is waiting for them either, and their callbacks were
 * believed until now, so they are asked about like jobs that a listing has shown, and are not forgotten as invented.
 */
const WATCH = `
WITH unwatched AS (
  SELECT job.id, asked.account, row_number() OVER (PARTITION BY asked.account) / asked.calls_per_second AS seconds
  FROM json_to_recordset($1::json) AS asked(account text, calls_per_second float8)
  CROSS JOIN LATERAL (
    SELECT id FROM jobs
    WHERE account = asked.account AND created_at > now() - interval '${OLDEST}'
      AND next_poll_at IS NULL AND closed_at IS NULL AND (terminal_at IS NULL OR NOT confirmed)
      AND (registered OR parent_job_id IS NULL)
    ORDER BY created_at DESC LIMIT ceil(asked.calls_per_second * $2::float8 / 1000) FOR UPDATE SKIP LOCKED
  ) job
), watched AS (
  UPDATE jobs SET next_poll_at = clock_timestamp() + make_interval(secs => unwatched.seconds), poll_interval_ms = NULL,
    poll_lane = CASE poll_lane WHEN ${POLL_LANES.unproven} THEN ${POLL_LANES.found} ELSE poll_lane END
  FROM unwatched WHERE jobs.id = unwatched.id
  RETURNING jobs.account
)
SELECT account, count(*)::int AS jobs FROM watched GROUP BY account`;

/**
 * Makes jobs due that nobody looks at though somebody can be asked: their account was claim-only and has credentials now,
 * since a reload or since a start. Answers how many, by account. Called every `everyMs`, it makes as many due as their budgets have
 * calls for until the next time.
 */
export async function watchUnwatched(
  client: pg.ClientBase,
  accounts: readonly Account[],
  everyMs: number,
): Promise<{ account: string; jobs: number }[]> {
  const asked = accounts.map(({ name, requestsPerSecond }) => ({ account: name, calls_per_second: requestsPerSecond }));
  const { rows } = await client.query<{ account: string; jobs: number }>({
    name: 'watch-unwatched',
    text: WATCH,
    values: [JSON.stringify(asked), everyMs],
  });
  return rows;
}
