import type { Channel } from '../../delivery/channel.js';
import type { ReceiverOf } from '../../settings/receiver-settings.js';
import type { Proxies } from '../../vendors/vendor-client.js';
import type { AlertMessage } from '../alert-message.js';
import { messageText } from '../messages.js';
import { alertChannel, postTo } from './receiver.js';

/** An alert that nobody reposts ends by itself after this many intervals. */
const MISSED_POSTS = 3;
/** A test ends sooner: nobody reposts it. */
const TEST_MS = 300_000;

/**
 * Prometheus Alertmanager, API v2. It tells alerts apart by their labels and owns grouping, silences and repetition: it wants to hear of an
 * open alert again and again, and once when it ends.
 */
export function alertmanager(receiver: ReceiverOf<'alertmanager'>, proxies: Proxies): Channel {
  const post = postTo(`${receiver.url}/api/v2/alerts`, proxies);
  const headers = authorization(receiver);
  return alertChannel(({ message }, signal) => {
    const alert = alertOf(message, receiver, Date.now());
    return post.send(JSON.stringify([alert]), headers, signal);
  });
}

function authorization({ username, password, bearerToken }: ReceiverOf<'alertmanager'>): Record<string, string> {
  if (bearerToken !== undefined) return { authorization: `Bearer ${bearerToken}` };
  if (username === undefined) return {};
  return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
}

/** An alert as `POST /api/v2/alerts` takes it. Only what never changes while it is open may be a label. */
export function alertOf(
  message: AlertMessage,
  { language, repostIntervalMs }: Pick<ReceiverOf<'alertmanager'>, 'language' | 'repostIntervalMs'>,
  now: number,
) {
  const { alert, dedupKey, reason } = message;
  const text = messageText(message, language);
  const startsAt = Math.min(Date.parse(alert.openedAt), now);
  // It takes the time for the end: one that our clock sees and its own does not yet would still be open.
  const ended = Math.max(startsAt, Math.min(now, Date.parse(alert.resolvedAt ?? '') || now));
  const endsAt =
    reason === 'test' ? now + TEST_MS : alert.status === 'resolved' ? ended : now + MISSED_POSTS * repostIntervalMs;
  return {
    labels: {
      ...Object.fromEntries(Object.entries(alert.labels).map(([key, value]) => [labelName(key), value])),
      alertname: alert.rule,
      severity: alert.severity,
      kind: alert.kind,
      ...present({ account: alert.account, api: alert.api, template: alert.template }),
      alert: alert.id,
    },
    annotations: {
      summary: text.headline,
      description: [...text.lines, ...text.samples.map(({ text, url }) => [text, url].filter(Boolean).join(' '))].join(
        '\n',
      ),
      dedup_key: dedupKey,
      status: alert.status,
      reason,
    },
    startsAt: new Date(startsAt).toISOString(),
    endsAt: new Date(endsAt).toISOString(),
    ...(text.link === null ? {} : { generatorURL: text.link.url }),
  };
}

function labelName(key: string): string {
  return key.replace(/[^a-zA-Z0-9_]/g, '_').replace(/^(?=\d)/, '_');
}

function present(labels: Record<string, string | null>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).filter((entry): entry is [string, string] => entry[1] !== null));
}
