import { Injectable } from '@nestjs/common';
import type pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { SqlPool } from '../database/sql-pool.js';
import * as rows from './alert-rows.js';
import type { AlertRow } from './alert-rows.js';
import { covers, type SilenceFilter } from './silence.js';

export type SilenceRow = {
  id: string;
  filter: SilenceFilter;
  author: string;
  reason: string;
  createdAt: Date;
  endsAt: Date;
  endedAt: Date | null;
  endedBy: string | null;
};

export const SILENCE_COLUMNS = `id, filter, author, reason, created_at AS "createdAt", ends_at AS "endsAt", ended_at AS "endedAt",
  ended_by AS "endedBy"`;

/** What nobody wants to hear of for a while. */
@Injectable()
export class Silences {
  constructor(private readonly sql: SqlPool) {}

  /** From now on, until `endsAt`. Alerts that it covers fall silent at once. */
  async start(silence: Pick<SilenceRow, 'filter' | 'author' | 'reason' | 'endsAt'>): Promise<string> {
    const id = uuidv7();
    const { filter, author, reason, endsAt } = silence;
    await this.sql.transaction(async (client) => {
      const now = await rows.lockAlerts(client);
      await client.query({
        text: `INSERT INTO silences (id, filter, author, reason, ends_at) VALUES ($1, $2, $3, $4, $5)`,
        values: [id, JSON.stringify(filter), author, reason, endsAt],
      });
      await this.restamp(client, now);
    });
    return id;
  }

  /** Ends it now; one that has ended stays as it ended. false: there is none. */
  async end(id: string, by: string): Promise<boolean> {
    return this.sql.transaction(async (client) => {
      const now = await rows.lockAlerts(client);
      const { rowCount } = await client.query({
        text: `UPDATE silences SET ended_at = $2, ended_by = $3 WHERE id = $1 AND ended_at IS NULL`,
        values: [id, now, by],
      });
      await this.restamp(client, now);
      if (rowCount === 1) return true;
      return (await client.query({ text: 'SELECT FROM silences WHERE id = $1', values: [id] })).rowCount === 1;
    });
  }

  /** Closes those whose time is over, and lets their alerts speak. Costs next to nothing when nothing has ended. */
  async expire(client: pg.ClientBase, now: Date): Promise<void> {
    const { rowCount } = await client.query({
      name: 'expire-silences',
      text: `UPDATE silences SET ended_at = $1 WHERE ended_at IS NULL AND ends_at <= $1`,
      values: [now],
    });
    if ((rowCount ?? 0) > 0) await this.restamp(client, now);
  }

  /** Which silence covers each of the alerts: noted on them, to be written with them. */
  async stamp(client: pg.ClientBase, alerts: readonly AlertRow[], now: Date): Promise<void> {
    if (alerts.length === 0) return;
    const silences = await this.inForce(client, now);
    for (const alert of alerts) {
      alert.silenceId = silences.find(({ filter }) => covers(filter, alert))?.id ?? null;
      alert.silenced = alert.silenceId !== null;
    }
  }

  /**
   * The same for all that are not over, with what follows: those that fell silent or speak again, and by which silence, are
   * in their history, and whoever is to be told is thought of.
   */
  private async restamp(client: pg.ClientBase, now: Date): Promise<void> {
    const alerts = await rows.readUnresolved(client);
    const before = new Map(alerts.map(({ id, silenceId }) => [id, silenceId]));
    await this.stamp(client, alerts, now);
    const changed = alerts.filter(({ id, silenceId }) => before.get(id) !== silenceId);
    for (const alert of changed) {
      alert.changedAt = now;
      if (!alert.silenced) alert.silenceExpiredAt = now;
    }
    await rows.writeAlerts(client, changed);
    await rows.writeAlertEvents(
      client,
      changed.map(({ id, silenceId }) =>
        silenceId === null
          ? { alertId: id, kind: 'silence_expired', actor: `silence ${before.get(id)}` }
          : { alertId: id, kind: 'silenced', actor: `silence ${silenceId}` },
      ),
      now,
    );
    const speaking = changed.filter(({ silenced }) => !silenced).map(({ id }) => id);
    const over = await this.forgetOf(client, now);
    await client.query({
      name: 'silence-over',
      text: 'UPDATE alert_receivers SET due_at = $2 WHERE alert_id = ANY ($1::uuid[])',
      values: [[...speaking, ...over], now],
    });
  }

  /** Alerts that were over before their silence was: whoever knows of them is still to be told. */
  private async forgetOf(client: pg.ClientBase, now: Date): Promise<string[]> {
    const { rows: freed } = await client.query<{ id: string }>({
      name: 'silence-over-resolved',
      text: `UPDATE alerts SET silence_id = NULL WHERE status = 'resolved' AND silence_id IS NOT NULL
               AND silence_id NOT IN (SELECT id FROM silences WHERE ended_at IS NULL AND ends_at > $1) RETURNING id`,
      values: [now],
    });
    return freed.map(({ id }) => id);
  }

  private async inForce(client: pg.ClientBase, now: Date): Promise<{ id: string; filter: SilenceFilter }[]> {
    const { rows: silences } = await client.query<{ id: string; filter: SilenceFilter }>({
      name: 'silences-in-force',
      text: `SELECT id, filter FROM silences WHERE ended_at IS NULL AND ends_at > $1 ORDER BY id`,
      values: [now],
    });
    return silences;
  }
}
