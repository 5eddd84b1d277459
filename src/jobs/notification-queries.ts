import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { Receivers } from '../alerts/receivers.js';
import { ReadPool } from '../database/pools.js';
import { Deliveries } from '../delivery/deliveries.js';
import { NotificationNotFound, ReceiverNotFound } from '../domain/errors.js';
import type { Notification, NotificationListQuery } from './notification-schemas.js';
import { deliveryTimes } from './delivery-times.js';
import { cursorOf, pageOf, placeIn, type Page } from './page.js';
import { Values } from './values.js';

const SCOPE = 'notifications';
const Place = z.tuple([z.string().regex(/^\d{1,18}$/)]);

type Row = Omit<Notification, 'createdAt' | 'nextAttemptAt' | 'attemptedAt' | 'settledAt'> & {
  number: string;
  createdAt: Date;
  nextAttemptAt: Date | null;
  attemptedAt: Date | null;
  settledAt: Date | null;
};

const COLUMNS = `id, number, substr(channel, 10) AS receiver, group_key AS "alertId", dedup_key AS "dedupKey",
  payload ->> 'reason' AS reason, status, attempts, next_attempt_at AS "nextAttemptAt", created_at AS "createdAt",
  attempted_at AS "attemptedAt", settled_at AS "settledAt", last_status AS "lastStatus", last_error AS "lastError", answer`;
/** The words of the partial indexes. */
const OF_RECEIVERS = `channel LIKE 'receiver/%'`;

/** Who was told what, the newest first. By hand, so that the planner sees that the partial indexes apply. */
@Injectable()
export class NotificationQueries {
  constructor(
    private readonly sql: ReadPool,
    private readonly receivers: Receivers,
    private readonly deliveries: Deliveries,
  ) {}

  async list({ receiver, status, alert, limit, cursor }: NotificationListQuery): Promise<Page<Notification>> {
    const [before] = placeIn(SCOPE, cursor, Place) ?? [];
    const bound = new Values();
    const take = `ORDER BY number DESC LIMIT ${bound.add(limit + 1)}`;
    const conditions = [
      OF_RECEIVERS,
      status && `status = ANY (${bound.add(status)}::text[])`,
      alert && `group_key = ${bound.add(alert)}`,
      before && `number < ${bound.add(before)}`,
    ].filter(Boolean);
    // One branch per receiver keeps the order of the index (channel, number).
    const selects = (receiver ? [...new Set(receiver)] : [null]).map((name) => {
      const own = name === null ? [] : [`channel = ${bound.add(`receiver/${name}`)}`];
      return `(SELECT ${COLUMNS} FROM deliveries WHERE ${[...conditions, ...own].join(' AND ')} ${take})`;
    });
    const { rows } = await this.sql.query<Row>({
      text: `SELECT * FROM (${selects.join(' UNION ALL ')}) AS page ${take}`,
      values: bound.list,
    });
    return pageOf(rows, limit, view, (last) => cursorOf(SCOPE, [last.number]));
  }

  /** Once more, whatever became of it. */
  async redeliver(id: string): Promise<Notification> {
    const { receiver } = await this.one(id);
    if (!this.receivers.get(receiver)) throw new ReceiverNotFound(receiver);
    await this.deliveries.sendAgain(id, `receiver/${receiver}`);
    return this.one(id);
  }

  private async one(id: string): Promise<Notification> {
    const { rows } = await this.sql.query<Row>({
      text: `SELECT ${COLUMNS} FROM deliveries WHERE id = $1 AND ${OF_RECEIVERS}`,
      values: [id],
    });
    if (!rows[0]) throw new NotificationNotFound(id);
    return view(rows[0]);
  }
}

function view({ number: _, ...row }: Row): Notification {
  return { ...row, ...deliveryTimes(row) };
}
