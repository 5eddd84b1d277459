import type { Channel } from '../../delivery/channel.js';
import type { ReceiverOf } from '../../settings/receiver-settings.js';
import type { Proxies } from '../../vendors/vendor-client.js';
import { clipped, messageText, plainText, type MessageText } from '../messages.js';
import { alertChannel, postTo } from './receiver.js';

/** Slack takes one a second, and some more in a burst. */
const PER_MINUTE = 50;
const LONGEST_HEADER = 150;
const LONGEST_SECTION = 3000;

/** An incoming webhook of Slack; Mattermost and others understand the same. */
export function slack(receiver: ReceiverOf<'slack'>, proxies: Proxies): Channel {
  const post = postTo(receiver.url, proxies);
  return alertChannel(
    ({ message }, signal) => post.send(JSON.stringify(slackBody(messageText(message, receiver.language))), {}, signal),
    { perMinute: PER_MINUTE },
  );
}

export function slackBody(text: MessageText) {
  const { headline, lines, samples, link, reference } = text;
  const jobs = samples.map(({ text, url }) => `• ${url === null ? escaped(text) : `<${url}|${escaped(text)}>`}`);
  const known = samples.some(({ url }) => url !== null && url === link?.url);
  const more = link === null || known ? [] : [`<${link.url}|${escaped(link.text)}>`];
  const section = fitting([...lines.map(escaped), ...jobs, ...more]).join('\n');
  return {
    // What a telephone shows, and readers of screens read.
    text: escaped(plainText(text)),
    unfurl_links: false,
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: clipped(headline, LONGEST_HEADER), emoji: false } },
      { type: 'section', text: { type: 'mrkdwn', text: section } },
      { type: 'context', elements: [{ type: 'plain_text', text: reference, emoji: false }] },
    ],
  };
}

/** Whole lines only: half a link or half an entity would be shown as it is. */
function fitting(lines: readonly string[]): string[] {
  let room = LONGEST_SECTION;
  return lines.filter((line) => (room -= line.length + 1) >= 0);
}

/** All that Slack gives a meaning to, `<!channel>` included (https://docs.slack.dev/messaging/formatting-message-text). */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
