import { Injectable } from '@nestjs/common';
import type pg from 'pg';
import { SqlPool } from '../database/sql-pool.js';
import { Deliveries, type NewDelivery } from '../delivery/deliveries.js';
import { Metrics } from '../metrics/metrics.js';
import type { Receiver } from '../settings/receiver-settings.js';
import { CurrentSettings } from '../settings/current-settings.js';
import type { AlertMessage } from './alert-message.js';
import * as rows from './alert-rows.js';
import type { AlertRow } from './alert-rows.js';
import { endOf, nextMessage, nextPost, resolve, type Decision, type ResolvedBy, type Told } from './lifecycle.js';
import { receiversOf } from './receivers-of.js';
import { isEventRule, successCounts } from './rules.js';
import { Silences } from './silences.js';
import { toMessage } from './to-message.js';

/** Pairs of an alert and a receiver that are thought of in one transaction. */
const AT_ONCE = 500;

type Pair = {
  alertId: string;
  receiver: string;
  toldAt: Date | null;
  toldOpen: boolean;
  toldOpening: number;
  toldFailures: number;
  toldChangedAt: Date | null;
  repeats: number;
};

/** Ends alerts and silences whose time has come, and hands to delivery what receivers are to be told now. */
@Injectable()
export class Dispatcher {
  private atWork = false;
  /** The settings by which every open alert has its receivers. */
  private assigned: object | null = null;

  constructor(
    private readonly sql: SqlPool,
    private readonly settings: CurrentSettings,
    private readonly silences: Silences,
    private readonly deliveries: Deliveries,
    private readonly metrics: Metrics,
  ) {}

  /** One round; safe to repeat and to race. What is handed over is stored in the transaction that notes it as told. */
  async round(): Promise<void> {
    if (this.atWork) return;
    this.atWork = true;
    try {
      await this.tellAll();
    } finally {
      this.atWork = false;
    }
  }

  private async tellAll(): Promise<void> {
    const settings = this.settings.value.alerts;
    const told = await this.sql.transaction(async (client) => {
      const now = await rows.lockAlerts(client);
      await this.silences.expire(client, now);
      await this.endAlerts(client, now);
      if (this.assigned !== settings) await findReceivers(client, this.settings, now);
      return this.dispatch(client, now);
    });
    this.assigned = settings;
    for (const { receiver, reason } of told) this.metrics.alertMessages.inc({ receiver, reason });
    this.deliveries.wake(told.map(({ channel }) => channel));
  }

  private async endAlerts(client: pg.ClientBase, now: Date): Promise<void> {
    const timing = this.settings.value.alerts;
    const rules = new Map(timing.rules.map((rule) => [rule.name, rule]));
    const ended = (await rows.readUnresolved(client)).flatMap((alert) => {
      const rule = rules.get(alert.rule);
      if (!rule || rule.on !== alert.kind) return [{ alert, by: 'rule gone' as const }];
      // A figure says itself when it holds no longer.
      if (!isEventRule(rule)) return [];
      const by = endOf(alert, { forMs: rule.for, successCounts: successCounts(rule.on) }, timing, now);
      return by ? [{ alert, by }] : [];
    });
    await endAll(client, ended, now);
  }

  private async dispatch(client: pg.ClientBase, now: Date) {
    const { receivers } = this.settings.value.alerts;
    const byName = new Map(receivers.map((receiver) => [receiver.name, receiver]));
    const pairs = await duePairs(client, now);
    const alerts = await readAlerts(client, [...new Set(pairs.map(({ alertId }) => alertId))]);
    const told: { channel: string; receiver: string; reason: string }[] = [];
    const deliveries: NewDelivery[] = [];
    const events: rows.AlertEventWrite[] = [];
    const writes = pairs.map((pair): Pair & { dueAt: Date | null } => {
      const alert = alerts.get(pair.alertId);
      const receiver = byName.get(pair.receiver);
      if (!alert || !receiver) return { ...pair, dueAt: null };
      const { tell, at } = this.decide(alert, receiver, pair, now);
      if (tell === null) return { ...pair, dueAt: at };

      const opening = pair.toldOpen ? pair.toldOpening : alert.opening;
      const payload = withoutSecrets(
        toMessage(alert, tell, { opening, publicUrl: this.settings.value.publicUrl }),
        this.settings.redact,
      );
      const channel = `receiver/${receiver.name}`;
      const { dedupKey } = payload;
      // What waits is about the same, and older: this says all of it.
      deliveries.push({
        channel,
        groupKey: alert.id,
        dedupKey,
        payload,
        supersedes: tell === 'repeated' || tell === 'grew',
      });
      told.push({ channel, receiver: receiver.name, reason: tell });
      // Reposts to a receiver that forgets are no news to anybody.
      if (!(receiver.type === 'alertmanager' && tell === 'repeated')) {
        events.push({ alertId: alert.id, kind: 'told', receiver: receiver.name, detail: tell });
      }
      const repeats = tell === 'repeated' ? pair.repeats + 1 : tell === 'grew' ? pair.repeats : 0;
      const after: Pair = {
        ...pair,
        toldAt: now,
        toldOpen: tell !== 'resolved',
        toldOpening: opening,
        toldFailures: alert.failures,
        toldChangedAt: alert.changedAt,
        repeats,
      };
      return { ...after, dueAt: this.decide(alert, receiver, after, now).at };
    });
    await this.deliveries.enqueue(client, deliveries);
    await rows.writeAlertEvents(client, events, now);
    await writePairs(client, writes);
    return told;
  }

  private decide(alert: AlertRow, receiver: Receiver, pair: Pair, now: Date): Decision {
    const timing = this.settings.value.alerts;
    const told = toldOf(pair);
    if (receiver.type !== 'alertmanager') return nextMessage(alert, told, timing, now);
    return nextPost(alert, told, { groupWaitMs: timing.groupWaitMs, repostMs: receiver.repostIntervalMs }, now);
  }
}

/** Vendors repeat callback addresses, and with them their tokens; what is sent goes past the redaction of answers. */
function withoutSecrets(message: AlertMessage, redact: (text: string) => string): AlertMessage {
  return JSON.parse(JSON.stringify(message), (_key, value: unknown) =>
    typeof value === 'string' ? redact(value) : value,
  ) as AlertMessage;
}

function toldOf({ toldAt, toldOpen, toldFailures, toldChangedAt, repeats }: Pair): Told | null {
  if (toldAt === null) return null;
  return { at: toldAt, open: toldOpen, failures: toldFailures, changedAt: toldChangedAt ?? toldAt, repeats };
}

/** Alerts that are over, for whatever reason. Who knows of them is told when the dispatcher comes to it. */
export async function endAll(
  client: pg.ClientBase,
  ended: readonly { alert: AlertRow; by: ResolvedBy; actor?: string }[],
  now: Date,
): Promise<void> {
  if (ended.length === 0) return;
  await rows.writeAlerts(
    client,
    ended.map(({ alert, by }) => ({ ...alert, ...resolve(alert, by, now) })),
  );
  // Nobody has heard of one that was pending.
  const known = ended.filter(({ alert }) => alert.status !== 'pending');
  await rows.writeAlertEvents(
    client,
    known.map(({ alert, by, actor }) => ({ alertId: alert.id, kind: 'resolved', actor: actor ?? null, detail: by })),
    now,
  );
  await makeDue(
    client,
    known.map(({ alert }) => alert.id),
    now,
  );
}

/** Lets whoever was told of these alerts, or is to be, be thought of now. */
export async function makeDue(client: pg.ClientBase, alertIds: readonly string[], now: Date): Promise<void> {
  await client.query({
    name: 'alert-receivers-think',
    text: 'UPDATE alert_receivers SET due_at = $2 WHERE alert_id = ANY ($1::uuid[])',
    values: [alertIds, now],
  });
}

/** For alerts that were open before a receiver was there. */
async function findReceivers(client: pg.ClientBase, settings: CurrentSettings, now: Date): Promise<void> {
  const { rules, receivers } = settings.value.alerts;
  const wanted = rules.flatMap((rule) =>
    receiversOf(rule, receivers).map(({ name }) => ({ rule: rule.name, receiver: name })),
  );
  await client.query({
    name: 'alert-receivers-missing',
    text: `INSERT INTO alert_receivers (alert_id, receiver, due_at)
           SELECT a.id, v.receiver, $2 FROM json_to_recordset($1::json) AS v(rule text, receiver text)
           JOIN alerts a ON a.rule = v.rule AND a.status IN ('open', 'acknowledged')
           ON CONFLICT (alert_id, receiver) DO NOTHING`,
    values: [JSON.stringify(wanted), now],
  });
}

async function duePairs(client: pg.ClientBase, now: Date): Promise<Pair[]> {
  const { rows: pairs } = await client.query<Pair>({
    name: 'alert-receivers-due-now',
    text: `SELECT alert_id AS "alertId", receiver, told_at AS "toldAt", told_open AS "toldOpen", told_opening AS "toldOpening",
                  told_failures AS "toldFailures", told_changed_at AS "toldChangedAt", repeats
           FROM alert_receivers WHERE due_at <= $1 ORDER BY due_at LIMIT ${AT_ONCE}`,
    values: [now],
  });
  return pairs;
}

async function writePairs(client: pg.ClientBase, pairs: readonly (Pair & { dueAt: Date | null })[]): Promise<void> {
  if (pairs.length === 0) return;
  await client.query({
    name: 'alert-receivers-told',
    text: `UPDATE alert_receivers r SET due_at = v."dueAt", told_at = v."toldAt", told_open = v."toldOpen",
             told_opening = v."toldOpening", told_failures = v."toldFailures", told_changed_at = v."toldChangedAt",
             repeats = v.repeats
           FROM json_to_recordset($1::json) AS v("alertId" uuid, receiver text, "dueAt" timestamptz, "toldAt" timestamptz,
             "toldOpen" boolean, "toldOpening" integer, "toldFailures" integer, "toldChangedAt" timestamptz, repeats integer)
           WHERE r.alert_id = v."alertId" AND r.receiver = v.receiver`,
    values: [JSON.stringify(pairs)],
  });
}

async function readAlerts(client: pg.ClientBase, ids: readonly string[]): Promise<Map<string, AlertRow>> {
  return new Map((await rows.readAlerts(client, ids)).map((alert) => [alert.id, alert]));
}
