import { Injectable } from '@nestjs/common';
import type pg from 'pg';
import type { JobNews } from '../domain/job-news.js';
import { CurrentSettings } from '../settings/current-settings.js';
import type { Rule } from '../settings/alert-settings.js';
import * as rows from './alert-rows.js';
import type { AlertRow } from './alert-rows.js';
import { groupsOf, grown, MOST_GROUPS, withinBounds, type Group } from './grouping.js';
import { readInputs } from './job-inputs.js';
import { receiversOf } from './receivers-of.js';
import { isEventRule, signalsOf, successIn } from './rules.js';
import { Silences } from './silences.js';

/** From what happens to jobs to alerts: the event rules. */
@Injectable()
export class Alerts {
  constructor(
    private readonly settings: CurrentSettings,
    private readonly silences: Silences,
  ) {}

  /** Takes in the news of some jobs, in the transaction that ends their waiting. */
  async take(client: pg.ClientBase, news: readonly JobNews[]): Promise<void> {
    const { rules, resolveAfterMs } = this.settings.value.alerts;
    const signals = news.flatMap((each) => signalsOf(rules.filter(isEventRule), each));
    const successes = successesIn(news);
    if (signals.length === 0 && successes.length === 0) return;

    const now = await rows.lockAlerts(client);
    const all = groupsOf(signals);
    const known = await alertsOf(client, all);
    const groups = await this.bounded(client, all, known);
    const merged = groups.filter((group) => !all.includes(group));
    for (const [fingerprint, alert] of await alertsOf(client, merged)) known.set(fingerprint, alert);
    const failing = new Map(signals.map(({ job }) => [job.id, job]));
    const inputs = await readInputs(client, [...failing.values()]);
    const changed = groups.map((group) => {
      const before = known.get(group.fingerprint) ?? null;
      return { ...grown(before, group, { inputs, resolveAfterMs, now }), rule: group.signals[0]?.rule };
    });
    await storeChanged(client, this.silences, changed, now);
    await this.tellOf(client, changed, now);
    await rows.writeSuccesses(client, successes);
  }

  /** Lets the receivers of each alert be thought of. */
  private async tellOf(client: pg.ClientBase, changed: readonly { alert: AlertRow; rule?: Rule }[], now: Date) {
    const { receivers } = this.settings.value.alerts;
    const pairs = changed.flatMap(({ alert, rule }) =>
      alert.status === 'pending' || !rule
        ? []
        : receiversOf(rule, receivers).map(({ name }) => ({ alertId: alert.id, receiver: name })),
    );
    await rows.thinkOf(client, pairs, now);
  }

  /** New groups only as long as there are not too many of their rule, account and API. */
  private async bounded(
    client: pg.ClientBase,
    groups: Group[],
    known: ReadonlyMap<string, AlertRow>,
  ): Promise<Group[]> {
    if (groups.every(({ fingerprint }) => known.has(fingerprint))) return groups;
    const counts = await rows.countGroups(client);
    const hasRoom = ({ signals: [signal] }: Group): boolean => {
      if (!signal) return false;
      const key = rows.ownerKey({ ...signal, rule: signal.rule.name });
      const count = counts.get(key) ?? 0;
      counts.set(key, count + 1);
      return count < MOST_GROUPS;
    };
    return withinBounds(groups, ({ fingerprint }) => known.has(fingerprint), hasRoom);
  }
}

/** The alerts that there are of these groups, by their fingerprints. */
async function alertsOf(client: pg.ClientBase, groups: readonly Group[]): Promise<Map<string, AlertRow>> {
  const fingerprints = groups.map(({ fingerprint }) => fingerprint);
  return new Map((await rows.readByFingerprint(client, fingerprints)).map((alert) => [alert.fingerprint, alert]));
}

/** Writes alerts that were opened or grew, with the silence that covers each, and what became of them. */
export async function storeChanged(
  client: pg.ClientBase,
  silences: Silences,
  changed: readonly { alert: AlertRow; became: string | null }[],
  now: Date,
): Promise<void> {
  const alerts = changed.map(({ alert }) => alert);
  await silences.stamp(client, alerts, now);
  await rows.writeAlerts(client, alerts);
  const opened = changed.flatMap(({ alert: { id: alertId, rule, reason }, became }) =>
    became === null ? [] : [{ alertId, kind: became, actor: `rule ${rule}`, detail: reason }],
  );
  await rows.writeAlertEvents(client, opened, now);
}

/** The last success of each account, API and template among the news. */
function successesIn(news: readonly JobNews[]): rows.Success[] {
  const successes = new Map<string, rows.Success>();
  for (const each of news) {
    const at = successIn(each);
    const { account, api, templateId: template } = each.job;
    const key = `${account}\n${api}\n${template ?? ''}`;
    const before = successes.get(key);
    if (at && (!before || at > before.at)) successes.set(key, { account, api, template, at });
  }
  return [...successes.values()];
}
