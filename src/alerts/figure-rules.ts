import { Injectable, Logger } from '@nestjs/common';
import { SqlPool } from '../database/sql-pool.js';
import { Metrics } from '../metrics/metrics.js';
import type { Rule } from '../settings/alert-settings.js';
import { CurrentSettings } from '../settings/current-settings.js';
import { VENDOR_APIS } from '../vendors/registry.js';
import { storeChanged } from './alerts.js';
import * as rows from './alert-rows.js';
import type { AlertRow } from './alert-rows.js';
import { endAll } from './dispatcher.js';
import * as queries from './figure-queries.js';
import * as figures from './figures.js';
import { held } from './grouping.js';
import { fingerprintOf } from './normalize-error.js';
import { receiversOf } from './receivers-of.js';
import { isEventRule } from './rules.js';
import { Silences } from './silences.js';

/** What each figure rule says now. */
export type Evaluation = { rule: Rule; signals: figures.FigureSignal[] };

/** From figures to alerts: the rules that go by a schedule, since no single event tells. */
@Injectable()
export class FigureRules {
  private readonly logger = new Logger(FigureRules.name);

  constructor(
    private readonly sql: SqlPool,
    private readonly settings: CurrentSettings,
    private readonly silences: Silences,
    private readonly metrics: Metrics,
  ) {}

  /** One round over all figure rules: opens, keeps and ends their alerts. A rule that fails keeps its alerts as they are. */
  async round(): Promise<void> {
    const evaluations = await this.evaluateAll();
    if (evaluations.length > 0) await this.act(evaluations);
  }

  async evaluateAll(): Promise<Evaluation[]> {
    const evaluations: Evaluation[] = [];
    for (const rule of this.settings.value.alerts.rules) {
      if (isEventRule(rule)) continue;
      const stop = this.metrics.alertEvaluationDuration.startTimer({ rule: rule.name });
      try {
        evaluations.push({ rule, signals: await this.evaluate(rule) });
      } catch (error) {
        this.metrics.alertEvaluationFailures.inc({ rule: rule.name });
        this.logger.warn(`rule ${rule.name} could not be evaluated: ${this.settings.redact(String(error))}`);
      } finally {
        stop();
      }
    }
    return evaluations;
  }

  private async evaluate(rule: Rule): Promise<figures.FigureSignal[]> {
    switch (rule.on) {
      case 'failure-share':
        return figures.failureShares(rule, await queries.readEnded(this.sql, rule.window, rule.filter));
      case 'job-late':
        return figures.lateJobs(await this.lateJobs(rule));
      case 'callback-loss':
        return figures.callbackLosses(rule, await queries.readCallbackCounts(this.sql, rule.window));
      case 'account-paused':
        return figures.pauses(
          rule,
          (await queries.readPaused(this.sql)).filter(({ account }) => this.settings.canAsk(account)),
        );
      case 'receipts-waiting':
        return figures.waitingReceipts(rule, await queries.readWaiting(this.sql));
      default:
        return [];
    }
  }

  private async lateJobs({ limit, factor, filter }: Extract<Rule, { on: 'job-late' }>): Promise<figures.LateJob[]> {
    const accounts = this.settings.value.accounts
      .map(({ name }) => name)
      .filter((name) => filter?.account?.includes(name) ?? true);
    const apis = VENDOR_APIS.map(({ name }) => name).filter((name) => filter?.api?.includes(name) ?? true);
    const kinds = (await queries.readOpenKinds(this.sql, accounts, apis)).filter(
      ({ status }) => filter?.status?.includes(status) ?? true,
    );
    if (kinds.length === 0) return [];
    const profiles = limit === undefined ? await queries.readDurationProfiles(this.sql, apis) : [];
    const byKey = new Map(profiles.map((profile) => [profileKey(profile), profile]));
    const limitOf = (of: { account: string; api: string; recipe: string }): number | null => {
      if (limit !== undefined) return limit;
      const broadestFirst = [{ api: of.api, account: '', recipe: '' }, { ...of, recipe: '' }, of];
      const known = [...new Set(broadestFirst.map(profileKey))].flatMap((key) => byKey.get(key) ?? []);
      return figures.learnedLimitMs(known, factor);
    };
    const late: figures.LateJob[] = [];
    for (const kind of kinds) {
      // The shortest of its recipes: what is younger cannot be late.
      const limits = [
        limitOf({ ...kind, recipe: '' }),
        ...profiles.filter(({ account, api }) => account === kind.account && api === kind.api).map(limitOf),
      ].filter((ms) => ms !== null);
      if (limits.length === 0) continue;
      const open = await queries.readOpen(this.sql, { ...kind, olderThanMs: Math.min(...limits) }, filter);
      for (const job of open) {
        const limitMs = limitOf(job);
        const lateness = limitMs === null ? null : figures.latenessOf(job, limitMs, !this.settings.canAsk(job.account));
        if (limitMs !== null && lateness) late.push({ job, lateness, limitMs });
      }
    }
    return late;
  }

  private async act(evaluations: readonly Evaluation[]): Promise<void> {
    const { resolveAfterMs, receivers } = this.settings.value.alerts;
    await this.sql.transaction(async (client) => {
      const now = await rows.lockAlerts(client);
      const signals = evaluations.flatMap(({ rule, signals }) =>
        signals.map((signal) => ({ rule, signal, fingerprint: fingerprintOf({ ...signal, rule: rule.name }) })),
      );
      const known = new Map(
        (
          await rows.readByFingerprint(
            client,
            signals.map(({ fingerprint }) => fingerprint),
          )
        ).map((alert) => [alert.fingerprint, alert]),
      );
      const changed = signals.map(({ rule, signal, fingerprint }) => {
        const before = known.get(fingerprint) ?? null;
        return { rule, before, ...held(before, { fingerprint, rule, signal }, { resolveAfterMs, now }) };
      });
      await storeChanged(client, this.silences, changed, now);
      const news = changed.filter(
        ({ alert, before }) => alert.status !== 'pending' && alert.changedAt.getTime() !== before?.changedAt.getTime(),
      );
      const pairs = news.flatMap(({ alert, rule }) =>
        receiversOf(rule, receivers).map(({ name }) => ({ alertId: alert.id, receiver: name })),
      );
      await rows.thinkOf(client, pairs, now);

      const holding = new Set(signals.map(({ fingerprint }) => fingerprint));
      const evaluated = new Set(evaluations.map(({ rule }) => rule.name));
      const over = (await rows.readUnresolved(client)).filter(
        (alert: AlertRow) => evaluated.has(alert.rule) && !holding.has(alert.fingerprint),
      );
      await endAll(
        client,
        over.map((alert) => ({ alert, by: 'figure' as const })),
        now,
      );
    });
  }
}

function profileKey({ account, api, recipe }: { account: string; api: string; recipe: string }): string {
  return `${account}\n${api}\n${recipe}`;
}
