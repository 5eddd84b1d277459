import { Injectable } from '@nestjs/common';
import { SqlPool } from '../database/sql-pool.js';
import { AlertNotFound, AlertOver } from '../domain/errors.js';
import * as rows from './alert-rows.js';
import type { AlertRow } from './alert-rows.js';
import { endAll, makeDue } from './dispatcher.js';

/** What people do about alerts. Each is safe to repeat. */
@Injectable()
export class AlertCommands {
  constructor(private readonly sql: SqlPool) {}

  /** Somebody is at it: it is not told again, until it is over. */
  acknowledge(id: string, actor: string): Promise<void> {
    return this.change(id, actor, 'acknowledged', (alert, now) => {
      if (alert.status === 'resolved') throw new AlertOver(id);
      return alert.status === 'open' ? { ...alert, status: 'acknowledged', acknowledgedAt: now } : null;
    });
  }

  /** It is over, by hand. The next failure of its kind opens it again. */
  resolve(id: string, actor: string): Promise<void> {
    return this.sql.transaction(async (client) => {
      const now = await rows.lockAlerts(client);
      const [alert] = await rows.readAlerts(client, [id]);
      if (!alert) throw new AlertNotFound(id);
      if (alert.status !== 'resolved') await endAll(client, [{ alert, by: 'hand', actor }], now);
    });
  }

  /** It was taken for over, or for somebody's, too early. */
  reopen(id: string, actor: string): Promise<void> {
    return this.change(id, actor, 'reopened', (alert, now) => {
      if (alert.status === 'acknowledged') return { ...alert, status: 'open', acknowledgedAt: null };
      if (alert.status !== 'resolved') return null;
      const opening = alert.opening + 1;
      return {
        ...alert,
        status: 'open',
        opening,
        openedAt: now,
        lastSeenAt: now,
        acknowledgedAt: null,
        resolvedAt: null,
        resolvedBy: null,
        succeededAt: null,
      };
    });
  }

  private change(
    id: string,
    actor: string,
    kind: string,
    next: (alert: AlertRow, now: Date) => AlertRow | null,
  ): Promise<void> {
    return this.sql.transaction(async (client) => {
      const now = await rows.lockAlerts(client);
      const [alert] = await rows.readAlerts(client, [id]);
      if (!alert) throw new AlertNotFound(id);
      const changed = next(alert, now);
      if (!changed) return;
      await rows.writeAlerts(client, [{ ...changed, changedAt: now }]);
      await rows.writeAlertEvents(client, [{ alertId: id, kind, actor }], now);
      await makeDue(client, [id], now);
    });
  }
}
