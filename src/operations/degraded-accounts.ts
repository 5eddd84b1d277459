import { Injectable } from '@nestjs/common';
import { PrismaService } from '../database/prisma.service.js';
import { ReadPool } from '../database/pools.js';
import { Metrics } from '../metrics/metrics.js';
import { overdueJobs } from '../polling/overdue-jobs.js';
import { CurrentSettings } from '../settings/current-settings.js';
import type { Degradation } from './health-schemas.js';

/** What a clock may be off before vendors refuse its signatures is 15 minutes; a person should hear earlier. */
const SKEW_SHOWN_MS = 60_000;
const LIST_WITHIN_MS = 2_000;

/** Accounts that do not get all they should: polling paused, looks overdue, a wrong clock, no lists of jobs, callbacks turned away. */
@Injectable()
export class DegradedAccounts {
  constructor(
    private readonly prisma: PrismaService,
    private readonly sql: ReadPool,
    private readonly metrics: Metrics,
    private readonly settings: CurrentSettings,
  ) {}

  /** Nothing when the rows that tell cannot be read within two seconds: readiness does not depend on them. */
  async listInTime(): Promise<Degradation[]> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<Degradation[]>((resolve) => (timer = setTimeout(() => resolve([]), LIST_WITHIN_MS)));
    return Promise.race([this.list().catch(() => []), late]).finally(() => clearTimeout(timer));
  }

  private async list(): Promise<Degradation[]> {
    const [budgets, overdue, discoveries, refused] = await Promise.all([
      this.prisma.budget.findMany({ orderBy: [{ account: 'asc' }, { api: 'asc' }] }),
      overdueJobs(this.sql),
      this.prisma.discovery.findMany({
        where: { errorCode: { not: null } },
        orderBy: [{ account: 'asc' }, { api: 'asc' }],
      }),
      this.metrics.callbacksRefused.get(),
    ]);
    // Rows and counts outlive the accounts that a reload or a start has removed.
    return [
      ...budgets
        .filter(({ account }) => this.settings.canAsk(account))
        .flatMap(({ account, api, pausedAt, pauseCode, pauseReason, clockSkewMs }): Degradation[] => [
          ...(pausedAt
            ? [
                {
                  account,
                  api,
                  kind: 'paused' as const,
                  detail: `${pauseCode ?? 'no code'}: ${pauseReason ?? 'no reason'}`,
                },
              ]
            : []),
          ...(clockSkewMs !== null && Math.abs(clockSkewMs) >= SKEW_SHOWN_MS
            ? [{ account, api, kind: 'clock_skew' as const, detail: `our clock is off by ${clockSkewMs} ms` }]
            : []),
        ]),
      ...overdue
        .filter(({ account, jobs }) => jobs > 0 && this.settings.canAsk(account))
        .map(({ account, api, jobs }): Degradation => ({
          account,
          api,
          kind: 'overdue',
          detail: `${jobs} jobs have waited for ten times as long as planned`,
        })),
      ...discoveries
        .filter(({ account }) => this.settings.account(account)?.discover != null)
        .map(({ account, api, errorCode, errorMessage }): Degradation => ({
          account,
          api,
          kind: 'discovery',
          detail: `jobs cannot be listed: ${[errorCode, errorMessage].filter(Boolean).join(': ')}`,
        })),
      ...refused.values
        .filter(({ labels, value }) => value > 0 && this.settings.account(String(labels.account)))
        .map(({ labels, value }): Degradation => ({
          account: String(labels.account),
          api: null,
          kind: 'refused_callbacks',
          detail: `${value} refused since the start: ${labels.reason}`,
        })),
    ];
  }
}
