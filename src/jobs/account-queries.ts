import { Injectable } from '@nestjs/common';
import { PrismaService } from '../database/prisma.service.js';
import type { Budget as BudgetRow, Discovery as DiscoveryRow } from '../generated/prisma/client.js';
import { Metrics } from '../metrics/metrics.js';
import { CurrentSettings } from '../settings/current-settings.js';
import { callbackUrl, type Account as AccountSettings } from '../settings/settings.js';
import { apisOf } from '../vendors/registry.js';
import type { Account, Discovery } from './account-schemas.js';

/** The accounts of the configuration, and how polling and callbacks fare. Tokens are masked on the way out. */
@Injectable()
export class AccountQueries {
  constructor(
    private readonly prisma: PrismaService,
    private readonly settings: CurrentSettings,
    private readonly metrics: Metrics,
  ) {}

  async list(): Promise<{ data: Account[]; nextCursor: null }> {
    const [budgets, discoveries, refused] = await Promise.all([
      this.prisma.budget.findMany(),
      this.prisma.discovery.findMany(),
      this.metrics.callbacksRefused.get(),
    ]);
    const { accounts, publicUrl } = this.settings.value;
    const data = accounts.map((account): Account => {
      const counts = refused.values.filter(({ labels }) => labels.account === account.name);
      return {
        name: account.name,
        vendor: account.vendor,
        region: account.region,
        claimOnly: account.credentials === null,
        callbackUrls: (account.callback?.tokens ?? []).map((token) =>
          callbackUrl(publicUrl ?? '', account.name, token),
        ),
        budgets: account.credentials === null ? [] : budgetsOf(account, budgets),
        discovery: account.discover && discoveriesOf(account, discoveries),
        refusedCallbacks: Object.fromEntries(counts.map(({ labels, value }) => [String(labels.reason), value])),
      };
    });
    return { data, nextCursor: null };
  }
}

function budgetsOf(account: AccountSettings, rows: readonly BudgetRow[]): Account['budgets'] {
  return apisOf(account.vendor).map((api) => {
    const row = rows.find((budget) => budget.account === account.name && budget.api === api.name);
    return {
      api: api.name,
      requestsPerSecond: account.requestsPerSecond,
      currentRate: row?.rate ?? account.requestsPerSecond,
      throttledAt: row?.throttledAt?.toISOString() ?? null,
      paused: row?.pausedAt
        ? {
            at: row.pausedAt.toISOString(),
            code: row.pauseCode,
            reason: row.pauseReason,
            scope: row.pauseScope as 'account' | 'api' | null,
          }
        : null,
      clockSkewMs: row?.clockSkewMs ?? null,
    };
  });
}

function discoveriesOf(account: AccountSettings, rows: readonly DiscoveryRow[]): Discovery[] {
  return apisOf(account.vendor)
    .filter((api) => api.listing)
    .map(({ name }) => {
      const row = rows.find(({ account: owner, api }) => owner === account.name && api === name);
      const state = stateOf(row);
      return {
        api: name,
        state,
        from: row?.windowFrom?.toISOString() ?? null,
        to: row?.windowTo?.toISOString() ?? null,
        pages: row?.pages ?? 0,
        listed: row?.listed ?? 0,
        found: row?.found ?? 0,
        startedAt: row?.startedAt?.toISOString() ?? null,
        finishedAt: row?.finishedAt?.toISOString() ?? null,
        nextAt: row && state !== 'running' ? row.nextAt.toISOString() : null,
        error: row?.errorCode == null ? null : { code: row.errorCode, message: row.errorMessage },
      };
    });
}

function stateOf(row: DiscoveryRow | undefined): Discovery['state'] {
  if (row?.errorCode != null) return 'failed';
  return row?.startedAt && !row.finishedAt ? 'running' : 'waiting';
}
