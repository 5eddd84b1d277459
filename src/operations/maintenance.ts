import { Inject, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { Dispatcher } from '../alerts/dispatcher.js';
import { forgetAlerts } from '../alerts/forget-alerts.js';
import { FigureRules } from '../alerts/figure-rules.js';
import { exclusively } from '../database/exclusively.js';
import { dropPartitions, makePartitions } from '../database/partitions.js';
import { SqlPool } from '../database/sql-pool.js';
import { Deliverer } from '../delivery/deliverer.js';
import { Deliveries } from '../delivery/deliveries.js';
import { INTERVALS, type Intervals } from '../loops/intervals.js';
import { Loops } from '../loops/loops.js';
import { Budgets } from '../polling/budgets.js';
import { Poller } from '../polling/poller.js';
import { Probes } from '../polling/probes.js';
import { watchUnwatched } from '../polling/unwatched-jobs.js';
import { Wakeups } from '../queue/wakeups.js';
import { CurrentSettings } from '../settings/current-settings.js';
import { CallbackLoss } from '../tracking/callback-loss.js';
import { forgetDurations, learnDurations } from '../tracking/durations.js';
import { Schedules } from '../tracking/schedules.js';
import { countCallbacks, dropCallbackCounts } from './callback-count.js';
import { forgetInvented } from './invented-jobs.js';
import { ROLE, type Role } from './role.js';

/** A receipt that waits longer than this was forgotten by the queue. */
const FORGOTTEN = '1 second';
/** A queue store that does not answer must not keep the other replicas from trying theirs. */
const BEAT_PATIENCE_MS = 10_000;
/** Invented jobs or old deliveries forgotten in one transaction, and such transactions in one round. */
const FORGET_AT_ONCE = 500;
const FORGET_BATCHES = 40;
/** Ended jobs whose callbacks are counted in one transaction, and such transactions in one round. */
const COUNT_AT_ONCE = 500;
const COUNT_BATCHES = 40;

/** What keeps the house in order, whatever happens to the queue store. Each work is done by one process at a time. */
@Injectable()
export class Maintenance implements OnApplicationBootstrap {
  private readonly logger = new Logger(Maintenance.name);

  constructor(
    private readonly sql: SqlPool,
    private readonly wakeups: Wakeups,
    private readonly poller: Poller,
    private readonly budgets: Budgets,
    private readonly probes: Probes,
    private readonly deliverer: Deliverer,
    private readonly deliveries: Deliveries,
    private readonly settings: CurrentSettings,
    private readonly dispatcher: Dispatcher,
    private readonly figureRules: FigureRules,
    private readonly schedules: Schedules,
    private readonly callbackLoss: CallbackLoss,
    private readonly loops: Loops,
    @Inject(INTERVALS) private readonly intervals: Intervals,
    @Inject(ROLE) private readonly role: Role,
  ) {}

  onApplicationBootstrap(): void {
    this.loops.start('profileRefresh', () => this.schedules.refresh());
    this.loops.start('callbackLossRefresh', () => this.callbackLoss.refresh());
    if (this.role === 'api') return;
    this.loops.start('receiptSweep', () => this.sweepPendingReceipts());
    this.loops.start('deliverySweep', () => this.sweepDeliveries());
    this.loops.start('goneChannels', () => this.giveUpGoneChannels());
    this.loops.start('tickUpkeep', () => this.keepBeat());
    this.loops.start('budgetUpkeep', () => this.mendBudgets());
    this.loops.start('alertDispatch', () => this.dispatchAlerts());
    this.loops.start('figureRules', () => this.evaluateFigureRules());
    this.loops.start('unwatchedJobs', () => this.watchUnwatchedJobs());
    this.loops.start('durationLearning', () => this.learnDurations());
    this.loops.start('callbackCount', () => this.countCallbacks());
  }

  /** Wakes apply for receipts whose wake-up was lost. */
  async sweepPendingReceipts(): Promise<void> {
    await this.quietly('the sweep of pending receipts', async () => {
      const forgotten = await exclusively(this.sql, 'sweep', async (client) => {
        const { rows } = await client.query<{ forgotten: boolean }>({
          name: 'sweep-pending',
          text: `SELECT EXISTS (SELECT FROM pending_receipts WHERE received_at < now() - interval '${FORGOTTEN}') AS forgotten`,
        });
        return rows[0]?.forgotten;
      });
      if (forgotten) await this.wakeups.wakeForgotten();
    });
  }

  /** Messages whose time has come. Each process looks for itself: claims are exclusive, and the queue store may be away. */
  async sweepDeliveries(): Promise<void> {
    await this.quietly('the sweep of deliveries', () => this.deliverer.sweep());
  }

  async giveUpGoneChannels(): Promise<void> {
    await this.quietly('giving up on channels that are gone', () => this.deliverer.giveUpGone());
  }

  /** The beat lives in the queue store; should that have been wiped, it starts again. */
  async keepBeat(): Promise<void> {
    await this.quietly('the beat', async () => {
      await exclusively(this.sql, 'beat', () => within(BEAT_PATIENCE_MS, this.poller.keepBeat()));
    });
  }

  /** Throttled rates grow back, and what is paused is tried. */
  async mendBudgets(): Promise<void> {
    await this.quietly('the upkeep of budgets', async () => {
      await exclusively(this.sql, 'budgets', (client) => this.budgets.recover(client));
      await this.probes.probe();
    });
  }

  /** Alerts that are over, silences that have ended, receivers that are to be told. */
  async dispatchAlerts(): Promise<void> {
    await this.quietly('telling of alerts', () => this.dispatcher.round());
  }

  /** Rules that go by figures. */
  async evaluateFigureRules(): Promise<void> {
    await this.quietly('evaluating rules', async () => {
      await exclusively(this.sql, 'figure-rules', () => this.figureRules.round());
    });
  }

  /** Jobs of accounts that were claim-only and can be asked about now. */
  async watchUnwatchedJobs(): Promise<void> {
    await this.quietly('watching unwatched jobs', async () => {
      const accounts = this.settings.value.accounts.filter(({ credentials }) => credentials);
      const watched = await exclusively(this.sql, 'unwatched', (client) =>
        watchUnwatched(client, accounts, this.intervals.unwatchedJobs),
      );
      for (const { account, jobs } of watched ?? [])
        this.logger.debug(`${account}: ${jobs} jobs that callbacks alone told of are asked about from now on`);
    });
  }

  /** How long jobs take, for the schedule (docs/decisions/0015-duration-profiles.md). */
  async learnDurations(): Promise<void> {
    await this.quietly('learning durations', async () => {
      await exclusively(this.sql, 'durations', learnDurations);
    });
  }

  @Cron('27 3 * * *')
  async forgetDurations(): Promise<void> {
    if (this.role === 'api') return;
    await this.quietly('forgetting durations', async () => {
      await exclusively(this.sql, 'durations', forgetDurations);
    });
  }

  @Cron('7 */6 * * *')
  async makePartitionsAhead(): Promise<void> {
    await this.quietly('making partitions', async () => {
      await exclusively(this.sql, 'partitions', () => makePartitions(this.sql, new Date()));
    });
  }

  @Cron('17 * * * *')
  async dropExpired(): Promise<void> {
    if (this.role === 'api') return;
    await this.quietly('dropping what has expired', async () => {
      const { receiptBodiesMs, historyMs } = this.settings.value.retention;
      const now = Date.now();
      const before = { receipts: new Date(now - receiptBodiesMs), history: new Date(now - historyMs) };
      const dropped = await exclusively(this.sql, 'expiry', () => dropPartitions(this.sql, before));
      for (const name of dropped ?? []) this.logger.log(`dropped ${name}: older than the retention`);
      await exclusively(this.sql, 'callback-count', (client) => dropCallbackCounts(client, before.history));
      await exclusively(this.sql, 'alerts', (client) => forgetAlerts(client, before.history));
      await this.forgetDeliveries(before.receipts);
    });
  }

  /** Like the bodies of receipts: what was sent, not that it was. */
  private async forgetDeliveries(before: Date): Promise<void> {
    for (let batch = 0; batch < FORGET_BATCHES; batch++) {
      const some = await exclusively(this.sql, 'forget-deliveries', (client) =>
        this.deliveries.forget(client, before, FORGET_AT_ONCE),
      );
      if ((some ?? 0) < FORGET_AT_ONCE) break;
    }
  }

  /** Which callbacks came, about jobs whose end has settled. */
  async countCallbacks(): Promise<void> {
    await this.quietly('counting callbacks', async () => {
      for (let batch = 0; batch < COUNT_BATCHES; batch++) {
        const { accounts } = this.settings.value;
        const jobs = await exclusively(this.sql, 'callback-count', (client) =>
          countCallbacks(client, accounts, COUNT_AT_ONCE),
        );
        if ((jobs ?? 0) < COUNT_AT_ONCE) break;
      }
    });
  }

  @Cron('*/10 * * * *')
  async forgetInventedJobs(): Promise<void> {
    if (this.role === 'api') return;
    await this.quietly('forgetting invented jobs', async () => {
      let forgotten = 0;
      for (let batch = 0; batch < FORGET_BATCHES; batch++) {
        const some = await exclusively(this.sql, 'forget', (client) => forgetInvented(client, FORGET_AT_ONCE));
        forgotten += some ?? 0;
        if ((some ?? 0) < FORGET_AT_ONCE) break;
      }
      if (forgotten > 0) this.logger.log(`forgot ${forgotten} jobs that callbacks spoke of and the vendor never knew`);
    });
  }

  private async quietly(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.logger.warn(`${what} failed, the next round will do it: ${this.settings.redact(String(error))}`);
    }
  }
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end after ${ms / 1000} s`)), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
