import { Inject, Injectable, Logger } from '@nestjs/common';
import type { Worker } from 'bullmq';
import { setTimeout as sleep } from 'node:timers/promises';
import { SqlPool } from '../database/sql-pool.js';
import { INTERVALS, type Intervals } from '../loops/intervals.js';
import { Metrics } from '../metrics/metrics.js';
import { QUEUE_STORE, type QueueStore } from '../queue/queue-store.js';
import { pollQueue, PollPayload, TICK_QUEUE } from '../queue/queues.js';
import { CurrentSettings } from '../settings/current-settings.js';
import type { Account } from '../settings/settings.js';
import { Receipts } from '../tracking/receipts.js';
import { apiNamed, apisOf } from '../vendors/registry.js';
import type { VendorApi } from '../vendors/vendor-api.js';
import { VendorError } from '../vendors/vendor-error.js';
import { Budgets, type Budget } from './budgets.js';
import { DueJobs, type ClaimedCall } from './due-jobs.js';
import { Setbacks } from './setbacks.js';
import { watchUnwatched } from './unwatched-jobs.js';
import { VendorClients } from './vendor-clients.js';

/** Calls under way at the same time for one account, in one process. */
const CONCURRENCY = 8;
/** A tick waits for the last of its calls to leave, while the next one begins. */
const TICKS_AT_ONCE = 2;
/** Calls whose times are closer together than this leave together. */
const DEPARTURE_EVERY_MS = 25;
/**
 * Before the request is sent: what a callback says afterwards is newer than the answer. A call that is too late is not made.
 * What piles up in the queue behind slow answers would otherwise go out in a heap, and so exceed the budget that it was taken
 * from. Its token is gone: given back, it would be spent beside those that came meanwhile.
 */
const DRAW = `
SELECT nextval('observation_number') AS number, clock_timestamp() AS asked_at,
       clock_timestamp() <= $3::timestamptz + make_interval(secs => $4::float8 / 1000) AND paused_at IS NULL AS "inTime"
FROM budgets WHERE account = $1 AND api = $2`;

/** Door two: the beat that finds due jobs, and the calls that ask the vendors about them. */
@Injectable()
export class Poller {
  private readonly logger = new Logger(Poller.name);
  private readonly workers = new Map<string, Worker>();

  constructor(
    private readonly sql: SqlPool,
    private readonly settings: CurrentSettings,
    @Inject(QUEUE_STORE) private readonly queues: QueueStore,
    private readonly budgets: Budgets,
    private readonly dueJobs: DueJobs,
    private readonly clients: VendorClients,
    private readonly setbacks: Setbacks,
    private readonly receipts: Receipts,
    private readonly metrics: Metrics,
    @Inject(INTERVALS) private readonly intervals: Intervals,
  ) {}

  /** Begins to work: the beat, and one queue per account that can be asked. */
  async start(): Promise<void> {
    await this.reload();
    this.queues.work(TICK_QUEUE, () => this.tick(), { concurrency: TICKS_AT_ONCE });
    await this.keepBeat();
  }

  /**
   * Brings budgets and queues into line with the settings in force, has what is paused tried at once, and begins to watch
   * what nobody could ask about before. Safe to repeat; two at once must not be.
   */
  async reload(): Promise<void> {
    const accounts = this.settings.value.accounts.filter((account) => account.credentials);
    await this.budgets.ensure(
      accounts.flatMap((account) => apisOf(account.vendor).map((api) => budgetOf(account, api))),
    );
    for (const account of accounts) this.workOn(account);
    for (const [name, worker] of this.workers) {
      if (!this.settings.canAsk(name)) this.stopWorkingOn(name, worker);
    }
    await this.budgets.probeNow(accounts.map(({ name }) => name));
    await this.sql.transaction((client) => watchUnwatched(client, accounts, this.intervals.unwatchedJobs));
  }

  /** Safe to repeat: the beat lives in the queue store, which may be wiped at any moment. */
  async keepBeat(): Promise<void> {
    await this.queues
      .queue(TICK_QUEUE)
      .upsertJobScheduler(
        'beat',
        { every: this.intervals.pollTick },
        { name: 'tick', opts: { removeOnComplete: true, removeOnFail: true } },
      );
  }

  /** Claims what is due and hands every call to its account's queue in time. */
  async tick(): Promise<void> {
    const accounts = this.settings.value.accounts.filter(({ credentials }) => credentials);
    await Promise.all(accounts.map((account) => this.serve(account)));
  }

  private async serve(account: Account): Promise<void> {
    if (await this.isBehind(account)) return;
    const departing: Promise<void>[] = [];
    for (const api of apisOf(account.vendor)) {
      const calls = await this.dueJobs.claim(account.name, api.name, api.idsPerCall);
      departing.push(...this.depart(account, api, calls));
    }
    await Promise.all(departing);
  }

  /** Calls behind those that wait already would be too late when their turn comes. */
  private async isBehind(account: Account): Promise<boolean> {
    return (await this.queues.queue(pollQueue(account.name)).getWaitingCount()) >= CONCURRENCY;
  }

  private depart(account: Account, api: VendorApi, calls: ClaimedCall[]): Promise<void>[] {
    const departures = new Map<number, ClaimedCall[]>();
    for (const call of calls) {
      const inMs = Math.ceil(call.inMs / DEPARTURE_EVERY_MS) * DEPARTURE_EVERY_MS;
      departures.set(inMs, [...(departures.get(inMs) ?? []), call]);
    }
    this.metrics.pollClaims.inc({ account: account.name, api: api.name }, calls.length);
    return [...departures].map(async ([inMs, together]) => {
      await sleep(inMs);
      await this.handOver(account, api, together);
    });
  }

  private async handOver(account: Account, api: VendorApi, calls: ClaimedCall[]): Promise<void> {
    const looks = calls.map(({ jobs, departsAt }) => ({
      name: 'look',
      data: { api: api.name, departsAt: departsAt.toISOString(), jobs } satisfies PollPayload,
      opts: { removeOnComplete: true, removeOnFail: true },
    }));
    try {
      await this.queues.queue(pollQueue(account.name)).addBulk(looks);
    } catch (error) {
      // Their lease brings them back.
      this.logger.warn(`${account.name}: ${calls.length} calls were not handed over: ${String(error)}`);
    }
  }

  private workOn({ name }: Account): void {
    if (this.workers.has(name)) return;
    const work = (data: unknown) => this.look(name, PollPayload.parse(data));
    this.workers.set(
      name,
      this.queues.work(pollQueue(name), ({ data }) => work(data), { concurrency: CONCURRENCY }),
    );
  }

  /** Without waiting for the calls in hand: closing the queue store does. */
  private stopWorkingOn(name: string, worker: Worker): void {
    this.workers.delete(name);
    const retired = this.queues.retire(worker);
    retired.catch((error: unknown) => this.logger.warn(`${name}: its worker was not closed: ${String(error)}`));
  }

  /** One call to a vendor. What comes back is stored as a receipt; what does not come back is no fault of the jobs. */
  async look(accountName: string, { api: apiName, departsAt, jobs }: PollPayload): Promise<void> {
    const api = apiNamed(apiName);
    const client = this.clients.of(accountName);
    if (!api || !client) return;
    const evidence = await this.drawNumber(accountName, apiName, departsAt);
    if (!evidence) return this.dueJobs.giveBack(jobs);

    const asked = jobs.map((job) => job.vendorJobId);
    const labels = { account: accountName, api: apiName };
    const stop = this.metrics.vendorCallDuration.startTimer(labels);
    try {
      const { httpStatus, body } = await client.call(api.query(asked)).finally(stop);
      this.metrics.vendorCalls.inc({ ...labels, result: 'ok' });
      await this.receipts.storeAnswer({ ...labels, asked, via: 'poll', httpStatus, body, evidence });
      if (api.idsPerCall > 1) await this.dueJobs.restrict(jobs, null);
      if (await this.budgets.resume(accountName, apiName))
        this.logger.log(`${accountName} ${apiName}: calls work again`);
    } catch (error) {
      if (!(error instanceof VendorError)) throw error;
      this.metrics.vendorCalls.inc({ ...labels, result: error.kind });
      // Of what was called as somebody the account is no longer, nothing follows for the account.
      if (this.clients.of(accountName) === client)
        await this.setbacks.slowDown(accountName, api, error, evidence.askedAt);
      await this.setbacks.lookAgain(jobs, error, api);
    }
  }

  /** The number that the answer will have as evidence. null: it is too late for the call, or not the time for any. */
  private async drawNumber(
    account: string,
    api: string,
    departsAt: string,
  ): Promise<{ number: number; askedAt: Date } | null> {
    const { rows } = await this.sql.query<{ number: string; asked_at: Date; inTime: boolean }>({
      name: 'draw-number-in-time',
      text: DRAW,
      values: [account, api, departsAt, this.intervals.callLateness],
    });
    const [row] = rows;
    return row?.inTime ? { number: Number(row.number), askedAt: row.asked_at } : null;
  }
}

function budgetOf(account: Account, api: VendorApi): Budget {
  return { account: account.name, api: api.name, limit: account.requestsPerSecond };
}
