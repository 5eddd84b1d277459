import type { SqlPool } from '../database/sql-pool.js';
import { DeliveryFailed, type Channel, type Outgoing } from '../delivery/channel.js';
import { CUT_MS, sendWithin } from '../delivery/send-within.js';
import type { ChannelTest, Waiting } from './channel-schemas.js';

/** What waits for a channel, and for how long. The oldest is the one whose trouble tells the most. */
const WAITING = `
SELECT channel, count(*)::int AS waiting, min(created_at) AS since, (array_agg(last_error ORDER BY number))[1] AS error
FROM deliveries WHERE status = 'pending' AND channel = ANY ($1::text[]) GROUP BY channel`;

const NOTHING: Waiting = { waiting: 0, waitingSince: null, lastError: null };

/** What waits for each of the channels. */
export async function waitingFor(sql: SqlPool, channels: readonly string[]): Promise<(channel: string) => Waiting> {
  const { rows } = await sql.query<{ channel: string; waiting: number; since: Date; error: string | null }>({
    text: WAITING,
    values: [channels],
  });
  const waiting = new Map(
    rows.map(({ channel, waiting, since, error }) => [
      channel,
      { waiting, waitingSince: since.toISOString(), lastError: error },
    ]),
  );
  return (channel) => waiting.get(channel) ?? NOTHING;
}

/** Sends a message at once, past everything that waits, and answers what came back. */
export async function tryOut(
  channel: Channel,
  message: Omit<Outgoing, 'attempt'>,
  redact: (text: string) => string,
): Promise<ChannelTest> {
  const outcome = await sendWithin(CUT_MS, channel, { ...message, attempt: 1 }, redact);
  const durationMs = Date.now() - message.createdAt.getTime();
  if (outcome instanceof DeliveryFailed) {
    const { status, answer, message: error } = outcome;
    return { delivered: false, status, answer, error, durationMs };
  }
  return { delivered: true, status: outcome.status, answer: outcome.detail, error: null, durationMs };
}
