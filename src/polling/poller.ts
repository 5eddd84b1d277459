import { Inject, Injectable, Logger } from '@nestjs/common';
import type { Worker } from 'bullmq';
import { retryDelayMs } from '../domain/poll-schedule.js';
import { SqlPool } from '../database/sql-pool.js';
import { Metrics } from '../metrics/metrics.js';
import { QUEUE_STORE, type QueueStore } from '../queue/queue-store.js';
import { pollQueue, PollPayload, TICK_EVERY_MS, TICK_QUEUE } from '../queue/queues.js';
import { CurrentSettings } from '../settings/current-settings.js';
import type { Account } from '../settings/settings.js';
import { postpone } from '../tracking/postpone.js';
import { Receipts } from '../tracking/receipts.js';
import { apiNamed, apisOf } from '../vendors/registry.js';
import type { VendorApi } from '../vendors/vendor-api.js';
import { VendorError } from '../vendors/vendor-error.js';
import { Budgets, type Budget } from './budgets.js';
import { DueJobs } from './due-jobs.js';
import { VendorClients } from './vendor-clients.js';

/** Calls under way at the same time for one account. */
const CONCURRENCY = 8;

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
    private readonly receipts: Receipts,
    private readonly metrics: Metrics,
  ) {}

  /** Begins to work: the beat, and one queue per account that can be asked. */
  async start(): Promise<void> {
    const accounts = this.settings.value.accounts.filter((account) => account.credentials);
    await this.budgets.ensure(
      accounts.flatMap((account) => apisOf(account.vendor).map((api) => budgetOf(account, api))),
    );
    for (const account of accounts) this.workOn(account);
    this.queues.work(TICK_QUEUE, () => this.tick(), { concurrency: 1 });
    await this.keepBeat();
  }

  /** Safe to repeat: the beat lives in the queue store, which may be wiped at any moment. */
  async keepBeat(): Promise<void> {
    await this.queues
      .queue(TICK_QUEUE)
      .upsertJobScheduler(
        'beat',
        { every: TICK_EVERY_MS },
        { name: 'tick', opts: { removeOnComplete: true, removeOnFail: true } },
      );
  }

  /** Claims what is due, account by account and API by API, and hands every call to the account's queue. */
  async tick(): Promise<void> {
    for (const account of this.settings.value.accounts) {
      if (!account.credentials) continue;
      for (const api of apisOf(account.vendor)) await this.claimDue(account, api);
    }
  }

  private async claimDue(account: Account, api: VendorApi): Promise<void> {
    const calls = await this.dueJobs.claim(budgetOf(account, api), api.idsPerCall);
    if (calls.length === 0) return;
    this.metrics.pollClaims.inc({ account: account.name, api: api.name }, calls.length);
    await this.queues.queue(pollQueue(account.name)).addBulk(
      calls.map((jobs) => ({
        name: 'look',
        data: { api: api.name, jobs } satisfies PollPayload,
        opts: { removeOnComplete: true, removeOnFail: true },
      })),
    );
  }

  private workOn({ name, vendor, requestsPerSecond }: Account): void {
    if (this.workers.has(name)) return;
    // The second guard, should a backlog in the queue come due at once; the first is the budget.
    const limiter = { max: Math.max(1, Math.ceil(requestsPerSecond * apisOf(vendor).length)), duration: 1000 };
    const work = (data: unknown) => this.look(name, PollPayload.parse(data));
    this.workers.set(
      name,
      this.queues.work(pollQueue(name), ({ data }) => work(data), { concurrency: CONCURRENCY, limiter }),
    );
  }

  /** One call to a vendor. What comes back is stored as a receipt; what does not come back is no fault of the jobs. */
  async look(accountName: string, { api: apiName, jobs }: PollPayload): Promise<void> {
    const api = apiNamed(apiName);
    const account = this.settings.account(accountName);
    const client = this.clients.of(accountName);
    if (!api || !account || !client) return;
    const asked = jobs.map((job) => job.vendorJobId);
    const evidence = await this.drawNumber();
    const stop = this.metrics.vendorCallDuration.startTimer({ account: accountName, api: apiName });
    try {
      const { httpStatus, body } = await client.call(api.query(asked));
      stop();
      this.metrics.vendorCalls.inc({ account: accountName, api: apiName, result: 'ok' });
      await this.receipts.storeAnswer({
        account: accountName,
        api: apiName,
        asked,
        via: 'poll',
        httpStatus,
        body,
        evidence,
      });
      if (await this.budgets.resume(accountName, apiName))
        this.logger.log(`${accountName} ${apiName}: calls work again`);
    } catch (error) {
      stop();
      if (!(error instanceof VendorError)) throw error;
      this.metrics.vendorCalls.inc({ account: accountName, api: apiName, result: error.kind });
      await this.failed(
        account,
        api,
        error,
        jobs.map((job) => job.id),
      );
    }
  }

  /** Before the request is sent: what a callback says afterwards is newer than the answer. */
  private async drawNumber(): Promise<{ number: number; askedAt: Date }> {
    const { rows } = await this.sql.query<{ number: string; asked_at: Date }>({
      name: 'draw-number',
      text: `SELECT nextval('observation_number') AS number, clock_timestamp() AS asked_at`,
    });
    const [row] = rows;
    if (!row) throw new Error('Postgres drew no number');
    return { number: Number(row.number), askedAt: row.asked_at };
  }

  private async failed(account: Account, api: VendorApi, error: VendorError, jobIds: string[]): Promise<void> {
    const reason = this.settings.redact(error.message).slice(0, 300);
    const problem = { code: error.code, reason };
    const where = `${account.name} ${api.operation}`;
    switch (error.kind) {
      case 'throttled':
        await this.budgets.throttled(account.name, api.name, account.requestsPerSecond);
        this.logger.warn(`${where}: throttled (${error.code}), slowing down`);
        break;
      case 'credentials':
      case 'clock': {
        const clockSkewMs = error.kind === 'clock' ? await this.clients.of(account.name)?.clockSkewMs() : null;
        const fresh = await this.budgets.pause('account', account.name, api.name, { ...problem, clockSkewMs });
        if (fresh)
          this.logger.error(`${where}: ${error.code}: ${reason}; the account is paused, tried again once a minute`);
        break;
      }
      case 'forbidden':
        if (await this.budgets.pause('api', account.name, api.name, problem)) {
          this.logger.error(`${where}: ${error.code}: ${reason}; this API is paused, tried again once a minute`);
        }
        break;
      case 'refused':
      case 'transient':
        this.logger.debug(`${where}: ${error.code}: ${reason}`);
    }
    await this.lookAgainLater(jobIds, error);
  }

  /** The jobs are due again after a while; whatever paused the account, they come with the probes and then in their turn. */
  private async lookAgainLater(jobIds: string[], error: VendorError): Promise<void> {
    const paused = error.kind === 'credentials' || error.kind === 'forbidden' || error.kind === 'clock';
    await postpone(this.sql, jobIds, (failures) =>
      paused ? 1000 : Math.max(retryDelayMs(failures), error.retryAfterMs ?? 0),
    );
  }
}

function budgetOf(account: Account, api: VendorApi): Budget {
  return { account: account.name, api: api.name, limit: account.requestsPerSecond };
}
