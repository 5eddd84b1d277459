import { Injectable, Logger } from '@nestjs/common';
import type pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { refHash } from '../domain/job-ref.js';
import type { Observation, Via } from '../domain/observation.js';
import { pollIntervalMs, retryDelayMs } from '../domain/poll-schedule.js';
import { isFinal } from '../domain/status.js';
import {
  isEvidenceBased,
  transition,
  visibleFiles,
  type JobEvent,
  type JobState,
  type TrackingRules,
} from '../domain/transition.js';
import { SqlPool } from '../database/sql-pool.js';
import { Metrics } from '../metrics/metrics.js';
import { CurrentSettings } from '../settings/current-settings.js';
import { callbackPrefix } from '../settings/settings.js';
import { objectIn } from '../vendors/readers.js';
import { apiNamed } from '../vendors/registry.js';
import { interpret, type Interpretation, type PendingReceipt } from './interpret.js';
import {
  digestOf,
  jobColumns,
  jobStateOf,
  outputColumns,
  outputId,
  streamColumns,
  subjobColumns,
  type JobRow,
  type SubjobRow,
} from './job-rows.js';
import { postpone } from './postpone.js';
import * as statements from './statements.js';
import { isTransient } from './transient.js';

/** Receipts of one transaction: from 20 to 100 little is gained, above that only latency and lock time grow. */
const BATCH = 100;
/** Notes about unreadable values that a job keeps. */
const NOTES_KEPT = 50;

/** An observation on its way to a job. */
type Addressed = { key: string; jobKey: statements.JobKey; observation: Observation };

/** A locked job, what became of it, and what there is to tell. */
type Tracked = {
  row: JobRow;
  before: JobState;
  after: JobState;
  subjobIds: Map<string, string>;
  events: { event: JobEvent; observation: Observation }[];
  observations: Observation[];
};

/** The only writer of job state: callbacks, polls and lists all end here. */
@Injectable()
export class Tracker {
  private readonly logger = new Logger(Tracker.name);

  constructor(
    private readonly sql: SqlPool,
    private readonly settings: CurrentSettings,
    private readonly metrics: Metrics,
  ) {}

  /** Applies pending receipts until none is left that another worker has not taken. */
  async applyPending(): Promise<number> {
    let total = 0;
    for (;;) {
      const applied = await this.applyBatch({ limit: BATCH });
      total += applied;
      if (applied === 0) return total;
    }
  }

  /**
   * One transaction. When something in the batch cannot be applied, the batch is halved until that one receipt is alone;
   * it is marked failed with the reason, and its neighbours are none the worse.
   */
  private async applyBatch(which: { limit: number } | { ids: string[] }): Promise<number> {
    let taken: PendingReceipt[] = [];
    const stop = this.metrics.applyBatchDuration.startTimer();
    try {
      const applied = await this.sql.transaction(async (client) => {
        const batch = await statements.takePending(client, which);
        taken = batch.receipts;
        if (taken.length > 0) await this.apply(client, taken, batch.now);
        return taken.length;
      });
      if (applied > 0) stop();
      return applied;
    } catch (error) {
      if (taken.length === 0 || isTransient(error)) throw error;
      const ids = taken.map((receipt) => receipt.pendingId);
      if (ids.length === 1) return this.fail(taken, error);
      const half = ids.length >> 1;
      return (await this.applyBatch({ ids: ids.slice(0, half) })) + (await this.applyBatch({ ids: ids.slice(half) }));
    }
  }

  private async fail([receipt]: PendingReceipt[], error: unknown): Promise<number> {
    if (!receipt) return 0;
    const reason = this.settings.redact(error instanceof Error ? error.message : String(error)).slice(0, 500);
    this.logger.error(`receipt ${receipt.receiptId} could not be applied: ${reason}`);
    return this.sql.transaction(async (client) => {
      const { receipts } = await statements.takePending(client, { ids: [receipt.pendingId] });
      await this.giveUp(
        client,
        receipts.map((taken) => this.problem(taken, 'failed', reason)),
      );
      return receipts.length;
    });
  }

  /** Lock, decide, write. */
  private async apply(client: pg.ClientBase, receipts: PendingReceipt[], now: Date): Promise<void> {
    const { addressed, problems } = await this.address(client, receipts);
    const tracked = await this.lock(client, addressed);
    const unheard: statements.ProblemWrite[] = [];
    for (const { key, jobKey, observation } of addressed) {
      const job = tracked.get(key);
      if (job) {
        learn(job, observation, this.rulesOf(job.row));
        const { account, api } = job.row;
        this.metrics.observationsApplied.inc({ account, api, via: observation.via });
      } else {
        unheard.push(problemOf(observation, jobKey.account, 'rejected', 'no such job is tracked'));
      }
    }
    await this.write(client, [...tracked.values()], now);
    await this.giveUp(client, [...problems, ...unheard]);
  }

  /** Which job each receipt speaks about. */
  private async address(client: pg.ClientBase, receipts: PendingReceipt[]) {
    const read = receipts.flatMap((receipt) => interpret(receipt).map((meaning) => ({ receipt, meaning })));
    const hints = read.flatMap(({ receipt: { account }, meaning }) =>
      meaning.kind === 'hints' ? meaning.ids.map((id) => ({ account, id, ref: refHash(id) })) : [],
    );
    const hinted = hints.length > 0 ? await statements.findJobs(client, hints) : [];
    const addressed: Addressed[] = [];
    const problems: statements.ProblemWrite[] = [];
    for (const { receipt, meaning } of read) {
      const jobKey = jobKeyOf(receipt, meaning, hinted);
      if (jobKey && meaning.kind !== 'problem') {
        const evidence = meaning.kind === 'speaks' && meaning.evidence;
        const observation: Observation = { ...receipt, kind: evidence ? 'evidence' : 'claim', seen: meaning.seen };
        addressed.push({ key: statements.keyOf(jobKey), jobKey, observation });
      } else {
        const state = meaning.kind === 'problem' ? meaning.state : 'unmatched';
        const reason = meaning.kind === 'speaks' ? '' : meaning.reason;
        problems.push(this.problem(receipt, state, reason));
      }
    }
    return { addressed, problems };
  }

  /** Notes what went nowhere. An answer that cannot be used must not be asked for again as fast as the lease allows. */
  private async giveUp(client: pg.ClientBase, problems: statements.ProblemWrite[]): Promise<void> {
    if (problems.length === 0) return;
    await statements.writeProblems(client, problems);
    const answers = problems.filter(({ state }) => state !== 'unmatched').map(({ receipt_id: id }) => id);
    const jobs = answers.length > 0 ? await statements.findAsked(client, answers) : [];
    if (jobs.length > 0) await postpone(client, jobs, retryDelayMs);
  }

  private problem(receipt: PendingReceipt, state: statements.ProblemWrite['state'], reason: string) {
    this.metrics.receiptProblems.inc({ account: receipt.account, state });
    return problemOf(receipt, receipt.account, state, reason);
  }

  /** Makes the jobs that callbacks speak of and nobody registered; then locks all in key order and reads their parts. */
  private async lock(client: pg.ClientBase, addressed: Addressed[]): Promise<Map<string, Tracked>> {
    if (addressed.length === 0) return new Map();
    const claimed = addressed.filter(({ observation }) => observation.kind === 'claim');
    await statements.makeJobs(
      client,
      uniqueKeys(claimed).map((jobKey) => this.newJob(jobKey)),
    );
    const rows = await statements.lockJobs(client, uniqueKeys(addressed));
    const subjobs =
      rows.length > 0
        ? await statements.readSubjobs(
            client,
            rows.map((row) => row.id),
          )
        : [];
    const byJob = byJobId(subjobs);
    return new Map(
      rows.map((row) => [
        statements.keyOf({ ...row, vendorJobId: row.vendor_job_id }),
        trackedOf(row, byJob.get(row.id) ?? []),
      ]),
    );
  }

  private newJob(jobKey: statements.JobKey): statements.NewJob {
    return {
      ...jobKey,
      id: uuidv7(),
      via: 'callback',
      callbackExpected: apiNamed(jobKey.api)?.callbackExpected ?? false,
      registered: false,
      labels: {},
      due: this.settings.canAsk(jobKey.account),
      ref: refHash(jobKey.vendorJobId),
      basis: {},
    };
  }

  private rulesOf(row: JobRow): TrackingRules {
    const api = apiNamed(row.api);
    return {
      outcomeInParts: api?.outcomeInParts ?? false,
      batch: api?.batch ?? false,
      claimOnly: !this.settings.canAsk(row.account),
    };
  }

  private async write(client: pg.ClientBase, tracked: Tracked[], now: Date): Promise<void> {
    const refs = tracked.map((job) => newRefs(job));
    const files = tracked.map((job) => changedFiles(job));
    await statements.updateJobs(
      client,
      tracked.map((job) => this.jobWrite(job, now)),
    );
    await statements.writeSubjobs(client, tracked.flatMap(subjobWrites));
    await statements.deleteOutputs(
      client,
      files.flatMap(({ withdrawn }) => withdrawn),
    );
    await statements.writeOutputs(
      client,
      files.flatMap(({ outputs }) => outputs),
    );
    await statements.deleteStreams(
      client,
      files.flatMap(({ withdrawn, replaced }) => [...withdrawn, ...replaced]),
    );
    await statements.writeStreams(
      client,
      files.flatMap(({ streams }) => streams),
    );
    await statements.writeRefs(client, refs.flat());
    await statements.writeEvents(
      client,
      tracked.flatMap((job) => eventWrites(job, now)),
    );
    await statements.writeJobReceipts(client, tracked.flatMap(receiptsOf));
  }

  private jobWrite(job: Tracked, now: Date): statements.JobWrite {
    const { row, before, after, observations } = job;
    const columns = jobColumns(after);
    const labels = this.labelsOf(row, after);
    const final = isFinal(after.status);
    const changed = job.events.length > 0 || !sameColumns(jobColumns(before), columns);
    const documentDigest = after.document ? digestOf(after.document) : row.basis.documentDigest;
    const document = documentDigest === row.basis.documentDigest ? undefined : after.document;
    const callbackExpected = this.isCallbackExpected(row, after);
    const nextPollAt = this.nextLook({ job, callbackExpected, now });
    const answered = observations.some((observation) => observation.kind === 'evidence');
    return {
      ...columns,
      basis: { ...columns.basis, ...(documentDigest === undefined ? {} : { documentDigest }) },
      id: row.id,
      labels,
      document: document?.value ?? null,
      notes: document ? document.notes.slice(0, NOTES_KEPT) : null,
      callback_expected: callbackExpected,
      updated_at: (changed ? now : row.updated_at).toISOString(),
      terminal_at: final ? (row.terminal_at ?? now).toISOString() : null,
      next_poll_at: nextPollAt?.toISOString() ?? null,
      poll_failures: answered ? 0 : row.poll_failures,
      history_sequence: row.history_sequence + job.events.length,
    };
  }

  /** Labels that people set stand; the account's chosen keys of the user data fill in the rest. */
  private labelsOf(row: JobRow, { facts }: JobState): Record<string, string> {
    const wanted = this.settings.account(row.account)?.labelsFromUserData ?? [];
    const userData = wanted.length > 0 ? objectIn(facts.userDataRaw) : null;
    const found = wanted.flatMap((key) => {
      const value = userData?.[key];
      return value === undefined || value === null || typeof value === 'object'
        ? []
        : [[key, String(value).slice(0, 256)]];
    });
    return { ...(Object.fromEntries(found) as Record<string, string>), ...row.labels };
  }

  private isCallbackExpected(row: JobRow, { facts, basis }: JobState): boolean {
    if (basis.callbackChosen === true || !isEvidenceBased({ basis })) return row.callback_expected;
    const prefix = callbackPrefix(this.settings.value);
    const notify = objectIn(facts.userDataRaw)?.['NotifyAddress'];
    return prefix !== null && typeof notify === 'string' && notify.trim().startsWith(prefix);
  }

  /** When to look at a job next; null for never. */
  private nextLook({
    job,
    callbackExpected,
    now,
  }: {
    job: Tracked;
    callbackExpected: boolean;
    now: Date;
  }): Date | null {
    const { row, after, observations } = job;
    if (row.closed_at !== null || this.rulesOf(row).claimOnly) return null;
    if (isFinal(after.status) && after.confirmed) return null;
    const newest = (kind: Observation['kind']) =>
      Math.max(0, ...observations.filter((observation) => observation.kind === kind).map(({ number }) => number));
    const answered = Math.max(newest('evidence'), after.basis.evidence?.number ?? 0);
    if (newest('claim') > answered) return now;
    if (newest('evidence') === 0) return row.next_poll_at ?? now;
    const ageMs = now.getTime() - row.created_at.getTime();
    return new Date(now.getTime() + pollIntervalMs({ ageMs, callbackExpected }));
  }
}

function uniqueKeys(addressed: Addressed[]): statements.JobKey[] {
  return [...new Map(addressed.map(({ key, jobKey }) => [key, jobKey])).values()];
}

function jobKeyOf(
  { account }: PendingReceipt,
  meaning: Interpretation,
  hinted: (statements.JobKey & { hint: string })[],
): statements.JobKey | null {
  if (meaning.kind === 'speaks') return { account, api: meaning.api, vendorJobId: meaning.seen.vendorJobId };
  if (meaning.kind === 'problem') return null;
  for (const id of meaning.ids) {
    const found = hinted.find((job) => job.account === account && job.hint === id);
    if (found) return { account, api: found.api, vendorJobId: found.vendorJobId };
  }
  return null;
}

function problemOf(
  receipt: Pick<Observation, 'receiptId' | 'number' | 'askedAt'>,
  account: string,
  state: statements.ProblemWrite['state'],
  reason: string,
): statements.ProblemWrite {
  const { receiptId, number, askedAt } = receipt;
  return { receipt_id: receiptId, account, state, reason, number, asked_at: askedAt.toISOString() };
}

function byJobId(subjobs: SubjobRow[]): Map<string, SubjobRow[]> {
  const groups = new Map<string, SubjobRow[]>();
  for (const subjob of subjobs) {
    const group = groups.get(subjob.job_id);
    if (group) group.push(subjob);
    else groups.set(subjob.job_id, [subjob]);
  }
  return groups;
}

function trackedOf(row: JobRow, subjobs: SubjobRow[]): Tracked {
  const state = jobStateOf(row, subjobs);
  const subjobIds = new Map(subjobs.map(({ path, id }) => [path, id]));
  return { row, before: state, after: state, subjobIds, events: [], observations: [] };
}

function learn(job: Tracked, observation: Observation, rules: TrackingRules): void {
  const { job: after, events } = transition(job.after, observation, rules);
  job.after = after;
  job.observations.push(observation);
  job.events.push(...events.map((event) => ({ event, observation })));
  for (const path of after.subjobs.keys()) {
    if (!job.subjobIds.has(path)) job.subjobIds.set(path, uuidv7());
  }
}

/** Refs are the widest write there is; a job's whole set is written again only when it changed. */
function newRefs(job: Tracked): { ref: string; job_id: string }[] {
  const refs = [...new Set(job.observations.flatMap(({ seen }) => seen.refs))].sort();
  if (refs.length === 0) return [];
  const refsDigest = digestOf(refs);
  if (refsDigest === job.row.basis.refsDigest) return [];
  job.after = { ...job.after, basis: { ...job.after.basis, refsDigest } };
  return refs.map((ref) => ({ ref: refHash(ref), job_id: job.row.id }));
}

/** What people see of a job; what the status rests on may change without that. */
function sameColumns(
  { basis: _before, ...before }: ReturnType<typeof jobColumns>,
  { basis: _after, ...after }: ReturnType<typeof jobColumns>,
): boolean {
  return JSON.stringify(before) === JSON.stringify(after);
}

function subjobWrites({ row, before, after, subjobIds }: Tracked): statements.SubjobWrite[] {
  return [...after.subjobs.values()].flatMap((subjob) => {
    const known = before.subjobs.get(subjob.path);
    const columns = subjobColumns(subjob, after.basis.partsRank ?? []);
    const stored = known && subjobColumns(known, before.basis.partsRank ?? []);
    if (stored && JSON.stringify(stored) === JSON.stringify(columns)) return [];
    const parent = subjob.parentPath === null ? null : (subjobIds.get(subjob.parentPath) ?? null);
    return [{ ...columns, id: subjobIds.get(subjob.path) ?? uuidv7(), job_id: row.id, parent_id: parent }];
  });
}

/** Which output rows come, change and go, by comparing what was visible with what is. */
function changedFiles({ row, before, after, subjobIds }: Tracked) {
  const known = new Map(visibleFiles(before).map((placed) => [placed.slot, placed.file.digest]));
  const outputs: statements.OutputWrite[] = [];
  const streams: statements.StreamWrite[] = [];
  const replaced: string[] = [];
  for (const { slot, subjobPath, file } of visibleFiles(after)) {
    const digest = known.get(slot);
    known.delete(slot);
    if (digest === file.digest || !file.output) continue;
    const id = outputId(row.id, slot);
    const subjobId = subjobPath === null ? null : (subjobIds.get(subjobPath) ?? null);
    outputs.push({ ...outputColumns(file.output), id, job_id: row.id, subjob_id: subjobId, slot });
    streams.push(
      ...file.output.streams.map((stream, position) => ({
        ...streamColumns(stream),
        output_id: id,
        job_id: row.id,
        position,
      })),
    );
    if (digest !== undefined) replaced.push(id);
  }
  return { outputs, streams, replaced, withdrawn: [...known.keys()].map((slot) => outputId(row.id, slot)) };
}

function eventWrites({ row, events, subjobIds }: Tracked, now: Date): statements.EventWrite[] {
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

function receiptsOf({ row, observations }: Tracked): statements.JobReceiptWrite[] {
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
