import { Injectable, Logger } from '@nestjs/common';
import type pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { refHash } from '../domain/job-ref.js';
import type { Observation, Via } from '../domain/observation.js';
import { POLL_LANES, retryDelayMs, unknownIntervalMs, type PollLane } from '../domain/poll-schedule.js';
import { isFinal } from '../domain/status.js';
import { isEvidenceBased, type JobState } from '../domain/transition.js';
import { SqlPool } from '../database/sql-pool.js';
import { Metrics } from '../metrics/metrics.js';
import { CurrentSettings } from '../settings/current-settings.js';
import { apiNamed } from '../vendors/registry.js';
import { isCallbackExpected, labelsOf, rulesOf } from './account-rules.js';
import { aboutBatches, hasEnded, listedParts, possibleParts, type Addressed, type ListedPart } from './batch-parts.js';
import { ContractWatch } from './contract-watch.js';
import { interpret, type Interpretation, type PendingReceipt } from './interpret.js';
import { jobColumns, type JobRow, type SubjobRow } from './job-rows.js';
import {
  changedFiles,
  type ChangedFiles,
  eventWrites,
  laneOf,
  learn,
  newRefs,
  newsOf,
  NOTES_KEPT,
  receiptsOf,
  sameColumns,
  subjobWrites,
  trackedOf,
  type Tracked,
} from './job-writes.js';
import { postpone } from './postpone.js';
import { Schedules } from './schedules.js';
import * as statements from './statements.js';
import { isTransient } from './transient.js';

/** Receipts of one transaction: from 20 to 100 little is gained, above that only latency and lock time grow. */
const BATCH = 100;
/** Bodies of one transaction: a batch job of a thousand parts is half a megabyte, and eight thousand rows. */
const BATCH_BYTES = 2 * 1024 * 1024;

/** The only writer of job state: callbacks, polls and lists all end here. */
@Injectable()
export class Tracker {
  private readonly logger = new Logger(Tracker.name);
  private readonly contracts = new ContractWatch();

  constructor(
    private readonly sql: SqlPool,
    private readonly settings: CurrentSettings,
    private readonly metrics: Metrics,
    private readonly schedules: Schedules,
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
   * it is marked failed with the reason, and its neighbours are none the worse. A batch that is too much for one
   * transaction is halved as well.
   */
  private async applyBatch(which: { limit: number } | { ids: string[] }): Promise<number> {
    let taken: PendingReceipt[] = [];
    let committed = (): void => undefined;
    const stop = this.metrics.applyBatchDuration.startTimer();
    try {
      const applied = await this.sql.transaction(async (client) => {
        const batch = await statements.takePending(client, which);
        taken = batch.receipts;
        if (taken.length > 1 && bytesOf(taken) > BATCH_BYTES) throw new TooMuch();
        if (taken.length > 0) committed = await this.apply(client, taken, batch.now);
        return taken.length;
      });
      committed();
      if (applied > 0) stop();
      return applied;
    } catch (error) {
      if (taken.length === 0 || isTransient(error)) throw error;
      const ids = taken.map((receipt) => receipt.pendingId);
      if (ids.length === 1) return this.fail(taken, error);
      if (!(error instanceof TooMuch))
        this.logger.warn(`a batch of ${ids.length} receipts is halved: ${this.reasonOf(error)}`);
      const half = ids.length >> 1;
      return (await this.applyBatch({ ids: ids.slice(0, half) })) + (await this.applyBatch({ ids: ids.slice(half) }));
    }
  }

  private async fail([receipt]: PendingReceipt[], error: unknown): Promise<number> {
    if (!receipt) return 0;
    const reason = this.reasonOf(error);
    this.logger.error(`receipt ${receipt.receiptId} could not be applied: ${reason}`);
    const problems = await this.sql.transaction(async (client) => {
      const { receipts } = await statements.takePending(client, { ids: [receipt.pendingId] });
      const failed = receipts.map((taken) => problemOf(taken, taken.account, 'failed', reason));
      await this.giveUp(client, failed);
      return failed;
    });
    this.count([], problems);
    return problems.length;
  }

  private reasonOf(error: unknown): string {
    return this.settings.redact(error instanceof Error ? error.message : String(error)).slice(0, 500);
  }

  /** Sorts out what says nothing new, and applies the rest. Answers what is to be done once it is committed. */
  private async apply(client: pg.ClientBase, receipts: PendingReceipt[], now: Date): Promise<() => void> {
    const repeated = receipts.filter((receipt) => receipt.repeated).map(({ receiptId }) => receiptId);
    const settled = await statements.settleRepeated(client, repeated);
    const done = new Set(settled.map(({ receiptId }) => receiptId));
    const news = receipts.filter((receipt) => !(receipt.repeated && done.has(receipt.receiptId)));
    const committed = news.length > 0 ? await this.applyNews(client, news, now) : () => undefined;
    return () => {
      committed();
      for (const { account, api } of settled) this.metrics.observationsApplied.inc({ account, api, via: 'poll' });
    };
  }

  /** Lock, decide, write. */
  private async applyNews(client: pg.ClientBase, receipts: PendingReceipt[], now: Date): Promise<() => void> {
    const { addressed: direct, problems } = await this.address(client, receipts);
    const batches = await statements.findBatches(client, possibleParts(direct));
    const addressed = [...direct, ...aboutBatches(direct, batches)];
    const parts = listedParts(addressed);
    const { tracked, partRows, made } = await this.lock(client, addressed, parts);
    const unheard: statements.ProblemWrite[] = [];
    for (const { key, jobKey, observation } of addressed) {
      const job = tracked.get(key);
      // A listing is pages of what is known already.
      if (job && observation.via === 'list' && hasEndedForGood(job.before)) continue;
      if (job) {
        learn(job, observation, rulesOf(this.settings, job.row));
      } else if (!observation.seen.partsOnly) {
        unheard.push(problemOf(observation, jobKey.account, 'rejected', 'no such job is tracked'));
      }
    }
    const heard = [...tracked.values()].filter(({ observations }) => observations.length > 0);
    const committed = await this.watchContracts(client, heard);
    await this.write(client, heard, now);
    await statements.adoptParts(client, this.adoptions({ tracked, batches, parts, partRows, made }));
    await this.giveUp(client, [...problems, ...unheard]);
    return () => {
      committed();
      this.count(heard, [...problems, ...unheard]);
    };
  }

  private count(heard: Tracked[], problems: statements.ProblemWrite[]): void {
    for (const { row, observations } of heard) {
      const { account, api } = row;
      for (const { via } of observations) this.metrics.observationsApplied.inc({ account, api, via });
    }
    for (const { account, state } of problems) this.metrics.receiptProblems.inc({ account, state });
  }

  private async watchContracts(client: pg.ClientBase, heard: Tracked[]): Promise<() => void> {
    const byId = new Map(heard.map((job) => [job.row.id, job]));
    const seen = heard.flatMap(({ row: { id: jobId, api }, observations }) =>
      observations.map((observation) => ({ api, jobId, observation })),
    );
    const { events, committed } = await this.contracts.events(client, seen);
    for (const { jobId, receiptId, event } of events) {
      const job = byId.get(jobId);
      const observation = job?.observations.find((candidate) => candidate.receiptId === receiptId);
      if (job && observation) job.events.push({ event, observation });
    }
    return committed;
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
        problems.push(problemOf(receipt, receipt.account, state, reason));
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

  /**
   * Makes the jobs that nobody registered: those that callbacks and listings speak of, and failed parts of batches. Then
   * locks all in key order, the parts of batches as far as they are tracked included, and reads their parts.
   */
  private async lock(client: pg.ClientBase, addressed: Addressed[], parts: ListedPart[]) {
    const keys = uniqueKeys(addressed);
    if (keys.size === 0)
      return { tracked: new Map<string, Tracked>(), partRows: new Map<string, JobRow>(), made: new Set<string>() };
    const unregistered = [
      ...parts.filter(({ failed }) => failed).map(({ jobKey }) => this.newJob(jobKey, 'poll', POLL_LANES.known)),
      ...addressed
        .filter(({ observation }) => observation.kind === 'claim')
        .map(({ jobKey, observation: { via } }) =>
          this.newJob(jobKey, via, via === 'list' ? POLL_LANES.found : POLL_LANES.unproven),
        ),
    ];
    // Of two reasons to make a job the first counts: a batch's answer is better proof than a callback.
    const made = await statements.makeJobs(client, [
      ...new Map(unregistered.reverse().map((job) => [statements.keyOf(job), job])).values(),
    ]);
    const listed = parts.map(({ jobKey }): [string, statements.JobKey] => [statements.keyOf(jobKey), jobKey]);
    const rows = await statements.lockJobs(client, [...new Map([...keys, ...listed]).values()]);
    const byKey = new Map(rows.map((row) => [statements.keyOf({ ...row, vendorJobId: row.vendor_job_id }), row]));
    const spokenOf = [...byKey].filter(([key]) => keys.has(key));
    const subjobs = byJobId(
      await statements.readSubjobs(
        client,
        spokenOf.map(([, row]) => row.id),
      ),
    );
    const tracked = new Map(spokenOf.map(([key, row]) => [key, trackedOf(row, subjobs.get(row.id) ?? [])]));
    return { tracked, partRows: byKey, made };
  }

  private newJob(jobKey: statements.JobKey, via: Via, lane: PollLane): statements.NewJob {
    const isPart = via === 'poll';
    return {
      ...jobKey,
      id: uuidv7(),
      via,
      callbackExpected: !isPart && (apiNamed(jobKey.api)?.callbackExpected ?? false),
      registered: false,
      labels: {},
      due: this.settings.canAsk(jobKey.account),
      lane,
      ref: refHash(jobKey.vendorJobId),
      basis: {},
    };
  }

  /** Which jobs turn out to be parts of a batch, and which of them to look at now that they have ended. */
  private adoptions(known: {
    tracked: ReadonlyMap<string, Tracked>;
    batches: ReadonlyMap<string, { id: string }>;
    parts: ListedPart[];
    partRows: ReadonlyMap<string, JobRow>;
    made: ReadonlySet<string>;
  }) {
    const adopted = new Map<string, { id: string; parent_job_id: string; due: boolean }>();
    for (const [key, { id: parent }] of known.batches) {
      const row = known.tracked.get(key)?.row;
      if (row?.parent_job_id === null) adopted.set(key, { id: row.id, parent_job_id: parent, due: false });
    }
    for (const { batchKey, jobKey, path } of known.parts) {
      const batch = known.tracked.get(batchKey);
      const row = known.partRows.get(statements.keyOf(jobKey));
      if (!batch || !row) continue;
      const ended = hasEnded(path, batch.before, batch.after) && !known.made.has(row.id);
      const due = ended && this.settings.canAsk(row.account);
      if (row.parent_job_id === null || due) {
        adopted.set(statements.keyOf(jobKey), { id: row.id, parent_job_id: batch.row.id, due });
      }
    }
    return [...adopted.values()];
  }

  /** One flight: no statement needs the answer of another, so Postgres works on the first while the last is still made. */
  private async write(client: pg.ClientBase, tracked: Tracked[], now: Date): Promise<void> {
    const refs = tracked.flatMap(newRefs);
    const files = tracked.map(changedFiles);
    const all = <Row>(read: (files: ChangedFiles) => Row[]): Row[] => files.flatMap(read);
    await Promise.all([
      statements.updateJobs(
        client,
        tracked.map((job) => this.jobWrite(job, now)),
      ),
      statements.writeSubjobs(client, tracked.flatMap(subjobWrites)),
      statements.deleteOutputs(
        client,
        all(({ withdrawn }) => withdrawn),
      ),
      statements.writeOutputs(
        client,
        all(({ outputs }) => outputs),
      ),
      statements.deleteStreams(
        client,
        all(({ withdrawn, replaced }) => [...withdrawn, ...replaced]),
      ),
      statements.writeStreams(
        client,
        all(({ streams }) => streams),
      ),
      statements.writeRefs(client, refs),
      statements.writeEvents(
        client,
        tracked.flatMap((job) => eventWrites(job, now)),
      ),
      statements.writeNews(client, tracked.flatMap(newsOf), now),
      statements.writeJobReceipts(client, tracked.flatMap(receiptsOf)),
    ]);
  }

  private jobWrite(job: Tracked, now: Date): statements.JobWrite {
    const { row, before, after, observations } = job;
    const columns = jobColumns(after);
    const labels = labelsOf(this.settings, row, after);
    const final = isFinal(after.status);
    const changed = job.events.length > 0 || !sameColumns(jobColumns(before), columns);
    const callbackExpected = isCallbackExpected(this.settings, row, after);
    const nextPollAt = this.nextLook({ job, callbackExpected, now });
    const answered = observations.some((observation) => observation.kind === 'evidence');
    return Object.assign(columns, {
      id: row.id,
      labels,
      document_receipt_id: after.document?.receiptId ?? row.document_receipt_id,
      notes: after.document ? after.document.notes.slice(0, NOTES_KEPT) : null,
      callback_expected: callbackExpected,
      updated_at: (changed ? now : row.updated_at).toISOString(),
      terminal_at: final ? (row.terminal_at ?? now).toISOString() : null,
      next_poll_at: nextPollAt?.toISOString() ?? null,
      poll_interval_ms: intervalMs(row, nextPollAt, now),
      poll_failures: answered ? 0 : row.poll_failures,
      poll_lane: laneOf(job),
      history_sequence: row.history_sequence + job.events.length,
    });
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
    if (row.closed_at !== null || !this.settings.canAsk(row.account)) return null;
    if (isFinal(after.status) && after.confirmed) return null;
    const newest = (kind: Observation['kind']) =>
      Math.max(0, ...observations.filter((observation) => observation.kind === kind).map(({ number }) => number));
    const answered = Math.max(newest('evidence'), after.basis.evidence?.number ?? 0);
    if (newest('claim') > answered) return now;
    if (newest('evidence') === 0) return row.next_poll_at ?? now;
    // The answers about its batch tell when a part has ended.
    if (row.parent_job_id !== null && !row.registered && isEvidenceBased(after)) return null;
    const isUnproven = laneOf(job) === POLL_LANES.unproven;
    const inMs = isUnproven
      ? unknownIntervalMs(now.getTime() - row.created_at.getTime())
      : this.schedules.nextLookMs({ ...after, account: row.account, api: row.api, callbackExpected }, now);
    return new Date(now.getTime() + inMs);
  }
}

/** A confirmed end needs no more words; a job that was lost may be found again. */
function hasEndedForGood({ status, confirmed }: JobState): boolean {
  return isFinal(status) && status !== 'lost' && confirmed;
}

/** How long the next look is put off from now; null: it is to be made at once. */
function intervalMs(row: JobRow, nextPollAt: Date | null, now: Date): number | null {
  if (nextPollAt?.getTime() === row.next_poll_at?.getTime()) return row.poll_interval_ms;
  return nextPollAt && nextPollAt > now ? nextPollAt.getTime() - now.getTime() : null;
}

class TooMuch extends Error {}

function bytesOf(receipts: PendingReceipt[]): number {
  return receipts.reduce((bytes, { body }) => bytes + (body?.length ?? 0), 0);
}

function uniqueKeys(addressed: Addressed[]): Map<string, statements.JobKey> {
  return new Map(addressed.map(({ key, jobKey }) => [key, jobKey]));
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
