import stringify from 'safe-stable-stringify';
import { asPartOf } from '../domain/batch.js';
import type { Observation } from '../domain/observation.js';
import { isFinal } from '../domain/status.js';
import { newJob, type JobState } from '../domain/transition.js';
import type { CurrentSettings } from '../settings/current-settings.js';
import { batchApiOf } from '../vendors/registry.js';
import { isCallbackExpected, labelsOf, rulesOf } from './account-rules.js';
import type { Interpretation } from './interpret.js';
import { jobColumns } from './job-rows.js';
import { changedFiles, laneOf, learn, NOTES_KEPT, subjobWrites, type Tracked } from './job-writes.js';
import {
  TOLD_ONCE,
  toldKey,
  type Application,
  type EventRow,
  type ReplayRow,
  type StoredJob,
  type StoredReceipt,
} from './replay-statements.js';
import type { EventWrite, JobWrite, OutputWrite, StreamWrite, SubjobWrite } from './statements.js';

/**
 * From what a job was registered as and all that was received about it to what it must be, and how that differs from what is
 * stored. Decided by the same code as apply.
 */

/** A receipt that was read once, for all the jobs it speaks about. */
export type Reading = { receipt: StoredReceipt; meanings: Interpretation[] };

/** A job as its receipts have it: the rows that must be there, and in which of them the stored ones differ. */
export type Replayed = {
  stored: StoredJob;
  job: Tracked;
  subjobs: SubjobWrite[];
  outputs: OutputWrite[];
  streams: StreamWrite[];
  refs: string[];
  /** Names of columns of the job, and of the tables below it; empty: nothing is to be written. */
  differences: string[];
};

/** Lets a job learn again, in the order in which it did, what its receipts say of it. `readings` has every one of them. */
export function replayJob(
  stored: StoredJob,
  readings: ReadonlyMap<string, Reading>,
  settings: CurrentSettings,
  keptSince: Date,
): Replayed {
  const { row } = stored;
  const before = asRegistered(stored);
  const subjobIds = new Map(stored.subjobs.map(({ path, id }) => [path, id]));
  const job: Tracked = { row, before, after: before, subjobIds, events: [], observations: [] };
  const rules = rulesOf(settings, row);
  const refs = new Set([row.vendor_job_id]);
  for (const application of inOrder(stored.applications)) {
    const reading = readings.get(application.receiptId);
    if (!reading) throw new Error(`receipt ${application.receiptId} is missing`);
    for (const observation of observationsOf(row, application, reading)) {
      learn(job, observation, rules);
      for (const ref of observation.seen.refs) refs.add(ref);
    }
  }
  const subjobs = subjobWrites(job);
  const { outputs, streams } = changedFiles(job);
  const replayed = { stored, job, subjobs, outputs, streams, refs: [...refs], differences: [] };
  return { ...replayed, differences: differencesOf(replayed, settings, keptSince) };
}

function asRegistered({ row, told }: StoredJob): JobState {
  const { callbackChosen } = row.basis;
  return newJob(row.created_at, told.via ?? row.via, callbackChosen === undefined ? {} : { callbackChosen });
}

/** What is from before the order was kept comes first, by its numbers. */
function inOrder(applications: Application[]): Application[] {
  return [...applications].sort((a, b) => a.applied - b.applied || a.number - b.number);
}

/** What one receipt says about one of its jobs. */
function observationsOf(
  row: ReplayRow,
  { number, askedAt }: Application,
  { receipt, meanings }: Reading,
): Observation[] {
  const { via, receiptId, receivedAt } = receipt;
  const provenance = { via, receiptId, receivedAt, number, askedAt };
  return meanings.flatMap((meaning): Observation[] => {
    if (meaning.kind === 'problem') return [];
    // Its ids belonged to this job when it came, or it would not be one of its receipts.
    if (meaning.kind === 'hints') return [{ ...provenance, kind: 'claim', seen: meaning.seen }];
    const { api, seen, evidence } = meaning;
    if (api === row.api && seen.vendorJobId === row.vendor_job_id)
      return [{ ...provenance, kind: evidence ? 'evidence' : 'claim', seen }];
    if (!evidence || !seen.found || batchApiOf(api)?.name !== row.api) return [];
    return [{ ...provenance, kind: 'evidence', seen: asPartOf(row.vendor_job_id, seen) }];
  });
}

function differencesOf(replayed: Replayed, settings: CurrentSettings, keptSince: Date): string[] {
  const { stored, job, subjobs, outputs, streams } = replayed;
  const { row } = stored;
  const columns = columnsOf(job, settings);
  const differences = Object.keys(columns).filter((name) => {
    const expected = columns[name as keyof typeof columns];
    return !same(expected, name === 'basis' ? basisOf(row.basis) : row[name as keyof ReplayRow]);
  });
  if (isFinal(job.after.status) !== (row.terminal_at !== null)) differences.push('terminal_at');
  if (!sameRows(subjobs, stored.subjobs, ({ path }) => path)) differences.push('subjobs');
  if (!sameRows(outputs, stored.outputs, ({ slot }) => slot)) differences.push('outputs');
  if (!sameRows(streams, stored.streams, (stream) => `${stream.output_id} ${stream.position}`))
    differences.push('streams');
  if (row.created_at >= keptSince && !sameHistory(replayed)) differences.push('history');
  return differences;
}

/** The columns of a job that what was observed decides. */
function columnsOf({ row, after }: Tracked, settings: CurrentSettings) {
  const { basis, ...columns } = jobColumns(after);
  // What follows from user data and configuration together stays as it was, unless the user data read differently now.
  const anew = after.facts.userDataRaw !== row.user_data_raw;
  return {
    ...columns,
    labels: anew ? labelsOf(settings, row, after) : row.labels,
    callback_expected: anew ? isCallbackExpected(settings, row, after) : row.callback_expected,
    document_receipt_id: after.document?.receiptId ?? null,
    notes: after.document?.notes.slice(0, NOTES_KEPT) ?? [],
    basis: basisOf(basis),
  };
}

/** Without what the writer of refs notes for itself. */
function basisOf<Basis extends { refsDigest?: string }>({ refsDigest: _, ...basis }: Basis) {
  return basis;
}

function sameRows<Expected extends object>(
  expected: Expected[],
  stored: Partial<Record<keyof Expected, unknown>>[],
  keyOf: (row: Expected) => string,
): boolean {
  if (expected.length !== stored.length) return false;
  const byKey = new Map(stored.map((row) => [keyOf(row as Expected), row]));
  return expected.every((row) => {
    const known = byKey.get(keyOf(row));
    return (
      known !== undefined && (Object.keys(row) as (keyof Expected)[]).every((name) => same(row[name], known[name]))
    );
  });
}

/** Whether a value as we write it is what a column holds: times come back as dates, large numbers as text, JSON as JSON. */
function same(expected: unknown, stored: unknown): boolean {
  if (expected === stored) return true;
  if (expected == null || stored == null) return expected == null && stored == null;
  if (stored instanceof Date) return stored.toISOString() === expected;
  if (typeof expected !== 'object' || typeof stored !== 'object') return false;
  if (Array.isArray(expected)) {
    if (!Array.isArray(stored) || stored.length !== expected.length) return false;
    return expected.every((item, i) => same(item, stored[i]));
  }
  const [ours, theirs] = [expected as Record<string, unknown>, stored as Record<string, unknown>];
  for (const key in ours) if (!same(ours[key], theirs[key])) return false;
  for (const key in theirs) if (theirs[key] != null && !(key in ours)) return false;
  return true;
}

/**
 * History is compared as the set of what changed to what by which receipt: an answer that was repeated was heard more often
 * than is known, and would not tell everything twice.
 */
function sameHistory({ stored, job }: Replayed): boolean {
  const told = new Set(stored.told.keys);
  const expected = new Set(derivedEvents(job).map(toldKey));
  return told.size === expected.size && [...expected].every((key) => told.has(key));
}

function derivedEvents({ row, events, subjobIds }: Tracked) {
  return events.map(({ event, observation }) => ({
    job_id: row.id,
    kind: event.kind,
    subjob_id: event.subjobPath === null ? null : (subjobIds.get(event.subjobPath) ?? null),
    from: event.from,
    to: event.to,
    via: observation.via,
    vendor_at: observation.seen.occurredAt?.toISOString() ?? null,
    receipt_id: observation.receiptId,
    detail: event.detail,
    receivedAt: observation.receivedAt,
  }));
}

/** The whole history of a job that was replayed, numbered anew. What was told before keeps the time at which it was. */
export function historyOf({ stored, job }: Replayed, before: EventRow[]): EventWrite[] {
  const times = new Map(before.map((event): [string, Date] => [toldKey(event), event.recorded_at]).reverse());
  let last = stored.row.created_at.getTime();
  const derived = derivedEvents(job).map(({ receivedAt, ...event }) => {
    last = Math.max(last, (times.get(toldKey(event)) ?? receivedAt).getTime());
    return { ...event, recorded_at: new Date(last).toISOString() };
  });
  const kept = before
    .filter(({ kind }) => TOLD_ONCE.includes(kind))
    .map(({ recorded_at, vendor_at, ...event }) => ({
      ...event,
      recorded_at: recorded_at.toISOString(),
      vendor_at: vendor_at?.toISOString() ?? null,
    }));
  const isFirst = ({ kind }: { kind: string }) => kind === 'job.registered';
  const others = [...derived, ...kept.filter((event) => !isFirst(event))];
  const sorted = others.sort((a, b) => a.recorded_at.localeCompare(b.recorded_at));
  return [...kept.filter(isFirst), ...sorted].map((event, i) => ({ ...event, sequence: i + 1 }));
}

/** Whether a history tells anything but the same, one event after the other, whenever it was told. */
export function tellsOtherwise(before: EventRow[], after: EventWrite[]): boolean {
  const text = ({ kind, subjob_id, from, to, receipt_id, detail }: Omit<EventRow | EventWrite, 'recorded_at'>) =>
    stringify([kind, subjob_id, from, to, receipt_id, detail]);
  return before.length !== after.length || before.some((event, i) => text(event) !== text(after[i] as EventWrite));
}

/** The row of a job that was replayed. It is looked at again, or no more, only where its end has changed. */
export function jobWrite(replayed: Replayed, history: EventWrite[], settings: CurrentSettings): JobWrite {
  const { stored, job } = replayed;
  const { row } = stored;
  const { after } = job;
  const columns = columnsOf(job, settings);
  const { refsDigest } = row.basis;
  const ended = endOf(history);
  return {
    ...columns,
    basis: { ...columns.basis, ...(refsDigest === undefined ? {} : { refsDigest }) },
    id: row.id,
    updated_at: row.now.toISOString(),
    terminal_at: isFinal(after.status) ? (row.terminal_at?.toISOString() ?? ended ?? row.now.toISOString()) : null,
    next_poll_at: nextLook(row, job, settings)?.toISOString() ?? null,
    poll_interval_ms: row.poll_interval_ms,
    poll_failures: row.poll_failures,
    poll_lane: laneOf(job),
    // Never back: whoever follows a history has seen the greater number.
    history_sequence: Math.max(row.history_sequence, history.length),
  };
}

/** When the job last came to an end, as its history tells. */
function endOf(history: EventWrite[]): string | null {
  const moves = history.filter(({ kind }) => kind === 'job.status' || kind === 'job.lost');
  const end = moves.findLast(({ from, to }) => isFinalStatus(to) && !isFinalStatus(from));
  return end?.recorded_at ?? null;
}

function isFinalStatus(status: string | null): boolean {
  return status !== null && isFinal(status as JobState['status']);
}

function nextLook(row: ReplayRow, { after }: Tracked, settings: CurrentSettings): Date | null {
  const [was, is] = [row, after].map(({ status, confirmed }) => isFinal(status) && confirmed);
  if (is && !was) return null;
  if (was && !is && row.closed_at === null && settings.canAsk(row.account)) return row.next_poll_at ?? row.now;
  return row.next_poll_at;
}
