import { POLL_LANES } from '../domain/poll-schedule.js';
import type { SqlPool } from '../database/sql-pool.js';

/** A look is overdue when it has waited for this many times as long as it was put off when it was planned. */
const TIMES = 10;
/** A look that was to be made at once counts as one that was put off for so long. */
const LEAST_INTERVAL_MS = 2000;
/** Of each lane no more than the oldest so many are looked through: then there are too many in any case. */
const LOOKED_THROUGH = 10_000;
/** Jobs that only callbacks speak of do not count: those that somebody has invented are meant to wait. */
const LANES = [POLL_LANES.urgent, POLL_LANES.known, POLL_LANES.found];

const OVERDUE = `
SELECT account, api, (
  SELECT count(*)::int FROM unnest($1::smallint[]) AS lane(number), LATERAL (
    SELECT next_poll_at, poll_interval_ms FROM jobs
    WHERE jobs.account = budgets.account AND jobs.api = budgets.api AND poll_lane = lane.number
      AND next_poll_at < now() - make_interval(secs => ${(TIMES * LEAST_INTERVAL_MS) / 1000})
    ORDER BY next_poll_at LIMIT ${LOOKED_THROUGH}
  ) late
  WHERE next_poll_at < now() - ${TIMES} * make_interval(secs => greatest(poll_interval_ms, ${LEAST_INTERVAL_MS}) / 1000.0)
) AS jobs
FROM budgets ORDER BY account, api`;

export type Overdue = { account: string; api: string; jobs: number };

/**
 * How many jobs of each budget starve: their look is overdue ten times its interval. Along the index of jobs that wait for a
 * look, so that it costs next to nothing while there are none.
 */
export async function overdueJobs(sql: SqlPool): Promise<Overdue[]> {
  const { rows } = await sql.query<Overdue>({ name: 'overdue-jobs', text: OVERDUE, values: [LANES] });
  return rows;
}
