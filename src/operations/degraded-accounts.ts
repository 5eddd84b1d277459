import { Injectable } from '@nestjs/common';
import { PrismaService } from '../database/prisma.service.js';
import { Metrics } from '../metrics/metrics.js';
import type { Degradation } from './health-schemas.js';

/** What a clock may be off before vendors refuse its signatures is 15 minutes; a person should hear earlier. */
const SKEW_SHOWN_MS = 60_000;

/** Accounts that do not get all they should: polling paused, a wrong clock, callbacks turned away. */
@Injectable()
export class DegradedAccounts {
  constructor(
    private readonly prisma: PrismaService,
    private readonly metrics: Metrics,
  ) {}

  async list(): Promise<Degradation[]> {
    const [budgets, refused] = await Promise.all([
      this.prisma.budget.findMany({ orderBy: [{ account: 'asc' }, { api: 'asc' }] }),
      this.metrics.callbacksRefused.get(),
    ]);
    return [
      ...budgets.flatMap(({ account, api, pausedAt, pauseCode, pauseReason, clockSkewMs }): Degradation[] => [
        ...(pausedAt
          ? [{ account, api, kind: 'paused' as const, detail: pauseReason ?? pauseCode ?? 'no reason was given' }]
          : []),
        ...(clockSkewMs !== null && Math.abs(clockSkewMs) >= SKEW_SHOWN_MS
          ? [{ account, api, kind: 'clock_skew' as const, detail: `our clock is off by ${clockSkewMs} ms` }]
          : []),
      ]),
      ...refused.values
        .filter(({ labels, value }) => value > 0 && labels.account !== 'unknown')
        .map(({ labels, value }): Degradation => ({
          account: String(labels.account),
          api: null,
          kind: 'refused_callbacks',
          detail: `${value} refused since the start: ${labels.reason}`,
        })),
    ];
  }
}
