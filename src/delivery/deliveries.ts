import { Inject, Injectable, Logger } from '@nestjs/common';
import type pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { firstUuidOf } from '../database/partitions.js';
import { SqlPool } from '../database/sql-pool.js';
import { QUEUE_STORE, type QueueStore } from '../queue/queue-store.js';
import { DELIVERY_QUEUE } from '../queue/queues.js';

export type NewDelivery = {
  /** `receiver/<name>` or `endpoint/<name>`. */
  channel: string;
  /** Within a channel, messages of one group are sent one after the other, in the order they were stored. */
  groupKey: string;
  dedupKey: string;
  /** Plain JSON, as the channel takes it. */
  payload: unknown;
  /** What waits for the same channel, group and dedup key is not sent any more: this says all of it. */
  supersedes?: boolean;
};

/** What became of a delivery in the end. */
export type Settled = {
  id: string;
  channel: string;
  groupKey: string;
  dedupKey: string;
  status: 'delivered' | 'undelivered';
  attempts: number;
  /** What the other side answered, or why it was given up; without secrets. */
  detail: string;
};

/** Called in the transaction that writes the outcome down, so both are written or neither. */
export type SettledListener = (client: pg.ClientBase, settled: Settled) => Promise<void>;

const ENQUEUE = `
INSERT INTO deliveries (id, channel, group_key, dedup_key, payload)
SELECT id, channel, group_key, dedup_key, payload
FROM ROWS FROM (json_to_recordset($1::json) AS (id uuid, channel text, "groupKey" text, "dedupKey" text, payload json))
  WITH ORDINALITY AS row(id, channel, group_key, dedup_key, payload, place)
ORDER BY place`;

/** Behind what is `over` somebody may have waited for as long as it was to wait. */
export const FREE_THOSE_BEHIND = `
UPDATE deliveries d SET next_attempt_at = now() FROM over
WHERE d.channel = over.channel AND d.group_key = over.group_key AND d.id NOT IN (SELECT id FROM over)
  AND d.status = 'pending' AND d.lease IS NULL AND d.next_attempt_at > now()`;

/** What is being sent at this moment is left alone: it may arrive. */
const SUPERSEDE = `
WITH over AS (
  UPDATE deliveries d SET status = 'superseded', settled_at = now(), next_attempt_at = NULL, lease = NULL
  FROM json_to_recordset($1::json) AS row(channel text, "groupKey" text, "dedupKey" text)
  WHERE d.channel = row.channel AND d.group_key = row."groupKey" AND d.dedup_key = row."dedupKey"
    AND d.status = 'pending' AND (d.lease IS NULL OR d.next_attempt_at <= now())
  RETURNING d.id, d.channel, d.group_key
)${FREE_THOSE_BEHIND}`;

/** As if it had just been stored, with the id it has. */
const AFRESH = `
UPDATE deliveries SET status = 'pending', attempts = 0, next_attempt_at = now(), due_since = now(), settled_at = NULL, lease = NULL`;
/** In the middle of an attempt that goes on as it is. */
const SEND_AGAIN = `${AFRESH}
WHERE id = $1 AND (lease IS NULL OR next_attempt_at <= now())`;
const SEND_UNDELIVERED_AGAIN = `${AFRESH}
WHERE channel = $1 AND status = 'undelivered' AND ($2::timestamptz IS NULL OR created_at >= $2)`;

const FORGET = `
DELETE FROM deliveries WHERE id IN (
  SELECT id FROM deliveries WHERE id < $1 AND status <> 'pending' ORDER BY id LIMIT $2)`;

const FORGOTTEN_WHEN_DONE = { removeOnComplete: true, removeOnFail: true };

/** Messages to send, stored in the transaction of whoever decides to send them. */
@Injectable()
export class Deliveries {
  private readonly logger = new Logger(Deliveries.name);
  private readonly listeners = new Map<string, SettledListener>();

  constructor(
    private readonly sql: SqlPool,
    @Inject(QUEUE_STORE) private readonly queues: QueueStore,
  ) {}

  /** In the caller's transaction. `wake` comes after its commit; forgotten, it costs a second. */
  async enqueue(client: pg.ClientBase, deliveries: readonly NewDelivery[]): Promise<void> {
    if (deliveries.length === 0) return;
    const superseding = deliveries.filter(({ supersedes }) => supersedes);
    if (superseding.length > 0) await client.query(SUPERSEDE, [JSON.stringify(superseding)]);
    await client.query(ENQUEUE, [JSON.stringify(deliveries.map((delivery) => ({ id: uuidv7(), ...delivery })))]);
  }

  /** By hand: once more, for a day. */
  async sendAgain(id: string, channel: string): Promise<void> {
    await this.sql.query({ name: 'send-delivery-again', text: SEND_AGAIN, values: [id] });
    this.wake([channel]);
  }

  /** By hand: all that was given up, and stored then or later; answers how many. */
  async sendUndeliveredAgain(channel: string, createdAfter: Date | null): Promise<number> {
    const { rowCount } = await this.sql.query({ text: SEND_UNDELIVERED_AGAIN, values: [channel, createdAfter] });
    this.wake([channel]);
    return rowCount ?? 0;
  }

  /** Drops what was settled and stored before then; answers how many. */
  async forget(client: pg.ClientBase, before: Date, atOnce: number): Promise<number> {
    return (await client.query(FORGET, [firstUuidOf(before), atOnce])).rowCount ?? 0;
  }

  /** Tells the senders, wherever they run, that these channels have something to send. */
  wake(channels: Iterable<string>): void {
    for (const channel of new Set(channels)) {
      // What arrives while a sender is at it makes one more wake-up after it.
      void this.send(channel, { ...FORGOTTEN_WHEN_DONE, deduplication: { id: channel, keepLastIfActive: true } });
    }
  }

  /** `kind` is the channel's: `receiver`, `endpoint`. */
  onSettled(kind: string, listener: SettledListener): void {
    this.listeners.set(kind, listener);
  }

  async tellSettled(client: pg.ClientBase, settled: Settled): Promise<void> {
    await this.listeners.get(settled.channel.split('/')[0] ?? '')?.(client, settled);
  }

  private async send(channel: string, options: object): Promise<void> {
    try {
      await this.queues.queue(DELIVERY_QUEUE).add('wake', { channel }, options);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.logger.warn(`${channel}: its sender was not woken, the next sweep will: ${reason}`);
    }
  }
}
