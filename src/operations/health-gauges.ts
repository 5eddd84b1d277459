import { Inject, Injectable } from '@nestjs/common';

import { ReadPool } from '../database/pools.js';
import { INTERVALS, type Intervals } from '../loops/intervals.js';
import { kept } from '../metrics/kept.js';
import { Metrics, type GaugeReading } from '../metrics/metrics.js';
import { overdueJobs } from '../polling/overdue-jobs.js';
import { Channels } from '../delivery/channels.js';
import { CurrentSettings } from '../settings/current-settings.js';
import { readCallbackLoss } from '../tracking/callback-loss.js';

type Pending = { waiting: number; oldest: number };

/** Gauges that are read from rows when somebody scrapes, so that every replica tells the same. */
@Injectable()
export class HealthGauges {
  constructor(
    private readonly sql: ReadPool,
    private readonly settings: CurrentSettings,
    private readonly channels: Channels,
    metrics: Metrics,
    @Inject(INTERVALS) intervals: Intervals,
  ) {
    const shared = <T>(read: () => Promise<T>) => kept(intervals.gaugesKept, read);
    const one = async (value: Promise<number>) => [{ labels: {}, value: await value }];
    const pending = shared(() => this.pending());
    const deliveries = shared(() => this.deliveries());
    metrics.readOnScrape(metrics.pendingReceipts, () => one(pending().then(({ waiting }) => waiting)));
    metrics.readOnScrape(metrics.pendingReceiptsOldestAge, () => one(pending().then(({ oldest }) => oldest)));
    const outboxAge = shared(() => this.outboxAge());
    metrics.readOnScrape(metrics.outboxOldestAge, () => one(outboxAge()));
    metrics.readOnScrape(
      metrics.budgetPaused,
      shared(() => this.pausedBudgets()),
    );
    metrics.readOnScrape(
      metrics.jobsOverdue,
      shared(() => this.overdue()),
    );
    metrics.readOnScrape(
      metrics.alertsOpen,
      shared(() => this.openAlerts()),
    );
    metrics.readOnScrape(
      metrics.callbackLoss,
      shared(() => this.callbackLoss()),
    );
    metrics.readOnScrape(metrics.deliveriesWaiting, async () => this.byChannel(await deliveries(), 'waiting'));
    metrics.readOnScrape(metrics.deliveriesOldestAge, async () => this.byChannel(await deliveries(), 'oldest'));
  }

  private async pending(): Promise<Pending> {
    const { rows } = await this.sql.query<Pending>({
      text: `SELECT count(*)::int AS waiting, coalesce(extract(epoch FROM now() - min(received_at)), 0)::float8 AS oldest
             FROM pending_receipts`,
    });
    return rows[0] ?? { waiting: 0, oldest: 0 };
  }

  private async pausedBudgets() {
    const { rows } = await this.sql.query<{ account: string; api: string; paused: boolean }>({
      text: 'SELECT account, api, paused_at IS NOT NULL AS paused FROM budgets',
    });
    return rows
      .filter(({ account }) => this.settings.canAsk(account))
      .map(({ account, api, paused }) => ({ labels: { account, api }, value: paused ? 1 : 0 }));
  }

  private async overdue() {
    const overdue = await overdueJobs(this.sql);
    return overdue
      .filter(({ account }) => this.settings.canAsk(account))
      .map(({ account, api, jobs }) => ({ labels: { account, api }, value: jobs }));
  }

  private async outboxAge(): Promise<number> {
    const { rows } = await this.sql.query<{ age: number }>({
      text: `SELECT coalesce(extract(epoch FROM now() - (SELECT recorded_at FROM outbox ORDER BY id LIMIT 1)), 0)::float8 AS age`,
    });
    return rows[0]?.age ?? 0;
  }

  private async openAlerts() {
    const { rows } = await this.sql.query<{ rule: string; severity: string; status: string; alerts: number }>({
      text: `SELECT rule, severity, CASE WHEN silence_id IS NULL THEN status ELSE 'silenced' END AS status, count(*)::int AS alerts
             FROM alerts WHERE status IN ('open', 'acknowledged') GROUP BY 1, 2, 3`,
    });
    return rows.map(({ rule, severity, status, alerts }) => ({ labels: { rule, severity, status }, value: alerts }));
  }

  private async callbackLoss() {
    const losses = await readCallbackLoss(this.sql);
    return losses
      .filter(({ account }) => this.settings.canAsk(account))
      .map(({ account, api, loss }) => ({ labels: { account, api }, value: loss }));
  }

  private async deliveries(): Promise<(Pending & { channel: string })[]> {
    const { rows } = await this.sql.query<Pending & { channel: string }>({
      text: `SELECT channel, count(*)::int AS waiting, extract(epoch FROM now() - min(due_since))::float8 AS oldest
             FROM deliveries WHERE status = 'pending' GROUP BY channel`,
    });
    return rows;
  }

  /** Also of channels for which nothing waits: 0 is what says that all is well. */
  private byChannel(rows: (Pending & { channel: string })[], figure: keyof Pending): GaugeReading[] {
    const figures = new Map(this.channels.names().map((channel) => [channel, 0]));
    for (const row of rows) figures.set(row.channel, row[figure]);
    return [...figures].map(([channel, value]) => ({ labels: { channel }, value }));
  }
}
