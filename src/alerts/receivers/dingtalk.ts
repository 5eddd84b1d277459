import { createHmac } from 'node:crypto';
import { DeliveryFailed, type Channel } from '../../delivery/channel.js';
import type { ReceiverOf } from '../../settings/receiver-settings.js';
import type { Proxies } from '../../vendors/vendor-client.js';
import { messageText, plainText } from '../messages.js';
import { alertChannel, codeIn, postTo } from './receiver.js';

/** A robot that sends more than 20 a minute is muted for ten minutes; they count by their own clock. */
const PER_MINUTE = 18;
/** "send too fast" and "webhook over limit". */
const TOO_FAST = [130101, 90030];
const MUTED_MS = 600_000;

/** A custom robot in a DingTalk group. It answers 200 also when it refuses, with an `errcode` that is not 0. */
export function dingtalk(receiver: ReceiverOf<'dingtalk'>, proxies: Proxies): Channel {
  const post = postTo(receiver.url, proxies);
  const { secret, language } = receiver;
  return alertChannel(
    async ({ message }, signal) => {
      // Plain text: in markdown a vendor's words could be links and headings.
      const body = JSON.stringify({ msgtype: 'text', text: { content: plainText(messageText(message, language)) } });
      const timestamp = String(Date.now());
      const query = secret === undefined ? undefined : { timestamp, sign: dingtalkSignature(timestamp, secret) };
      const answered = await post.send(body, {}, signal, query);
      const { code, says } = codeIn(answered, 'errcode');
      if (code === 0) return answered;
      const retryAfterMs = TOO_FAST.includes(code) ? MUTED_MS : null;
      throw new DeliveryFailed(`refused: ${says}`, { status: answered.status, answer: says, retryAfterMs });
    },
    { perMinute: PER_MINUTE },
  );
}

/** https://open.dingtalk.com/document/robots/customize-robot-security-settings */
export function dingtalkSignature(timestampMs: string, secret: string): string {
  return createHmac('sha256', secret).update(`${timestampMs}\n${secret}`).digest('base64');
}
