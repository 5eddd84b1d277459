import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { SEVERITIES, type AlertMessage } from '../alerts/alert-message.js';
import { Receivers } from '../alerts/receivers.js';
import { SqlPool } from '../database/sql-pool.js';
import { DeliveryFailed } from '../delivery/channel.js';
import { CUT_MS, sendWithin } from '../delivery/send-within.js';
import { ReceiverNotFound } from '../domain/errors.js';
import type { ReceiverTest, ReceiverView } from './receiver-schemas.js';

/** What waits for a channel, and for how long. The oldest is the one whose trouble tells the most. */
const WAITING = `
SELECT channel, count(*)::int AS waiting, min(created_at) AS since, (array_agg(last_error ORDER BY number))[1] AS error
FROM deliveries WHERE status = 'pending' AND channel = ANY ($1::text[]) GROUP BY channel`;

type Waiting = { channel: string; waiting: number; since: Date; error: string | null };

/** Who is told of alerts. */
@Injectable()
export class ReceiverQueries {
  constructor(
    private readonly receivers: Receivers,
    private readonly sql: SqlPool,
  ) {}

  async list(): Promise<{ data: ReceiverView[]; nextCursor: null }> {
    const channels = this.receivers.names().map((name) => `receiver/${name}`);
    const { rows } = await this.sql.query<Waiting>({ text: WAITING, values: [channels] });
    const waiting = new Map(rows.map((row) => [row.channel, row]));
    const data = this.receivers.all().map(({ name, type, language, severities }) => {
      const row = waiting.get(`receiver/${name}`);
      return {
        name,
        type,
        language,
        severities: [...(severities ?? SEVERITIES)],
        waiting: row?.waiting ?? 0,
        waitingSince: row?.since.toISOString() ?? null,
        lastError: row?.error ?? null,
      };
    });
    return { data, nextCursor: null };
  }

  /** Sends a message at once, past everything that waits, and answers what came back. */
  async test(name: string): Promise<ReceiverTest> {
    const channel = this.receivers.get(name);
    if (!channel) throw new ReceiverNotFound(name);
    const createdAt = new Date();
    const id = uuidv7();
    const payload = testMessage(name, id, createdAt);
    const outcome = await sendWithin(CUT_MS, channel, {
      id,
      dedupKey: payload.dedupKey,
      payload,
      createdAt,
      attempt: 1,
    });
    const durationMs = Date.now() - createdAt.getTime();
    if (outcome instanceof DeliveryFailed) {
      const { status, answer, message } = outcome;
      return { delivered: false, status, answer, error: message, durationMs };
    }
    return { delivered: true, status: outcome.status, answer: outcome.detail, error: null, durationMs };
  }
}

/** An alert about nothing. */
function testMessage(receiver: string, id: string, now: Date): AlertMessage {
  const at = now.toISOString();
  return {
    reason: 'test',
    dedupKey: `test/${id}`,
    alert: {
      id,
      rule: 'CallsheetTest',
      kind: 'subjob-failed',
      severity: 'info',
      status: 'open',
      account: null,
      api: null,
      template: null,
      reason: `somebody tests the receiver ${receiver}`,
      error: null,
      failures: 0,
      jobs: 0,
      firstSeenAt: at,
      lastSeenAt: at,
      openedAt: at,
      resolvedAt: null,
      labels: {},
      url: null,
    },
    sample: [],
    shared: [],
  };
}
