import type pg from 'pg';
import type { Account } from '../settings/settings.js';
import { apisOf } from '../vendors/registry.js';

/**
 * A callback may come this long after its job was seen to have ended, and is late rather than lost: vendors try again for
 * some seconds, and what has come must be applied as well.
 */
const SETTLED = '10 minutes';

/**
 * In the order in which jobs ended, from where the last count stopped; all of it in one statement, so that every job counts
 * once. A callback came if one said how the job ended, or if one, whatever it said, was received after the newest answer
 * that was still open was asked for; an output's own callback is followed by such an answer. It is late if the job was
 * final before. `canceled` and `lost` are no ends that a vendor is known to call back about.
 */
const COUNT = `
WITH cursor AS MATERIALIZED (
  SELECT terminal_at, job_id FROM upkeep_cursors WHERE name = 'callback-count'
), ended AS MATERIALIZED (
  SELECT id, account, api, status, callback_expected, registered, parent_job_id, terminal_at, basis FROM jobs
  WHERE (terminal_at, id) > ((SELECT terminal_at FROM cursor), (SELECT job_id FROM cursor))
    AND terminal_at < clock_timestamp() - interval '${SETTLED}'
  ORDER BY terminal_at, id LIMIT $2
), moved AS (
  UPDATE upkeep_cursors SET terminal_at = last.terminal_at, job_id = last.id
  FROM (SELECT terminal_at, id FROM ended ORDER BY terminal_at DESC, id DESC LIMIT 1) last
  WHERE name = 'callback-count'
), due AS (
  SELECT ended.*, (
    SELECT min(spoken.asked_at) FROM job_receipts spoken JOIN receipts ON receipts.id = spoken.receipt_id
    WHERE spoken.job_id = ended.id AND receipts.via = 'callback'
      AND (jsonb_path_exists(basis::jsonb, '$.finalClaims.*.receiptId ? (@ == $id)', jsonb_build_object('id', spoken.receipt_id))
           OR spoken.asked_at >= coalesce(to_timestamp((basis ->> 'openAskedAt')::float8 / 1000), '-infinity'))
  ) AS came_at
  FROM ended JOIN json_to_recordset($1::json) AS asked(account text, api text, listed boolean) USING (account, api)
  WHERE callback_expected AND status IN ('succeeded', 'partially_failed', 'failed')
    AND (registered OR (listed AND parent_job_id IS NULL))
), counted AS (
  INSERT INTO callback_health AS known (hour, account, api, due, late, lost)
  SELECT date_trunc('hour', terminal_at, 'UTC'), account, api, count(*),
         count(*) FILTER (WHERE came_at > terminal_at), count(*) FILTER (WHERE came_at IS NULL)
  FROM due GROUP BY 1, 2, 3
  ON CONFLICT (hour, account, api) DO UPDATE SET
    due = known.due + excluded.due, late = known.late + excluded.late, lost = known.lost + excluded.lost
)
SELECT count(*)::int AS jobs FROM ended`;

/**
 * Counts the callbacks of at most so many more jobs; answers how many jobs it has gone through. A job counts only if it
 * would have been known without its callback: somebody registered it, or its account lists the vendor's jobs. Otherwise
 * there would be no jobs but those whose callbacks came.
 */
export async function countCallbacks(
  client: pg.ClientBase,
  accounts: readonly Account[],
  most: number,
): Promise<number> {
  const asked = accounts.flatMap(({ name, vendor, credentials, callback, discover }) =>
    credentials && callback
      ? apisOf(vendor)
          .filter((api) => api.callback)
          .map((api) => ({ account: name, api: api.name, listed: discover !== null && api.listing !== undefined }))
      : [],
  );
  const { rows } = await client.query<{ jobs: number }>({
    name: 'count-callbacks',
    text: COUNT,
    values: [JSON.stringify(asked), most],
  });
  return rows[0]?.jobs ?? 0;
}

/** Forgets counts of hours before this. */
export async function dropCallbackCounts(client: pg.ClientBase, before: Date): Promise<void> {
  await client.query({ text: 'DELETE FROM callback_health WHERE hour < $1', values: [before] });
}
