import type pg from 'pg';
import { refHash } from '../domain/job-ref.js';
import type { JobEvent } from '../domain/transition.js';
import type { Via } from '../domain/observation.js';
import { POLL_LANES, type PollLane } from '../domain/poll-schedule.js';
import type { PendingReceipt } from './interpret.js';
import type { jobColumns, JobRow, outputColumns, streamRow, subjobColumns, SubjobRow } from './job-rows.js';

/**
 * The statements of apply: hand-written because one observation writes ten to forty rows, and a statement a row costs
 * thirty times as much. Each takes one JSON parameter a table, so its text never changes and Postgres plans it once.
 */

type Client = pg.ClientBase;

const run = <Row extends pg.QueryResultRow>(client: Client, name: string, text: string, values: unknown[]) =>
  client.query<Row>({ name, text, values });

/** Runs a statement over rows, unless there are none. */
async function write(client: Client, name: string, text: string, rows: readonly object[]): Promise<void> {
  if (rows.length > 0) await run(client, name, text, [JSON.stringify(rows)]);
}

type PendingRow = {
  pending_id: string;
  receipt_id: string;
  number: string;
  asked_at: Date | null;
  received_at: Date;
  repeated: boolean;
  account: string | null;
  via: Via | null;
  api: string | null;
  asked: string[] | null;
  http_status: number | null;
  body: Buffer | null;
  now: Date;
};

/**
 * Takes pending receipts out of the hand-over, for this transaction to apply. SKIP LOCKED: what another worker holds is
 * its business. The array keeps the planner from running the locking subquery more than once.
 */
const TAKE = (which: string) => `
WITH taken AS (
  DELETE FROM pending_receipts WHERE id = ANY (ARRAY(
    SELECT id FROM pending_receipts ${which} FOR UPDATE SKIP LOCKED
  )) RETURNING id, receipt_id, number, asked_at, received_at, repeated
)
SELECT taken.id AS pending_id, taken.receipt_id, taken.number, taken.asked_at, taken.received_at, taken.repeated,
       r.account, r.via, r.api, r.asked, r.http_status, r.body, clock_timestamp() AS now
FROM taken LEFT JOIN receipts r ON r.id = taken.receipt_id
ORDER BY taken.id`;
const TAKE_OLDEST = TAKE('ORDER BY id LIMIT $1');
const TAKE_GIVEN = TAKE('WHERE id = ANY ($1::bigint[])');

/** The next pending receipts, or those of `ids` that nobody else has taken. `now` is Postgres' clock. */
export async function takePending(
  client: Client,
  which: { limit: number } | { ids: string[] },
): Promise<{ receipts: PendingReceipt[]; now: Date }> {
  const { rows } = await ('ids' in which
    ? run<PendingRow>(client, 'take-given', TAKE_GIVEN, [which.ids])
    : run<PendingRow>(client, 'take-oldest', TAKE_OLDEST, [which.limit]));
  const receipts = rows.map((row) => ({
    pendingId: row.pending_id,
    receiptId: row.receipt_id,
    number: Number(row.number),
    askedAt: row.asked_at ?? row.received_at,
    receivedAt: row.received_at,
    repeated: row.repeated,
    account: row.account ?? '',
    via: row.via ?? 'manual',
    api: row.api,
    asked: row.asked ?? [],
    httpStatus: row.http_status,
    body: row.body,
  }));
  return { receipts, now: rows[0]?.now ?? new Date() };
}

/**
 * Answers that say again what ended jobs were last said to be: with the jobs locked there is nothing to decide, and nothing
 * to write but that such a job is looked at no more. An answer about several jobs goes this way only when all of them do.
 */
const SETTLE_REPEATED = `
WITH spoken AS (
  SELECT job_id, receipt_id FROM job_receipts WHERE receipt_id = ANY ($1::uuid[])
), same AS (
  SELECT j.id, j.account, j.api, s.receipt_id, j.next_poll_at FROM spoken s JOIN jobs j ON j.id = s.job_id
  WHERE j.document_receipt_id = s.receipt_id AND j.confirmed AND j.terminal_at IS NOT NULL AND j.status <> 'lost'
  ORDER BY j.account, j.api, j.vendor_job_id FOR UPDATE OF j
), settled AS (
  UPDATE jobs SET next_poll_at = NULL, poll_interval_ms = NULL, poll_failures = 0,
    poll_lane = CASE poll_lane WHEN ${POLL_LANES.urgent} THEN ${POLL_LANES.known} ELSE poll_lane END
  WHERE id IN (SELECT id FROM same WHERE next_poll_at IS NOT NULL)
)
SELECT receipt_id AS "receiptId", account, api FROM same
WHERE receipt_id NOT IN (SELECT receipt_id FROM spoken WHERE (job_id, receipt_id) NOT IN (SELECT id, receipt_id FROM same))`;

/** The jobs that each of the given receipts speaks of, of those that say nothing new. */
export async function settleRepeated(
  client: Client,
  receiptIds: string[],
): Promise<{ receiptId: string; account: string; api: string }[]> {
  if (receiptIds.length === 0) return [];
  const { rows } = await run<{ receiptId: string; account: string; api: string }>(
    client,
    'settle-repeated',
    SETTLE_REPEATED,
    [receiptIds],
  );
  return rows;
}

export type JobKey = { account: string; api: string; vendorJobId: string };

/** A job's key as one text, for maps. */
export function keyOf({ account, api, vendorJobId }: JobKey): string {
  return `${account}\n${api}\n${vendorJobId}`;
}

export type NewJob = JobKey & {
  id: string;
  via: Via;
  callbackExpected: boolean;
  registered: boolean;
  labels: Record<string, string>;
  due: boolean;
  lane: PollLane;
  ref: string;
  basis: object;
};

/** In key order, or two workers that make the same jobs would deadlock. The first event is written with the job. */
const MAKE_JOBS = `
WITH input AS (
  SELECT * FROM json_to_recordset($1::json) AS v(id uuid, account text, api text, "vendorJobId" text, via text,
    "callbackExpected" boolean, registered boolean, labels jsonb, due boolean, lane smallint, ref uuid,
    basis json)
), made AS (
  INSERT INTO jobs (id, account, api, vendor_job_id, status, via, callback_expected, registered, labels, next_poll_at,
                    poll_lane, history_sequence, basis)
  SELECT id, account, api, "vendorJobId", 'queued', via, "callbackExpected", registered, labels,
         CASE WHEN due THEN now() END, lane, 1, basis
  FROM input ORDER BY account, api, "vendorJobId"
  ON CONFLICT (account, api, vendor_job_id) DO NOTHING
  RETURNING id, via, callback_expected
), told AS (
  INSERT INTO history_events (job_id, sequence, recorded_at, kind, "to", via, detail)
  SELECT id, 1, now(), 'job.registered', 'queued', via, json_build_object('callbackExpected', callback_expected) FROM made
), named AS (
  INSERT INTO job_refs (ref, job_id) SELECT ref, id FROM input WHERE id IN (SELECT id FROM made)
)
SELECT id FROM made`;

/** Makes the jobs nobody tracks yet; answers their ids. */
export async function makeJobs(client: Client, jobs: NewJob[]): Promise<Set<string>> {
  if (jobs.length === 0) return new Set();
  const { rows } = await run<{ id: string }>(client, 'make-jobs', MAKE_JOBS, [JSON.stringify(jobs)]);
  return new Set(rows.map((row) => row.id));
}

/** Two appliers lock in key order, so that they never wait for each other in a ring. */
const LOCK_JOBS = `
SELECT j.id, j.account, j.api, j.vendor_job_id, j.status, j.vendor_status, j.confirmed, j.outcome_known, j.contradicted,
       j.via, j.progress, j.name, j.pipeline_id, j.template_id, j.labels, j.vendor_error_code, j.vendor_error_message,
       j.user_data_raw, j.callback_expected, j.vendor_created_at, j.vendor_modified_at, j.vendor_finished_at,
       j.created_at, j.updated_at, j.terminal_at, j.closed_at, j.next_poll_at, j.poll_interval_ms, j.poll_failures,
       j.poll_lane, j.history_sequence, j.basis, j.document_receipt_id, j.registered, j.parent_job_id
FROM unnest($1::text[], $2::text[], $3::text[]) AS k(account, api, vendor_job_id)
JOIN jobs j USING (account, api, vendor_job_id)
ORDER BY j.account, j.api, j.vendor_job_id FOR UPDATE OF j`;

export async function lockJobs(client: Client, keys: JobKey[]): Promise<JobRow[]> {
  const { rows } = await run<JobRow>(client, 'lock-jobs', LOCK_JOBS, [
    keys.map((key) => key.account),
    keys.map((key) => key.api),
    keys.map((key) => key.vendorJobId),
  ]);
  return rows;
}

/** A statement of its own, after the lock: in one with it, the parts would come from before the wait for the lock. */
const READ_SUBJOBS = `
SELECT id, job_id, path, parent_id, kind, position, status, vendor_status, vendor_subjob_id, name, vendor_error_code,
       vendor_error_message, vendor_created_at, vendor_finished_at, basis
FROM subjobs WHERE job_id = ANY ($1::uuid[])`;

export async function readSubjobs(client: Client, jobIds: string[]): Promise<SubjobRow[]> {
  const { rows } = await run<SubjobRow>(client, 'read-subjobs', READ_SUBJOBS, [jobIds]);
  return rows;
}

const FIND_BATCHES = `
SELECT part.key, b.account, b.api, b.vendor_job_id AS "vendorJobId", b.id
FROM json_to_recordset($1::json) AS part(key text, account text, "vendorJobId" text, "batchApi" text, ref uuid)
JOIN job_refs r ON r.ref = part.ref
JOIN jobs b ON b.id = r.job_id AND b.account = part.account AND b.api = part."batchApi"
  AND b.vendor_job_id <> part."vendorJobId"`;

export type PartOfBatch = JobKey & { batchApi: string };

/** The batches that list the given jobs among their parts, by the part's key. */
export async function findBatches(client: Client, parts: PartOfBatch[]): Promise<Map<string, JobKey & { id: string }>> {
  if (parts.length === 0) return new Map();
  const wanted = parts.map((part) => ({ ...part, key: keyOf(part), ref: refHash(part.vendorJobId) }));
  const { rows } = await run<JobKey & { id: string; key: string }>(client, 'find-batches', FIND_BATCHES, [
    JSON.stringify(wanted),
  ]);
  return new Map(rows.map(({ key, ...batch }) => [key, batch]));
}

const ADOPT_PARTS = `
UPDATE jobs j SET parent_job_id = coalesce(j.parent_job_id, v.parent_job_id),
  next_poll_at = CASE WHEN v.due AND j.closed_at IS NULL THEN now() ELSE j.next_poll_at END,
  poll_interval_ms = CASE WHEN v.due THEN NULL ELSE j.poll_interval_ms END
FROM json_to_recordset($1::json) AS v(id uuid, parent_job_id uuid, due boolean)
WHERE j.id = v.id`;

/** Jobs, locked already, that turn out to be parts of a batch; `due`: to be looked at now. */
export function adoptParts(client: Client, rows: { id: string; parent_job_id: string; due: boolean }[]): Promise<void> {
  return write(client, 'adopt-parts', ADOPT_PARTS, rows);
}

const FIND_JOBS = `
SELECT hint.account, hint.id AS hint, j.api, j.vendor_job_id AS "vendorJobId"
FROM json_to_recordset($1::json) AS hint(account text, id text, ref uuid)
JOIN job_refs r ON r.ref = hint.ref
JOIN jobs j ON j.id = r.job_id AND j.account = hint.account`;

/** Jobs of an account that one of the given ids belongs to. */
export async function findJobs(
  client: Client,
  hints: { account: string; id: string; ref: string }[],
): Promise<(JobKey & { hint: string })[]> {
  const { rows } = await run<JobKey & { hint: string }>(client, 'find-jobs', FIND_JOBS, [JSON.stringify(hints)]);
  return rows;
}

export type JobWrite = { id: string } & ReturnType<typeof jobColumns> & {
    labels: Record<string, string>;
    document_receipt_id: string | null;
    /** null: as they were. */
    notes: string[] | null;
    callback_expected: boolean;
    updated_at: string;
    terminal_at: string | null;
    next_poll_at: string | null;
    poll_interval_ms: number | null;
    poll_failures: number;
    poll_lane: PollLane;
    history_sequence: number;
  };

const UPDATE_JOBS = `
UPDATE jobs j SET
  status = v.status, vendor_status = v.vendor_status, confirmed = v.confirmed, outcome_known = v.outcome_known,
  contradicted = v.contradicted, via = v.via, progress = v.progress, name = v.name, pipeline_id = v.pipeline_id,
  template_id = v.template_id, labels = v.labels, error_code = v.error_code, error_message = v.error_message,
  vendor_error_code = v.vendor_error_code, vendor_error_message = v.vendor_error_message, user_data = v.user_data,
  user_data_raw = v.user_data_raw, callback_expected = v.callback_expected, vendor_created_at = v.vendor_created_at,
  vendor_modified_at = v.vendor_modified_at, vendor_finished_at = v.vendor_finished_at, updated_at = v.updated_at,
  terminal_at = v.terminal_at, next_poll_at = v.next_poll_at, poll_interval_ms = v.poll_interval_ms,
  poll_failures = v.poll_failures, poll_lane = v.poll_lane, history_sequence = v.history_sequence, basis = v.basis,
  document_receipt_id = v.document_receipt_id, notes = coalesce(v.notes, j.notes)
FROM json_to_recordset($1::json) AS v(
  id uuid, status text, vendor_status text, confirmed boolean, outcome_known boolean, contradicted boolean, via text,
  progress integer, name text, pipeline_id text, template_id text, labels jsonb, error_code text, error_message text,
  vendor_error_code text, vendor_error_message text, user_data json, user_data_raw text, callback_expected boolean,
  vendor_created_at timestamptz, vendor_modified_at timestamptz, vendor_finished_at timestamptz, updated_at timestamptz,
  terminal_at timestamptz, next_poll_at timestamptz, poll_interval_ms integer, poll_failures integer,
  poll_lane smallint, history_sequence integer, basis json, document_receipt_id uuid, notes json)
WHERE j.id = v.id`;

export function updateJobs(client: Client, rows: JobWrite[]): Promise<void> {
  return write(client, 'update-jobs', UPDATE_JOBS, rows);
}

export type SubjobWrite = ReturnType<typeof subjobColumns> & { id: string; job_id: string; parent_id: string | null };

const WRITE_SUBJOBS = `
INSERT INTO subjobs AS s (id, job_id, parent_id, path, kind, position, status, vendor_status, vendor_subjob_id, name,
  error_code, error_message, vendor_error_code, vendor_error_message, vendor_created_at, vendor_finished_at, basis)
SELECT id, job_id, parent_id, path, kind, position, status, vendor_status, vendor_subjob_id, name,
  error_code, error_message, vendor_error_code, vendor_error_message, vendor_created_at, vendor_finished_at, basis
FROM json_to_recordset($1::json) AS v(id uuid, job_id uuid, parent_id uuid, path text, kind text, position integer,
  status text, vendor_status text, vendor_subjob_id text, name text, error_code text, error_message text,
  vendor_error_code text, vendor_error_message text, vendor_created_at timestamptz, vendor_finished_at timestamptz,
  basis json)
ON CONFLICT (job_id, path) DO UPDATE SET position = excluded.position, status = excluded.status, vendor_status = excluded.vendor_status,
  vendor_subjob_id = excluded.vendor_subjob_id, name = excluded.name, error_code = excluded.error_code,
  error_message = excluded.error_message, vendor_error_code = excluded.vendor_error_code,
  vendor_error_message = excluded.vendor_error_message, vendor_created_at = excluded.vendor_created_at,
  vendor_finished_at = excluded.vendor_finished_at, basis = excluded.basis, updated_at = now()`;

export function writeSubjobs(client: Client, rows: SubjobWrite[]): Promise<void> {
  return write(client, 'write-subjobs', WRITE_SUBJOBS, rows);
}

export type OutputWrite = ReturnType<typeof outputColumns> & {
  id: string;
  job_id: string;
  subjob_id: string | null;
  slot: string;
};

const WRITE_OUTPUTS = `
INSERT INTO outputs (id, job_id, subjob_id, slot, url, media_id, format, duration_ms, size_bytes, bitrate_bps, width, height)
SELECT id, job_id, subjob_id, slot, url, media_id, format, duration_ms, size_bytes, bitrate_bps, width, height
FROM json_to_recordset($1::json) AS v(id uuid, job_id uuid, subjob_id uuid, slot text, url text, media_id text,
  format text, duration_ms bigint, size_bytes bigint, bitrate_bps bigint, width integer, height integer)
ON CONFLICT (job_id, slot) DO UPDATE SET url = excluded.url, media_id = excluded.media_id, format = excluded.format,
  duration_ms = excluded.duration_ms, size_bytes = excluded.size_bytes, bitrate_bps = excluded.bitrate_bps,
  width = excluded.width, height = excluded.height, updated_at = now()`;

export function writeOutputs(client: Client, rows: OutputWrite[]): Promise<void> {
  return write(client, 'write-outputs', WRITE_OUTPUTS, rows);
}

export type OutputKey = Pick<OutputWrite, 'job_id' | 'id'>;

/** The rows of a table that belong to the given outputs, found by their job, as the keys of both tables begin. */
const DELETE_OF = (table: 'outputs' | 'streams', id: 'id' | 'output_id') =>
  `DELETE FROM ${table} WHERE (job_id, ${id}) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[]))`;
const DELETE_OUTPUTS = DELETE_OF('outputs', 'id');
const DELETE_STREAMS = DELETE_OF('streams', 'output_id');

export async function deleteOutputs(client: Client, keys: OutputKey[]): Promise<void> {
  if (keys.length > 0) await run(client, 'delete-outputs', DELETE_OUTPUTS, columnsOf(keys));
}

/** Streams have no identity of their own: those of a changed output are replaced. */
export async function deleteStreams(client: Client, keys: OutputKey[]): Promise<void> {
  if (keys.length > 0) await run(client, 'delete-streams', DELETE_STREAMS, columnsOf(keys));
}

const columnsOf = (keys: OutputKey[]) => [keys.map((key) => key.job_id), keys.map((key) => key.id)];

export type StreamWrite = ReturnType<typeof streamRow>;

const WRITE_STREAMS = `
INSERT INTO streams (output_id, position, job_id, type, index, codec, profile, width, height, fps, duration_ms,
  bitrate_bps, pixel_format, rotate_degrees, frames, sample_format, sample_rate_hz, channels, channel_layout, language, raw)
SELECT output_id, position, job_id, type, index, codec, profile, width, height, fps, duration_ms,
  bitrate_bps, pixel_format, rotate_degrees, frames, sample_format, sample_rate_hz, channels, channel_layout, language, raw
FROM json_to_recordset($1::json) AS v(output_id uuid, position integer, job_id uuid, type text, index integer,
  codec text, profile text, width integer, height integer, fps numeric, duration_ms bigint, bitrate_bps bigint,
  pixel_format text, rotate_degrees integer, frames bigint, sample_format text, sample_rate_hz integer,
  channels integer, channel_layout text, language text, raw json)`;

export function writeStreams(client: Client, rows: StreamWrite[]): Promise<void> {
  return write(client, 'write-streams', WRITE_STREAMS, rows);
}

/** The most rows and the smallest: two arrays are read a third faster than as many objects. */
const WRITE_REFS = `
INSERT INTO job_refs (ref, job_id) SELECT * FROM unnest($1::uuid[], $2::uuid[])
ON CONFLICT DO NOTHING`;

export async function writeRefs(client: Client, rows: { ref: string; job_id: string }[]): Promise<void> {
  if (rows.length === 0) return;
  const [refs, jobIds] = [rows.map(({ ref }) => ref), rows.map(({ job_id: id }) => id)];
  await run(client, 'write-refs', WRITE_REFS, [`{${refs.join()}}`, `{${jobIds.join()}}`]);
}

export type JobReceiptWrite = { job_id: string; receipt_id: string; number: number; asked_at: string };

const WRITE_JOB_RECEIPTS = `
INSERT INTO job_receipts AS known (job_id, receipt_id, number, asked_at)
SELECT job_id, receipt_id, number, asked_at
FROM json_to_recordset($1::json) AS v(job_id uuid, receipt_id uuid, number bigint, asked_at timestamptz)
ON CONFLICT (job_id, receipt_id) DO UPDATE SET number = excluded.number, asked_at = excluded.asked_at, applied = excluded.applied,
  first_number = coalesce(known.first_number, known.number),
  first_asked_at = coalesce(known.first_asked_at, known.asked_at),
  first_applied = coalesce(known.first_applied, known.applied)
WHERE known.number < excluded.number`;

export function writeJobReceipts(client: Client, rows: JobReceiptWrite[]): Promise<void> {
  return write(client, 'write-job-receipts', WRITE_JOB_RECEIPTS, rows);
}

export type EventWrite = Pick<JobEvent, 'kind' | 'from' | 'to' | 'detail'> & {
  job_id: string;
  sequence: number;
  recorded_at: string;
  subjob_id: string | null;
  via: Via;
  vendor_at: string | null;
  receipt_id: string | null;
};

const WRITE_EVENTS = `
INSERT INTO history_events (job_id, sequence, recorded_at, kind, subjob_id, "from", "to", via, vendor_at, receipt_id, detail)
SELECT job_id, sequence, recorded_at, kind, subjob_id, "from", "to", via, vendor_at, receipt_id, detail
FROM json_to_recordset($1::json) AS v(job_id uuid, sequence integer, recorded_at timestamptz, kind text, subjob_id uuid,
  "from" text, "to" text, via text, vendor_at timestamptz, receipt_id uuid, detail json)`;

export function writeEvents(client: Client, rows: EventWrite[]): Promise<void> {
  return write(client, 'write-events', WRITE_EVENTS, rows);
}

/** A range of a job's events, just written: what the relay (outbox/) passes on. */
export type NewsWrite = { jobId: string; firstSequence: number; lastSequence: number };

const WRITE_NEWS = `
INSERT INTO outbox (job_id, first_sequence, last_sequence, recorded_at)
SELECT job_id, first_sequence, last_sequence, $4
FROM unnest($1::uuid[], $2::integer[], $3::integer[]) AS news(job_id, first_sequence, last_sequence)`;

export async function writeNews(client: Client, rows: NewsWrite[], recordedAt: Date): Promise<void> {
  if (rows.length === 0) return;
  await run(client, 'write-news', WRITE_NEWS, [
    rows.map(({ jobId }) => jobId),
    rows.map(({ firstSequence }) => firstSequence),
    rows.map(({ lastSequence }) => lastSequence),
    recordedAt,
  ]);
}

export type ContractChangeWrite = {
  api: string;
  change: string;
  place: string;
  job_id: string;
  receipt_id: string;
};

/** In key order, so that two workers that see the same changes wait for each other and not in a ring. */
const WRITE_CONTRACT_CHANGES = `
INSERT INTO contract_changes (api, change, place, job_id, receipt_id)
SELECT api, change, place, job_id, receipt_id
FROM json_to_recordset($1::json) AS v(api text, change text, place text, job_id uuid, receipt_id uuid)
ORDER BY api, change, place
ON CONFLICT DO NOTHING RETURNING api, change, place`;

/** Keeps those nobody has told yet; answers which those are. */
export async function writeContractChanges(
  client: Client,
  rows: ContractChangeWrite[],
): Promise<Pick<ContractChangeWrite, 'api' | 'change' | 'place'>[]> {
  if (rows.length === 0) return [];
  const written = await run<ContractChangeWrite>(client, 'write-contract-changes', WRITE_CONTRACT_CHANGES, [
    JSON.stringify(rows),
  ]);
  return written.rows;
}

export type ProblemWrite = {
  receipt_id: string;
  account: string;
  state: 'unmatched' | 'rejected' | 'failed';
  reason: string;
  number: number;
  asked_at: string;
};

const WRITE_PROBLEMS = `
INSERT INTO receipt_problems (receipt_id, account, state, reason, number, asked_at)
SELECT receipt_id, account, state, reason, number, asked_at
FROM json_to_recordset($1::json) AS v(receipt_id uuid, account text, state text, reason text, number bigint, asked_at timestamptz)
ON CONFLICT (receipt_id) DO UPDATE SET state = excluded.state, reason = excluded.reason, recorded_at = now()`;

export function writeProblems(client: Client, rows: ProblemWrite[]): Promise<void> {
  return write(client, 'write-problems', WRITE_PROBLEMS, rows);
}

const FIND_ASKED = `
SELECT DISTINCT j.id FROM receipts r
JOIN jobs j ON j.account = r.account AND j.api = r.api AND j.vendor_job_id = ANY (r.asked)
WHERE r.id = ANY ($1::uuid[])`;

/** The jobs that the answers in these receipts were about. */
export async function findAsked(client: Client, receiptIds: string[]): Promise<string[]> {
  const { rows } = await run<{ id: string }>(client, 'find-asked', FIND_ASKED, [receiptIds]);
  return rows.map(({ id }) => id);
}
