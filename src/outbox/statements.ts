import type pg from 'pg';
import type { NewsEvent, NewsJob, NewsSubjob } from '../domain/job-news.js';
import { CLAIM_PATIENCE_MS } from './unconfirmed.js';

/**
 * The relay's statements, by hand: they keep up with apply, so each reads or writes a whole batch, along keys. The range of
 * each job's events comes with the moment they were written, so that one partition of the history is looked at.
 */

/** The answer that confirms a claim that was told may be so much later and still be no news. */
const TOLD_KEPT = '7 days';

type Client = pg.ClientBase;

/** A range of a job's events. */
export type Range = { jobId: string; first: number; last: number; recordedAt: Date };
export type OutboxRow = Range & { id: string };

const RANGE = `job_id AS "jobId", first_sequence AS first, last_sequence AS last, recorded_at AS "recordedAt"`;

/** The oldest rows, or the given ones. One relay is at work at a time, so nothing is locked. */
export async function readOutbox(client: Client, which: { limit: number } | { ids: string[] }): Promise<OutboxRow[]> {
  const statement =
    'ids' in which
      ? {
          name: 'outbox-given',
          text: `SELECT id, ${RANGE} FROM outbox WHERE id = ANY ($1::bigint[]) ORDER BY id`,
          values: [which.ids],
        }
      : { name: 'outbox-oldest', text: `SELECT id, ${RANGE} FROM outbox ORDER BY id LIMIT $1`, values: [which.limit] };
  return (await client.query<OutboxRow>(statement)).rows;
}

export async function deleteOutbox(client: Client, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await client.query({ name: 'outbox-done', text: 'DELETE FROM outbox WHERE id = ANY ($1::bigint[])', values: [ids] });
}

/** What waited about these jobs has been taken out before; of two claims about one job the later one waits. */
const PARK = `
INSERT INTO parked_events (job_id, first_sequence, last_sequence, recorded_at, told, due_at)
SELECT DISTINCT ON ("jobId") "jobId", first, last, "recordedAt", told,
       "recordedAt" + CASE WHEN told THEN interval '${TOLD_KEPT}' ELSE interval '${CLAIM_PATIENCE_MS} ms' END
FROM json_to_recordset($1::json) AS v("jobId" uuid, first integer, last integer, "recordedAt" timestamptz, told boolean)
ORDER BY "jobId", last DESC`;

export async function park(client: Client, ranges: readonly (Range & { told: boolean })[]): Promise<void> {
  if (ranges.length === 0) return;
  await client.query({ name: 'park', text: PARK, values: [JSON.stringify(ranges)] });
}

export type ParkedRow = Range & { told: boolean; isDue: boolean; answered: boolean };

/**
 * Takes out what has waited for long enough, and what waits about the given jobs. `answered`: the vendor was asked about the
 * job since, and said something.
 */
const TAKE_PARKED = `
WITH due AS (
  DELETE FROM parked_events WHERE job_id = ANY ($2::uuid[])
    OR job_id = ANY (ARRAY(SELECT job_id FROM parked_events WHERE due_at <= now() ORDER BY due_at LIMIT $1))
  RETURNING *
)
SELECT ${RANGE}, told, due_at <= now() AS "isDue", EXISTS (
  SELECT FROM job_receipts known JOIN receipts r ON r.id = known.receipt_id
  WHERE known.job_id = due.job_id AND r.via = 'poll' AND known.asked_at >= due.recorded_at
) AS answered
FROM due ORDER BY due_at`;

export async function takeParked(
  client: Client,
  { due, of }: { due: number; of: readonly string[] },
): Promise<ParkedRow[]> {
  return (await client.query<ParkedRow>({ name: 'take-parked', text: TAKE_PARKED, values: [due, of] })).rows;
}

export async function readJobs(client: Client, ids: readonly string[]): Promise<Map<string, NewsJob>> {
  const { rows } = await client.query<NewsJob>({
    name: 'news-jobs',
    text: `SELECT id, account, api, vendor_job_id AS "vendorJobId", status, confirmed, name, template_id AS "templateId",
                  labels, error_code AS "errorCode", error_message AS "errorMessage", created_at AS "createdAt",
                  parent_job_id IS NOT NULL AND NOT registered AS "isPart", document_receipt_id AS "documentReceiptId"
           FROM jobs WHERE id = ANY ($1::uuid[])`,
    values: [ids],
  });
  return new Map(rows.map((row) => [row.id, row]));
}

export type EventRow = Omit<NewsEvent, 'subjob'> & { subjobId: string | null };

/** Range after range, behind a fence: the key of the history begins with the job. */
const readEventsWhere = (condition: string) => `
SELECT news.place::int, h.sequence, h.recorded_at AS "recordedAt", h.kind, h.subjob_id AS "subjobId", h."from", h."to", h.detail
FROM unnest($1::uuid[], $2::integer[], $3::integer[], $4::timestamptz[]) WITH ORDINALITY
  AS news(job_id, first, last, recorded_at, place),
LATERAL (SELECT * FROM history_events e WHERE e.job_id = news.job_id AND ${condition} AND e.recorded_at = news.recorded_at OFFSET 0) AS h
ORDER BY h.sequence`;

/** The events of each range, in order; a range without any is left out. */
export function readEvents(client: Client, ranges: readonly Range[]): Promise<Map<Range, EventRow[]>> {
  return eventsWhere(client, 'news-events', 'e.sequence BETWEEN news.first AND news.last', ranges);
}

/** The same by their time alone. */
export function readMovedEvents(client: Client, ranges: readonly Range[]): Promise<Map<Range, EventRow[]>> {
  return eventsWhere(client, 'news-events-moved', 'true', ranges);
}

async function eventsWhere(client: Client, name: string, condition: string, ranges: readonly Range[]) {
  const events = new Map<Range, EventRow[]>();
  if (ranges.length === 0) return events;
  const { rows } = await client.query<EventRow & { place: number }>({
    name,
    text: readEventsWhere(condition),
    values: [
      ranges.map(({ jobId }) => jobId),
      ranges.map(({ first }) => first),
      ranges.map(({ last }) => last),
      ranges.map(({ recordedAt }) => recordedAt),
    ],
  });
  for (const { place, ...event } of rows) {
    const range = ranges[place - 1];
    const known = range && events.get(range);
    if (known) known.push(event);
    else if (range) events.set(range, [event]);
  }
  return events;
}

/** The parts that events speak of, by id. */
export async function readSubjobs(client: Client, ids: readonly string[]): Promise<Map<string, NewsSubjob>> {
  if (ids.length === 0) return new Map();
  const { rows } = await client.query<NewsSubjob>({
    name: 'news-subjobs',
    text: `SELECT id, path, name, status, error_code AS "errorCode", error_message AS "errorMessage", EXISTS (
             SELECT FROM subjobs p WHERE p.job_id = s.job_id AND p.parent_id = s.id AND p.status = 'failed'
           ) AS "hasFailedParts"
           FROM subjobs s WHERE id = ANY ($1::uuid[])`,
    values: [ids],
  });
  return new Map(rows.map((row) => [row.id, row]));
}

/** Which of the jobs have parts. */
export async function jobsWithSubjobs(client: Client, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const { rows } = await client.query<{ id: string }>({
    name: 'news-with-subjobs',
    text: `SELECT id FROM unnest($1::uuid[]) AS job(id) WHERE EXISTS (SELECT FROM subjobs WHERE job_id = job.id)`,
    values: [ids],
  });
  return new Set(rows.map(({ id }) => id));
}
