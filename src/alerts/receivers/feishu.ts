import { createHmac } from 'node:crypto';
import { DeliveryFailed, type Channel } from '../../delivery/channel.js';
import type { ReceiverOf } from '../../settings/receiver-settings.js';
import type { Proxies } from '../../vendors/vendor-client.js';
import type { AlertMessage } from '../alert-message.js';
import { messageText } from '../messages.js';
import { alertChannel, codeIn, postTo } from './receiver.js';

/** A robot may send 100 a minute. */
const PER_MINUTE = 90;
const TOO_FAST = 11232;
const COLORS = { info: 'blue', warning: 'orange', critical: 'red' } as const;

/** A custom robot in a Feishu or Lark group. It answers 200 also when it refuses, with a `code` that is not 0. */
export function feishu(receiver: ReceiverOf<'feishu'>, proxies: Proxies): Channel {
  const post = postTo(receiver.url, proxies);
  const { secret, language } = receiver;
  return alertChannel(
    async ({ message }, signal) => {
      const timestamp = String(Math.floor(Date.now() / 1000));
      const signed = secret === undefined ? {} : { timestamp, sign: feishuSignature(timestamp, secret) };
      const body = JSON.stringify({ ...signed, msg_type: 'interactive', card: cardOf(message, language) });
      const answered = await post.send(body, {}, signal);
      const { code, says } = codeIn(answered, 'code');
      if (code === 0) return answered;
      const retryAfterMs = code === TOO_FAST ? 60_000 : null;
      throw new DeliveryFailed(`refused: ${says}`, { status: answered.status, answer: says, retryAfterMs });
    },
    { perMinute: PER_MINUTE },
  );
}

/** The secret is a part of the key, and nothing is what is signed: https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot */
export function feishuSignature(timestampSeconds: string, secret: string): string {
  return createHmac('sha256', `${timestampSeconds}\n${secret}`).digest('base64');
}

/** `plain_text` everywhere: nothing that a vendor says can call all people of the group. */
function cardOf(message: AlertMessage, language: ReceiverOf<'feishu'>['language']) {
  const { headline, lines, samples, link, reference } = messageText(message, language);
  const plain = (content: string) => ({ tag: 'plain_text', content });
  const template = message.alert.status === 'resolved' ? 'green' : COLORS[message.alert.severity];
  const button = (url: string, text: string) => ({ tag: 'button', type: 'default', url, text: plain(text) });
  return {
    config: { wide_screen_mode: true },
    header: { template, title: plain(headline) },
    elements: [
      { tag: 'div', text: plain([...lines, ...samples.map(({ text }) => `· ${text}`)].join('\n')) },
      ...(link === null ? [] : [{ tag: 'action', actions: [button(link.url, link.text)] }]),
      { tag: 'note', elements: [plain(reference)] },
    ],
  };
}
