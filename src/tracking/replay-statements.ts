import type pg from 'pg';
import type { Json, Via } from '../domain/observation.js';
import type { JobEvent } from '../domain/transition.js';
import { refHash } from '../domain/job-ref.js';
import type { ReadableReceipt } from './interpret.js';
import type { JobRow } from './job-rows.js';

/**
 * The statements of replay: hand-written because a replay reads every row of a job, and a million jobs. All but the few that
 * write can run in a snapshot without any lock.
 */

type Client = pg.ClientBase;

const run = <Row extends pg.QueryResultRow>(client: Client, name: string, text: string, values: unknown[]) =>
  client.query<Row>({ name, text, values });

/** Which jobs are replayed; null: whichever. */
export type ReplayScope = {
  updatedSince: Date | null;
  accounts: string[] | null;
  apis: string[] | null;
  ids: string[] | null;
};

const IN_SCOPE = `($1::timestamptz IS NULL OR j.updated_at >= $1) AND ($2::text[] IS NULL OR j.account = ANY ($2))
  AND ($3::text[] IS NULL OR j.api = ANY ($3)) AND ($4::uuid[] IS NULL OR j.id = ANY ($4))`;

const scopeValues = ({ updatedSince, accounts, apis, ids }: ReplayScope) => [updatedSince, accounts, apis, ids];

/** Jobs in the order of their ids, that is of their making, from after one id up to another. */
export type Chunk = { after: string; upTo: string; jobs: number };

/** Parts that weigh as much as a job without any. */
const PARTS_OF_A_JOB = 4;

export const FIRST_ID = '00000000-0000-0000-0000-000000000000';

/**
 * Cuts the jobs in scope into chunks of about the same weight: a batch of a thousand parts is not read beside hundreds of its
 * kind. Only bounds are kept, since a million ids are a hundred megabytes.
 */
export async function planChunks(client: Client, scope: ReplayScope, weight: number): Promise<Chunk[]> {
  const { rows } = await client.query<{ id: string; place: string }>({
    text: `SELECT DISTINCT ON (chunk) id, place FROM (
             SELECT j.id, row_number() OVER by_id AS place,
                    div(sum(1 + (SELECT count(*) FROM subjobs WHERE job_id = j.id) / ${PARTS_OF_A_JOB}) OVER by_id, $5) AS chunk
             FROM jobs j WHERE ${IN_SCOPE} WINDOW by_id AS (ORDER BY j.id)
           ) AS placed ORDER BY chunk, id DESC`,
    values: [...scopeValues(scope), weight],
  });
  return rows.map(({ id, place }, i) => {
    const before = rows[i - 1];
    return { after: before?.id ?? FIRST_ID, upTo: id, jobs: Number(place) - Number(before?.place ?? 0) };
  });
}

/** The jobs that are meant by ids of ours or of vendors; an id of a vendor may mean several. */
export async function findJobsNamed(client: Client, names: string[]): Promise<{ id: string; name: string }[]> {
  const { rows } = await client.query<{ id: string; name: string }>({
    text: `SELECT j.id, named.name FROM unnest($1::text[]) AS named(name)
           JOIN jobs j ON j.vendor_job_id = named.name
           UNION SELECT j.id, named.name FROM unnest($1::text[]) AS named(name)
           JOIN jobs j ON j.id::text = lower(named.name)`,
    values: [names],
  });
  return rows;
}

export type ReplayRow = JobRow & {
  error_code: string | null;
  error_message: string | null;
  user_data: Json;
  notes: Json;
  /** Postgres' clock. */
  now: Date;
};

/** What the columns hold, under their names. */
type Stored = Record<string, unknown>;
export type ReplaySubjobRow = Stored & { id: string; job_id: string; path: string };
export type OutputRow = Stored & { id: string; job_id: string; slot: string };
export type StreamRow = Stored & { output_id: string; job_id: string; position: number };

export type EventRow = Pick<JobEvent, 'kind' | 'from' | 'to' | 'detail'> & {
  job_id: string;
  sequence: number;
  recorded_at: Date;
  subjob_id: string | null;
  via: Via;
  vendor_at: Date | null;
  receipt_id: string | null;
};

/** One time that a receipt was applied to a job. `applied`: its place among all that were; 0 from before that was kept. */
export type Application = { receiptId: string; number: number; askedAt: Date; applied: number };

/** What a job's history tells: how it came to be tracked, and the rest as `toldKey`s. */
export type Told = { via: Via | null; keys: string[] };

/** Everything that is stored of a job, and what was applied to it. */
export type StoredJob = {
  row: ReplayRow;
  subjobs: ReplaySubjobRow[];
  outputs: OutputRow[];
  streams: StreamRow[];
  told: Told;
  applications: Application[];
};

/** Events that are told once, by people or by the watch over contracts: no receipt would tell them again. */
export const TOLD_ONCE: readonly string[] = [
  'job.registered',
  'job.closed',
  'contract.changed',
] satisfies JobEvent['kind'][];

/** What makes an event the same: what changed, of which part, to what, by which receipt. */
export function toldKey(event: Pick<EventRow, 'kind' | 'subjob_id' | 'to' | 'receipt_id'>): string {
  return `${event.kind}\n${event.subjob_id ?? ''}\n${event.receipt_id ?? ''}\n${event.to ?? ''}`;
}

const JOB_COLUMNS = `
j.id, j.account, j.api, j.vendor_job_id, j.status, j.vendor_status, j.confirmed, j.outcome_known, j.contradicted,
j.via, j.progress, j.name, j.pipeline_id, j.template_id, j.labels, j.error_code, j.error_message, j.vendor_error_code,
j.vendor_error_message, j.user_data, j.user_data_raw, j.callback_expected, j.vendor_created_at, j.vendor_modified_at,
j.vendor_finished_at, j.created_at, j.updated_at, j.terminal_at, j.closed_at, j.next_poll_at, j.poll_interval_ms, j.poll_failures, j.poll_lane,
j.history_sequence, j.basis, j.document_receipt_id, j.notes, j.registered, j.parent_job_id, clock_timestamp() AS now`;

const READ_CHUNK = `SELECT ${JOB_COLUMNS} FROM jobs j WHERE ${IN_SCOPE} AND j.id > $5 AND j.id <= $6`;

/** In the key order of apply, so that neither waits for the other in a ring. */
const LOCK_GIVEN = `SELECT ${JOB_COLUMNS} FROM jobs j WHERE j.id = ANY ($1::uuid[])
ORDER BY j.account, j.api, j.vendor_job_id FOR UPDATE OF j`;

export async function readChunk(client: Client, scope: ReplayScope, { after, upTo }: Chunk): Promise<ReplayRow[]> {
  const values = [...scopeValues(scope), after, upTo];
  return (await run<ReplayRow>(client, 'replay-chunk', READ_CHUNK, values)).rows;
}

export async function lockGiven(client: Client, ids: string[]): Promise<ReplayRow[]> {
  return (await run<ReplayRow>(client, 'replay-lock', LOCK_GIVEN, [ids])).rows;
}

const iso = (column: string) => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS ${column}`;

/**
 * One row a job, everything below it as JSON: most of reading is the client's work, and a row a stream or event would double
 * it. Times are written as we write them. The second bound says which months of history are not looked into: no event is
 * older than its job.
 */
const READ_BELONGINGS = `
SELECT job.id,
  (SELECT json_agg(s) FROM (
    SELECT id, job_id, path, parent_id, kind, position, status, vendor_status, vendor_subjob_id, name, error_code, error_message,
           vendor_error_code, vendor_error_message, ${iso('vendor_created_at')}, ${iso('vendor_finished_at')}, basis
    FROM subjobs WHERE job_id = job.id) s) AS subjobs,
  (SELECT json_agg(o) FROM (
    SELECT id, job_id, subjob_id, slot, url, media_id, format, duration_ms, size_bytes, bitrate_bps, width, height
    FROM outputs WHERE job_id = job.id) o) AS outputs,
  (SELECT json_agg(s) FROM (
    SELECT output_id, position, job_id, type, index, codec, profile, width, height, fps, duration_ms, bitrate_bps, pixel_format,
           rotate_degrees, frames, sample_format, sample_rate_hz, channels, channel_layout, language, raw
    FROM streams WHERE job_id = job.id) s) AS streams,
  (SELECT json_agg(r) FROM (
    SELECT receipt_id, number, ${iso('asked_at')}, applied, first_number, ${iso('first_asked_at')}, first_applied
    FROM job_receipts WHERE job_id = job.id) r) AS receipts,
  told.via, told.keys
FROM unnest($1::uuid[]) AS job(id) CROSS JOIN LATERAL (
  SELECT max(via) FILTER (WHERE kind = 'job.registered') AS via,
    json_agg(kind || E'\\n' || coalesce(subjob_id::text, '') || E'\\n' || coalesce(receipt_id::text, '') || E'\\n' || coalesce("to", ''))
      FILTER (WHERE kind <> ALL ($3::text[])) AS keys
  FROM history_events WHERE job_id = job.id AND recorded_at >= $2
) told`;

type BelongingsRow = {
  id: string;
  subjobs: ReplaySubjobRow[] | null;
  outputs: OutputRow[] | null;
  streams: StreamRow[] | null;
  receipts: JobReceiptRow[] | null;
  via: Via | null;
  keys: string[] | null;
};
type JobReceiptRow = {
  receipt_id: string;
  number: number;
  asked_at: string;
  applied: number;
  first_number: number | null;
  first_asked_at: string | null;
  first_applied: number | null;
};

/** All that belongs to the given jobs. After their lock, in a statement of its own, or it would come from before the wait. */
export async function readBelongings(client: Client, rows: ReplayRow[]): Promise<StoredJob[]> {
  if (rows.length === 0) return [];
  const oldest = new Date(Math.min(...rows.map(({ created_at: createdAt }) => createdAt.getTime())));
  const belongings = await run<BelongingsRow>(client, 'replay-belongings', READ_BELONGINGS, [
    rows.map(({ id }) => id),
    oldest,
    TOLD_ONCE,
  ]);
  const byId = new Map(belongings.rows.map((read) => [read.id, read]));
  return rows.map((row): StoredJob => {
    const { subjobs, outputs, streams, receipts, via = null, keys } = byId.get(row.id) ?? {};
    return {
      row,
      subjobs: subjobs ?? [],
      outputs: outputs ?? [],
      streams: streams ?? [],
      told: { via, keys: keys ?? [] },
      applications: (receipts ?? []).flatMap(applicationsOf),
    };
  });
}

/** The last time a receipt was applied to a job, and the first one where that was another. */
function applicationsOf(receipt: JobReceiptRow): Application[] {
  const { receipt_id: receiptId, number, asked_at, applied, first_number, first_asked_at, first_applied } = receipt;
  const last = { receiptId, number, askedAt: new Date(asked_at), applied };
  if (first_number === null || first_asked_at === null) return [last];
  return [{ receiptId, number: first_number, askedAt: new Date(first_asked_at), applied: first_applied ?? 0 }, last];
}

const READ_HISTORY = `
SELECT job_id, sequence, recorded_at, kind, subjob_id, "from", "to", via, vendor_at, receipt_id, detail
FROM history_events WHERE job_id = ANY ($1::uuid[]) ORDER BY job_id, sequence`;

/** The whole history of each of the given jobs. */
export async function readHistory(client: Client, jobIds: string[]): Promise<Map<string, EventRow[]>> {
  const { rows } = await run<EventRow>(client, 'replay-history', READ_HISTORY, [jobIds]);
  const histories = new Map(jobIds.map((id): [string, EventRow[]] => [id, []]));
  for (const row of rows) histories.get(row.job_id)?.push(row);
  return histories;
}

/** A receipt whose body has not expired. */
export type StoredReceipt = ReadableReceipt & { receiptId: string; account: string; receivedAt: Date };

/**
 * The bounds say at once which days are not looked into. In binary: bodies are most of what is read, and would come as twice as
 * many hexadecimal digits. Ids and times come as text, since
 * `pg` knows no binary UUIDs, and rounds binary times.
 */
const READ_RECEIPTS = `
SELECT id::text AS "receiptId", account, via, api, asked, ${iso('received_at')}, body
FROM receipts WHERE id = ANY ($1::uuid[]) AND id >= $2 AND id <= $3`;

/** Those of the receipts that are still there. */
export async function readReceipts(client: Client, ids: string[]): Promise<StoredReceipt[]> {
  if (ids.length === 0) return [];
  const sorted = [...ids].sort();
  // Without a name, so that it is planned for these bounds.
  const inBinary = { text: READ_RECEIPTS, values: [sorted, sorted[0], sorted.at(-1)], binary: true };
  const { rows } = await client.query<Omit<StoredReceipt, 'receivedAt'> & { received_at: string }>(inBinary);
  return rows.map(({ received_at: receivedAt, ...receipt }) => ({ ...receipt, receivedAt: new Date(receivedAt) }));
}

/** By the primary key: reading all refs of a job would mean reading blocks of the table. */
const MISSING_REFS = `
SELECT v.ref, v.job_id FROM unnest($1::uuid[], $2::uuid[]) AS v(ref, job_id)
WHERE NOT EXISTS (SELECT FROM job_refs r WHERE r.ref = v.ref AND r.job_id = v.job_id)`;

/** Those of the refs that are not there. */
export async function missingRefs(
  client: Client,
  wanted: { jobId: string; refs: string[] }[],
): Promise<{ ref: string; job_id: string }[]> {
  const [refs, jobIds]: [string[], string[]] = [[], []];
  for (const { jobId, refs: names } of wanted) {
    for (const name of names) {
      refs.push(refHash(name));
      jobIds.push(jobId);
    }
  }
  if (refs.length === 0) return [];
  return (await run<{ ref: string; job_id: string }>(client, 'replay-refs', MISSING_REFS, [refs, jobIds])).rows;
}

/** Streams and history of jobs are written anew as a whole, parts where they are not in their places. */
export const deleteSubjobs = (client: Client, ids: string[]) =>
  remove(client, 'replay-drop-subjobs', 'DELETE FROM subjobs WHERE id = ANY ($1::uuid[])', ids);
export const deleteStreamsOf = (client: Client, jobIds: string[]) =>
  remove(client, 'replay-drop-streams', 'DELETE FROM streams WHERE job_id = ANY ($1::uuid[])', jobIds);
export const deleteHistoryOf = (client: Client, jobIds: string[]) =>
  remove(client, 'replay-drop-history', 'DELETE FROM history_events WHERE job_id = ANY ($1::uuid[])', jobIds);

async function remove(client: Client, name: string, text: string, ids: string[]): Promise<void> {
  if (ids.length > 0) await run(client, name, text, [ids]);
}

/** Receipts in scope that went nowhere and whose bodies are there. Of which API a callback is, nobody has said yet. */
const PROBLEMS = `receipt_problems p JOIN receipts r ON r.id = p.receipt_id
  WHERE ($1::timestamptz IS NULL OR p.recorded_at >= $1) AND ($2::text[] IS NULL OR p.account = ANY ($2))
    AND ($3::text[] IS NULL OR r.api IS NULL OR r.api = ANY ($3))`;

/** How many receipts in scope went nowhere. */
export async function countProblems(client: Client, { updatedSince, accounts, apis }: ReplayScope): Promise<number> {
  const { rows } = await client.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${PROBLEMS}`, [
    updatedSince,
    accounts,
    apis,
  ]);
  return rows[0]?.n ?? 0;
}

/** Hands them to apply once more, under the numbers they had: each takes its old place. Answers how many. */
export async function handOverProblems(client: Client, { updatedSince, accounts, apis }: ReplayScope): Promise<number> {
  const { rowCount } = await client.query(
    `WITH problem AS (
       DELETE FROM receipt_problems WHERE receipt_id IN (SELECT p.receipt_id FROM ${PROBLEMS})
       RETURNING receipt_id, number, asked_at
     )
     INSERT INTO pending_receipts (receipt_id, number, asked_at, received_at)
     SELECT r.id, problem.number, problem.asked_at, r.received_at
     FROM problem JOIN receipts r ON r.id = problem.receipt_id ORDER BY problem.number`,
    [updatedSince, accounts, apis],
  );
  return rowCount ?? 0;
}
