import type pg from 'pg';
import type { SqlPool } from '../database/sql-pool.js';
import type { CurrentSettings } from '../settings/current-settings.js';
import { apiNamed } from '../vendors/registry.js';
import { interpret } from './interpret.js';
import { historyOf, jobWrite, replayJob, tellsOtherwise, type Reading, type Replayed } from './replay-job.js';
import * as reads from './replay-statements.js';
import type { Chunk, ReplayRow, ReplayScope } from './replay-statements.js';
import * as statements from './statements.js';
import { isTransient } from './transient.js';

/** Jobs that are named, of the changed and of those that could not be replayed. */
const NAMED = 10;

export type ChangedJob = { id: string; account: string; vendorJobId: string; differences: string[] };

/** What a replay of jobs came to. `changed` jobs were written, or would be in a dry run. */
export type ReplayResult = {
  jobs: number;
  unchanged: number;
  changed: number;
  /** Left alone: a receipt's body has expired. */
  expired: number;
  /** Left alone: their account or API is not configured, and how they read depends on it. */
  unconfigured: number;
  /** Left alone: replaying or writing them failed. */
  failed: number;
  receipts: number;
  examples: ChangedJob[];
  failures: { id: string; reason: string }[];
};

export const NOTHING_REPLAYED: ReplayResult = {
  jobs: 0,
  unchanged: 0,
  changed: 0,
  expired: 0,
  unconfigured: 0,
  failed: 0,
  receipts: 0,
  examples: [],
  failures: [],
};

export function addResults(a: ReplayResult, b: ReplayResult): ReplayResult {
  return {
    jobs: a.jobs + b.jobs,
    unchanged: a.unchanged + b.unchanged,
    changed: a.changed + b.changed,
    expired: a.expired + b.expired,
    unconfigured: a.unconfigured + b.unconfigured,
    failed: a.failed + b.failed,
    receipts: a.receipts + b.receipts,
    examples: [...a.examples, ...b.examples].slice(0, NAMED),
    failures: [...a.failures, ...b.failures].slice(0, NAMED),
  };
}

/** Whatever replays the jobs of one chunk after the other: in this process, or in another one. */
export interface ChunkReplay {
  replay(chunk: Chunk): Promise<ReplayResult>;
}

/**
 * Rebuilds what is known of jobs from what was received about them. Nothing here tells anybody of it: what changes was
 * learned long ago. Whatever hands events on to alerts and webhooks belongs into apply, and not into this.
 */
export class ChunkReplayer implements ChunkReplay {
  constructor(
    private readonly sql: SqlPool,
    private readonly settings: CurrentSettings,
    private readonly scope: ReplayScope,
    private readonly dryRun: boolean,
  ) {}

  /** Looks without a lock. What is as it must be costs nobody a wait; what is not is looked at again under its lock. */
  async replay(chunk: Chunk): Promise<ReplayResult> {
    const { replayed, failures, ...counts } = await this.sql.transaction(async (client) => {
      // All of it as of one moment, or a job would be compared with receipts that were applied since.
      await client.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
      return this.look(client, await reads.readChunk(client, this.scope, chunk));
    });
    const changed = replayed.filter(({ differences }) => differences.length > 0);
    const looked = {
      ...NOTHING_REPLAYED,
      ...counts,
      unchanged: replayed.length - changed.length,
      failed: failures.length,
      failures,
    };
    return addResults(looked, this.dryRun ? resultOf(changed) : await this.mend(idsOf(changed)));
  }

  /** What the given jobs must be. `receipts`: how many were read. */
  private async look(client: pg.ClientBase, rows: ReplayRow[]) {
    const known = rows.filter(({ account, api }) => this.settings.account(account) && apiNamed(api));
    const jobs = await reads.readBelongings(client, known);
    const receiptIds = new Set(jobs.flatMap(({ applications }) => applications.map((one) => one.receiptId)));
    const readings = new Map<string, Reading>();
    for (const receipt of await reads.readReceipts(client, [...receiptIds])) {
      readings.set(receipt.receiptId, { receipt, meanings: interpret(receipt) });
    }
    const whole = jobs.filter(({ applications }) => applications.every((one) => readings.has(one.receiptId)));
    const failures: ReplayResult['failures'] = [];
    const replayed = whole.flatMap((stored): Replayed[] => {
      try {
        return [replayJob(stored, readings, this.settings, this.historyKeptSince())];
      } catch (error) {
        failures.push({ id: stored.row.id, reason: this.reasonOf(error) });
        return [];
      }
    });
    const wanted = replayed.map(({ stored, refs }) => ({ jobId: stored.row.id, refs }));
    const missingRefs = await reads.missingRefs(client, wanted);
    const lacking = new Set(missingRefs.map((ref) => ref.job_id));
    for (const { stored, differences } of replayed) if (lacking.has(stored.row.id)) differences.push('refs');
    return {
      replayed,
      missingRefs,
      failures,
      jobs: rows.length,
      receipts: readings.size,
      expired: jobs.length - whole.length,
      unconfigured: rows.length - known.length,
    };
  }

  /** Locks, looks again and writes, in one transaction; what cannot be written is found by halving. */
  private async mend(ids: string[]): Promise<ReplayResult> {
    const [first] = ids;
    if (first === undefined) return NOTHING_REPLAYED;
    try {
      return await this.sql.transaction(async (client) => {
        const { replayed, missingRefs, failures } = await this.look(client, await reads.lockGiven(client, ids));
        const changed = replayed.filter(({ differences }) => differences.length > 0);
        await this.write(client, changed, missingRefs);
        // An applier may have been here meanwhile.
        const unchanged = ids.length - changed.length - failures.length;
        return { ...resultOf(changed), unchanged, failed: failures.length, failures };
      });
    } catch (error) {
      if (isTransient(error)) throw error;
      if (ids.length === 1) {
        return { ...NOTHING_REPLAYED, failed: 1, failures: [{ id: first, reason: this.reasonOf(error) }] };
      }
      const half = ids.length >> 1;
      return addResults(await this.mend(ids.slice(0, half)), await this.mend(ids.slice(half)));
    }
  }

  private async write(
    client: pg.ClientBase,
    changed: Replayed[],
    missingRefs: { ref: string; job_id: string }[],
  ): Promise<void> {
    if (changed.length === 0) return;
    const known = await reads.readHistory(client, idsOf(changed));
    const histories = new Map(changed.map((job) => [job, historyOf(job, known.get(job.stored.row.id) ?? [])]));
    const having = (name: string) => changed.filter(({ differences }) => differences.includes(name));
    const [subjobs, outputs, streams] = [having('subjobs'), having('outputs'), having('streams')];
    const told = changed.filter(
      (job) =>
        job.differences.includes('history') ||
        tellsOtherwise(known.get(job.stored.row.id) ?? [], histories.get(job) ?? []),
    );
    const staleSubjobs = staleRows(subjobs, (job) => [job.stored.subjobs, job.subjobs], ['path', 'parent_id', 'kind']);
    const staleOutputs = staleRows(outputs, (job) => [job.stored.outputs, job.outputs], ['slot', 'subjob_id']);
    // In one flight, as apply does: each in the order in which it is sent.
    await Promise.all([
      reads.deleteStreamsOf(client, idsOf(streams)),
      statements.deleteOutputs(client, staleOutputs),
      reads.deleteSubjobs(
        client,
        staleSubjobs.map(({ id }) => id),
      ),
      reads.deleteHistoryOf(client, idsOf(told)),
      statements.updateJobs(
        client,
        changed.map((job) => jobWrite(job, histories.get(job) ?? [], this.settings)),
      ),
      statements.writeSubjobs(
        client,
        subjobs.flatMap((job) => job.subjobs),
      ),
      statements.writeOutputs(
        client,
        outputs.flatMap((job) => job.outputs),
      ),
      statements.writeStreams(
        client,
        streams.flatMap((job) => job.streams),
      ),
      statements.writeRefs(client, missingRefs),
      statements.writeEvents(
        client,
        told.flatMap((job) => histories.get(job) ?? []),
      ),
    ]);
  }

  private reasonOf(error: unknown): string {
    return this.settings.redact(error instanceof Error ? error.message : String(error)).slice(0, 500);
  }

  /** The first moment of the oldest month of history that no upkeep has dropped or is about to drop. */
  private historyKeptSince(): Date {
    const oldest = new Date(Date.now() - this.settings.value.retention.historyMs);
    return new Date(Date.UTC(oldest.getUTCFullYear(), oldest.getUTCMonth() + 1));
  }
}

function resultOf(changed: Replayed[]): ReplayResult {
  const examples = changed.slice(0, NAMED).map(({ stored: { row }, differences }) => ({
    id: row.id,
    account: row.account,
    vendorJobId: row.vendor_job_id,
    // What the others rest on; named where nothing else is.
    differences: differences.length > 1 ? differences.filter((name) => name !== 'basis') : differences,
  }));
  return { ...NOTHING_REPLAYED, changed: changed.length, examples };
}

function idsOf(jobs: Replayed[]): string[] {
  return jobs.map(({ stored }) => stored.row.id);
}

/**
 * Stored rows that are not among those to be, or not in their places: writing a row that is there leaves `fixed` columns as
 * they are.
 */
function staleRows<Stored extends Record<string, unknown> & { id: string }, Fixed extends string>(
  jobs: Replayed[],
  rowsOf: (job: Replayed) => [stored: Stored[], expected: (Record<Fixed, unknown> & { id: string })[]],
  fixed: Fixed[],
): Stored[] {
  return jobs.flatMap((job) => {
    const [stored, expected] = rowsOf(job);
    const byId = new Map(expected.map((row) => [row.id, row]));
    return stored.filter((row) => {
      const there = byId.get(row.id);
      return there === undefined || fixed.some((column) => there[column] !== row[column]);
    });
  });
}
