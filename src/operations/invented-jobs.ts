import type pg from 'pg';
import { POLL_LANES } from '../domain/poll-schedule.js';

/** How long a job that nobody but callbacks ever spoke of stays to be looked into, once it is lost. */
const KEPT = '1 day';

/**
 * The oldest first, along their own partial index. Refs are looked for between the smallest and the greatest id, since theirs
 * is a block range index. What others hold comes with the next batch.
 */
const FORGET = `
WITH invented AS MATERIALIZED (
  SELECT id FROM jobs
  WHERE status = 'lost' AND poll_lane = ${POLL_LANES.unproven} AND NOT registered AND parent_job_id IS NULL
    AND terminal_at < now() - interval '${KEPT}'
  ORDER BY created_at, id LIMIT $1 FOR UPDATE SKIP LOCKED
), history AS (
  DELETE FROM history_events WHERE job_id IN (SELECT id FROM invented)
), refs AS (
  DELETE FROM job_refs WHERE job_id IN (SELECT id FROM invented)
    AND job_id BETWEEN (SELECT id FROM invented ORDER BY id LIMIT 1) AND (SELECT id FROM invented ORDER BY id DESC LIMIT 1)
), receipts AS (
  DELETE FROM job_receipts WHERE job_id IN (SELECT id FROM invented)
), streams AS (
  DELETE FROM streams WHERE job_id IN (SELECT id FROM invented)
)
DELETE FROM jobs WHERE id IN (SELECT id FROM invented)`;

/**
 * Forgets jobs that only callbacks ever spoke of and that the vendor never knew: whoever has stolen a callback address can
 * make any number of them. Their receipts stay, for as long as receipts do. Answers how many were forgotten.
 */
export async function forgetInvented(client: pg.ClientBase, most: number): Promise<number> {
  const { rowCount } = await client.query({ name: 'forget-invented', text: FORGET, values: [most] });
  return rowCount ?? 0;
}
