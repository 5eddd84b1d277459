import { Inject, Injectable, Logger, Optional } from '@nestjs/common';
import type { Worker } from 'bullmq';
import type pg from 'pg';
import { v4 as uuidv4 } from 'uuid';
import { exclusively } from '../database/exclusively.js';
import { SqlPool } from '../database/sql-pool.js';
import { Metrics } from '../metrics/metrics.js';
import { QUEUE_STORE, type QueueStore } from '../queue/queue-store.js';
import { DELIVERY_QUEUE, DeliveryWakeup } from '../queue/queues.js';
import { CurrentSettings } from '../settings/current-settings.js';
import { DeliveryFailed, type Channel } from './channel.js';
import { Channels } from './channels.js';
import { Deliveries, FREE_THOSE_BEHIND, type Settled } from './deliveries.js';
import { nextAttempt } from './next-attempt.js';
import { CUT_MS, sendWithin } from './send-within.js';

/** A channel that takes no answer as one after `cutMs`; `leaseMs` later than its claim, what a killed process was sending is sent again. */
export type DeliveryTiming = { cutMs: number; leaseMs: number };
export const DELIVERY_TIMING = Symbol('DeliveryTiming');
const TIMING: DeliveryTiming = { cutMs: CUT_MS, leaseMs: 2 * CUT_MS };

/** Messages on their way at once over one channel, in one process. */
export const LANES = 8;
/** A lane sends at most so many of one group in a row, then other groups may come before the rest. */
export const STAY = 100;
/** Replicas are reloaded one after the other: what one does not know yet, another may. */
const GONE_AFTER = '15 minutes';

type Claimed = {
  id: string;
  channel: string;
  groupKey: string;
  dedupKey: string;
  payload: unknown;
  createdAt: Date;
  attempt: number;
  ageMs: number;
  lease: string;
};

/**
 * A due message that is first in its group. One that is being sent, or waits to be sent again, holds back those behind it. What a
 * channel's limit leaves is counted over all processes. The predicate on `channel` is what the partial index asks for.
 */
const claimThe = (which: string) => `
UPDATE deliveries SET attempts = attempts + 1, attempted_at = now(), lease = $2,
  next_attempt_at = now() + make_interval(secs => $3::float8 / 1000)
WHERE id = (
  SELECT id FROM deliveries d
  WHERE channel = $1 AND status = 'pending' AND next_attempt_at <= now()
    AND NOT EXISTS (SELECT FROM deliveries e WHERE e.channel = d.channel AND e.group_key = d.group_key
                    AND e.status = 'pending' AND e.number < d.number)
    AND ($4::int IS NULL OR $4 > (SELECT count(*) FROM deliveries WHERE channel = $1 AND channel LIKE 'receiver/%'
                                  AND attempted_at > now() - interval '1 minute'))
    ${which} LIMIT 1
  FOR UPDATE SKIP LOCKED)
RETURNING id, channel, group_key AS "groupKey", dedup_key AS "dedupKey", payload, created_at AS "createdAt", attempts AS attempt,
  extract(epoch FROM now() - due_since)::float8 * 1000 AS "ageMs", lease`;

/** Each along an index of its own. By the time alone: of a hundred thousand that were stored at once, a second key would have them all sorted. */
const CLAIM_OLDEST = { name: 'claim-delivery', text: claimThe('ORDER BY next_attempt_at') };
const CLAIM_NEXT_OF_GROUP = { name: 'claim-delivery-of-group', text: claimThe('AND group_key = $5 ORDER BY number') };

/** By the lease: who comes back after it ran out, and somebody else has sent it again, changes nothing. */
const SETTLE = `
WITH over AS (
  UPDATE deliveries SET status = $3, settled_at = now(), next_attempt_at = NULL, lease = NULL, last_status = $4, last_error = $5, answer = $6
  WHERE id = $1 AND lease = $2 RETURNING id, channel, group_key
), freed AS (${FREE_THOSE_BEHIND})
SELECT id FROM over`;

/** Those behind it wait as long, or every claim would come past all that an endpoint has missed in a day. */
const TRY_AGAIN = `
WITH tried AS (
  UPDATE deliveries SET next_attempt_at = now() + make_interval(secs => $3::float8 / 1000), lease = NULL, last_status = $4,
    last_error = $5, answer = $6
  WHERE id = $1 AND lease = $2 RETURNING channel, group_key, number, next_attempt_at
)
UPDATE deliveries d SET next_attempt_at = tried.next_attempt_at FROM tried
WHERE d.channel = tried.channel AND d.group_key = tried.group_key AND d.number > tried.number AND d.status = 'pending' AND d.lease IS NULL`;

const DUE = `
SELECT name FROM unnest($1::text[]) AS channel(name)
WHERE EXISTS (SELECT FROM deliveries WHERE channel = name AND status = 'pending' AND next_attempt_at <= now())`;

const GIVE_UP_GONE = `
UPDATE deliveries SET status = 'undelivered', settled_at = now(), next_attempt_at = NULL, lease = NULL, last_error = $2
WHERE status = 'pending' AND channel <> ALL ($1::text[]) AND created_at < now() - interval '${GONE_AFTER}'
  AND (lease IS NULL OR next_attempt_at <= now())
RETURNING id, channel, group_key AS "groupKey", dedup_key AS "dedupKey", attempts`;
const GONE = 'there is no such receiver or endpoint in the settings any more';

/**
 * Sends what is stored, at least once, in order within a group. Every channel has its own lanes, so one that hangs delays no other. Between
 * the sending and the word of it lies the moment at which a killed process makes a message go out twice; its id stays the same.
 */
@Injectable()
export class Deliverer {
  private readonly logger = new Logger(Deliverer.name);
  private readonly lanes = new Map<string, Set<Promise<void>>>();
  private worker: Worker | null = null;
  private stopping = false;

  constructor(
    private readonly sql: SqlPool,
    private readonly channels: Channels,
    private readonly deliveries: Deliveries,
    private readonly settings: CurrentSettings,
    private readonly metrics: Metrics,
    @Inject(QUEUE_STORE) private readonly queues: QueueStore,
    @Optional() @Inject(DELIVERY_TIMING) private readonly timing: DeliveryTiming = TIMING,
  ) {}

  /** The processor waits for no channel: one that hangs would keep the wake-ups of others waiting. */
  start(): void {
    this.worker = this.queues.work(DELIVERY_QUEUE, async ({ data }) => this.serve(DeliveryWakeup.parse(data).channel));
  }

  /** Takes nothing more and waits for what is on its way. */
  async stop(): Promise<void> {
    this.stopping = true;
    if (this.worker) await this.queues.retire(this.worker);
    await Promise.all([...this.lanes.values()].flatMap((lanes) => [...lanes]));
  }

  /** Sends what is due and was not told of: retries, what a killed process left, what was stored while the queue store was away. */
  async sweep(): Promise<void> {
    const { rows } = await this.sql.query<{ name: string }>({
      name: 'due-channels',
      text: DUE,
      values: [this.channels.names()],
    });
    for (const { name } of rows) this.serve(name);
  }

  /** What waits for a channel that left the settings will never be sent. */
  async giveUpGone(): Promise<void> {
    const gone = await exclusively(this.sql, 'gone-channels', async (client) => {
      const { rows } = await client.query<Omit<Settled, 'status' | 'detail'>>(GIVE_UP_GONE, [
        this.channels.names(),
        GONE,
      ]);
      for (const row of rows)
        await this.deliveries.tellSettled(client, { ...row, status: 'undelivered', detail: GONE });
      return rows;
    });
    for (const { channel, id } of gone ?? []) this.countUndelivered(channel, id, GONE);
  }

  private serve(name: string): void {
    const lanes = this.lanes.get(name) ?? new Set();
    this.lanes.set(name, lanes);
    if (this.stopping || lanes.size >= LANES || !this.channels.get(name)) return;
    const lane = this.sendAll(name)
      .catch((error: unknown) => this.logger.warn(`${name}: ${this.settings.redact(String(error))}`))
      .finally(() => lanes.delete(lane));
    lanes.add(lane);
  }

  /**
   * One lane: message after message. It stays with a group, whose next one is found at once, where to find the oldest of all it would pass
   * all that wait behind others. Each new group opens the next lane, so that many are served at once.
   */
  private async sendAll(name: string): Promise<void> {
    let group: string | null = null;
    let stayed = 0;
    while (!this.stopping) {
      const channel = this.channels.get(name);
      if (!channel) return;
      const claimed: Claimed | undefined = await this.claim(name, channel.perMinute ?? null, group);
      if (claimed) {
        if (group === null) this.serve(name);
        // Asked for again: a reload may have changed it in between.
        await this.deliver(this.channels.get(name) ?? channel, claimed);
      } else if (group === null) return;
      group = claimed && ++stayed % STAY > 0 ? claimed.groupKey : null;
    }
  }

  /** Of the group, or whichever is the oldest. */
  private async claim(name: string, perMinute: number | null, group: string | null): Promise<Claimed | undefined> {
    const values = [name, uuidv4(), this.timing.leaseMs, perMinute];
    const statement =
      group === null ? { ...CLAIM_OLDEST, values } : { ...CLAIM_NEXT_OF_GROUP, values: [...values, group] };
    if (perMinute === null) return (await this.sql.query<Claimed>(statement)).rows[0];
    // Two that count at the same time would both find room.
    return this.sql.transaction(async (client) => {
      await client.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`callsheet.channel.${name}`]);
      return (await client.query<Claimed>(statement)).rows[0];
    });
  }

  private async deliver(channel: Channel, claimed: Claimed): Promise<void> {
    const { id, dedupKey, payload, createdAt, attempt } = claimed;
    const outgoing = { id, dedupKey, payload, createdAt, attempt };
    const outcome = await sendWithin(this.timing.cutMs, channel, outgoing, (text) => this.settings.redact(text));
    if (!(outcome instanceof DeliveryFailed)) {
      if (await this.settle(claimed, 'delivered', outcome.status, null, outcome.detail))
        this.metrics.deliveries.inc({ channel: claimed.channel, result: 'delivered' });
      return;
    }
    const { message: reason, status, answer, permanent, retryAfterMs } = outcome;
    const delay = permanent ? null : nextAttempt(claimed.attempt, claimed.ageMs, retryAfterMs, Math.random());
    if (delay === null) {
      if (await this.settle(claimed, 'undelivered', status, reason, answer))
        this.countUndelivered(claimed.channel, claimed.id, reason);
      return;
    }
    await this.sql.query({
      name: 'try-delivery-again',
      text: TRY_AGAIN,
      values: [claimed.id, claimed.lease, delay, status, reason, answer],
    });
    this.metrics.deliveries.inc({ channel: claimed.channel, result: 'failed' });
    this.logger.warn(`${claimed.channel}: ${claimed.id} is tried again in ${Math.ceil(delay / 1000)} s: ${reason}`);
  }

  /** The outcome, and what others write with it. False: the lease had run out. */
  private async settle(
    { id, lease, channel, groupKey, dedupKey, attempt }: Claimed,
    status: Settled['status'],
    lastStatus: number | null,
    error: string | null,
    answer: string | null,
  ): Promise<boolean> {
    return this.sql.transaction(async (client: pg.ClientBase) => {
      const { rowCount } = await client.query({
        name: 'settle-delivery',
        text: SETTLE,
        values: [id, lease, status, lastStatus, error, answer],
      });
      if (rowCount === 0) return false;
      const detail = error ?? answer ?? '';
      await this.deliveries.tellSettled(client, { id, channel, groupKey, dedupKey, status, attempts: attempt, detail });
      return true;
    });
  }

  private countUndelivered(channel: string, id: string, reason: string): void {
    this.metrics.deliveries.inc({ channel, result: 'undelivered' });
    this.logger.error(`${channel}: ${id} is given up: ${reason}`);
  }
}
