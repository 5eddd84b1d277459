import type { Channel } from '../../delivery/channel.js';
import { signatureHeaders } from '../../delivery/standard-webhooks.js';
import type { ReceiverOf } from '../../settings/receiver-settings.js';
import type { Proxies } from '../../vendors/vendor-client.js';
import { messageText, plainText } from '../messages.js';
import { alertChannel, postTo } from './receiver.js';

/** Any service that takes Standard Webhooks (https://www.standardwebhooks.com): signed with every secret, so that one can be replaced. */
export function webhook(receiver: ReceiverOf<'webhook'>, proxies: Proxies): Channel {
  const post = postTo(receiver.url, proxies);
  return alertChannel(({ id, dedupKey, message, createdAt }, signal) => {
    const text = messageText(message, receiver.language);
    const body = JSON.stringify({
      type: `alert.${message.reason}`,
      timestamp: createdAt.toISOString(),
      data: { ...message, summary: text.headline, text: plainText(text) },
    });
    const headers = { ...signatureHeaders(id, new Date(), body, receiver.secrets), 'x-callsheet-dedup-key': dedupKey };
    return post.send(body, headers, signal);
  });
}
