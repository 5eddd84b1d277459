import { Webhook } from 'standardwebhooks';

/**
 * The three headers of Standard Webhooks (https://www.standardwebhooks.com), signed with every secret, so that one can be
 * replaced. `id` is the same at every attempt.
 */
export function signatureHeaders(
  id: string,
  sentAt: Date,
  body: string,
  secrets: readonly string[],
): Record<string, string> {
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(sentAt.getTime() / 1000)),
    'webhook-signature': secrets.map((secret) => new Webhook(secret).sign(id, sentAt, body)).join(' '),
  };
}
