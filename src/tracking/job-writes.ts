import { v7 as uuidv7 } from 'uuid';
import { digestOf } from '../domain/digest.js';
import { refHash } from '../domain/job-ref.js';
import type { Observation, Via } from '../domain/observation.js';
import { POLL_LANES, type PollLane } from '../domain/poll-schedule.js';
import {
  isEvidenceBased,
  transition,
  visibleFiles,
  type JobEvent,
  type JobState,
  type TrackingRules,
} from '../domain/transition.js';
import {
  jobStateOf,
  outputColumns,
  outputId,
  streamRow,
  subjobColumns,
  type jobColumns,
  type JobRow,
  type SubjobRow,
} from './job-rows.js';
import type * as statements from './statements.js';

/** From a locked job and what was observed of it to the rows that have to be written. */

/** Notes about unreadable values that a job keeps. */
export const NOTES_KEPT = 50;

/** A locked job, what became of it, and what there is to tell. */
export type Tracked = {
  row: JobRow;
  before: JobState;
  after: JobState;
  subjobIds: Map<string, string>;
  events: { event: JobEvent; observation: Observation }[];
  observations: Observation[];
};

/** A job that was just locked. */
export function trackedOf(row: JobRow, subjobs: SubjobRow[]): Tracked {
  const state = jobStateOf(row, subjobs);
  const subjobIds = new Map(subjobs.map(({ path, id }) => [path, id]));
  return { row, before: state, after: state, subjobIds, events: [], observations: [] };
}

/** Lets a job take in what was observed. */
export function learn(job: Tracked, observation: Observation, rules: TrackingRules): void {
  const { job: after, events } = transition(job.after, observation, rules);
  job.after = after;
  job.observations.push(observation);
  job.events.push(...events.map((event) => ({ event, observation })));
  for (const path of after.subjobs.keys()) {
    if (!job.subjobIds.has(path)) job.subjobIds.set(path, uuidv7());
  }
}

/**
 * A job is known once the vendor's answer has shown it, or once both a callback and a listing have spoken of it. Of a known
 * job a callback makes the next look urgent, until an answer to what was asked afterwards.
 */
export function laneOf({ row, after, observations }: Tracked): PollLane {
  const newest = (from: (observation: Observation) => boolean) =>
    Math.max(0, ...observations.filter(from).map(({ number }) => number));
  const answered = newest(({ kind }) => kind === 'evidence');
  const lane = row.poll_lane === POLL_LANES.urgent && answered > 0 ? POLL_LANES.known : row.poll_lane;
  const word = VOUCHED[lane];
  const known = row.registered || isEvidenceBased(after) || observations.some(({ via }) => via === word);
  if (!known || lane === POLL_LANES.urgent) return lane;
  const called = newest(({ via }) => via === 'callback');
  return called > Math.max(answered, after.basis.evidence?.number ?? 0) ? POLL_LANES.urgent : POLL_LANES.known;
}

/** Who else must have spoken of a job of this lane before it counts as known. */
const VOUCHED: Partial<Record<PollLane, Via>> = { [POLL_LANES.found]: 'callback', [POLL_LANES.unproven]: 'list' };

/** Refs are the widest write there is; a job's whole set is written again only when it changed. */
export function newRefs(job: Tracked): { ref: string; job_id: string }[] {
  const refs = [...new Set(job.observations.flatMap(({ seen }) => seen.refs))].sort();
  if (refs.length === 0) return [];
  const refsDigest = digestOf(refs);
  if (refsDigest === job.row.basis.refsDigest) return [];
  job.after = { ...job.after, basis: { ...job.after.basis, refsDigest } };
  return refs.map((ref) => ({ ref: refHash(ref), job_id: job.row.id }));
}

/** What people see of a job; what the status rests on may change without that. */
export function sameColumns(
  { basis: _before, ...before }: ReturnType<typeof jobColumns>,
  { basis: _after, ...after }: ReturnType<typeof jobColumns>,
): boolean {
  return JSON.stringify(before) === JSON.stringify(after);
}

export function subjobWrites({ row, before, after, subjobIds }: Tracked): statements.SubjobWrite[] {
  return [...after.subjobs.values()].flatMap((subjob) => {
    const known = before.subjobs.get(subjob.path);
    const columns = subjobColumns(subjob, after.basis.partsRank ?? []);
    const stored = known && subjobColumns(known, before.basis.partsRank ?? []);
    if (stored && JSON.stringify(stored) === JSON.stringify(columns)) return [];
    const parent = subjob.parentPath === null ? null : (subjobIds.get(subjob.parentPath) ?? null);
    const id = subjobIds.get(subjob.path) ?? uuidv7();
    return [Object.assign(columns, { id, job_id: row.id, parent_id: parent })];
  });
}

export type ChangedFiles = ReturnType<typeof changedFiles>;

/** Which output rows come, change and go, by comparing what was visible with what is. */
export function changedFiles({ row, before, after, subjobIds }: Tracked) {
  const known = new Map(visibleFiles(before).map((placed) => [placed.slot, placed.file.digest]));
  const outputs: statements.OutputWrite[] = [];
  const streams: statements.StreamWrite[] = [];
  const replaced: statements.OutputKey[] = [];
  const keyOf = (slot: string) => ({ job_id: row.id, id: outputId(row.id, slot) });
  for (const { slot, subjobPath, file } of visibleFiles(after)) {
    const digest = known.get(slot);
    known.delete(slot);
    if (digest === file.digest || !file.output) continue;
    const key = keyOf(slot);
    const subjobId = subjobPath === null ? null : (subjobIds.get(subjobPath) ?? null);
    outputs.push(Object.assign(outputColumns(file.output), { ...key, subjob_id: subjobId, slot }));
    file.output.streams.forEach((stream, position) => {
      streams.push(streamRow({ output_id: key.id, job_id: row.id, position }, stream));
    });
    if (digest !== undefined) replaced.push(key);
  }
  return { outputs, streams, replaced, withdrawn: [...known.keys()].map(keyOf) };
}

export function eventWrites({ row, events, subjobIds }: Tracked, now: Date): statements.EventWrite[] {
  return events.map(({ event, observation }, i) => ({
    job_id: row.id,
    sequence: row.history_sequence + i + 1,
    recorded_at: now.toISOString(),
    kind: event.kind,
    subjob_id: event.subjobPath === null ? null : (subjobIds.get(event.subjobPath) ?? null),
    from: event.from,
    to: event.to,
    via: observation.via satisfies Via,
    vendor_at: observation.seen.occurredAt?.toISOString() ?? null,
    receipt_id: observation.receiptId,
    detail: event.detail,
  }));
}

/** Which of its events a job has news by; none: it has none. */
export function newsOf({ row, events }: Tracked): statements.NewsWrite[] {
  if (events.length === 0) return [];
  const { id: jobId, history_sequence: before } = row;
  return [{ jobId, firstSequence: before + 1, lastSequence: before + events.length }];
}

export function receiptsOf({ row, observations }: Tracked): statements.JobReceiptWrite[] {
  const newest = new Map<string, Observation>();
  for (const observation of observations) {
    const known = newest.get(observation.receiptId);
    if (!known || known.number < observation.number) newest.set(observation.receiptId, observation);
  }
  return [...newest.values()].map(({ receiptId, number, askedAt }) => ({
    job_id: row.id,
    receipt_id: receiptId,
    number,
    asked_at: askedAt.toISOString(),
  }));
}
