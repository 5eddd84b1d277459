import { createTransport } from 'nodemailer';
import type { SMTPTransportOptions } from 'nodemailer/lib/smtp-transport';
import { DeliveryFailed, type Channel } from '../../delivery/channel.js';
import type { ReceiverOf } from '../../settings/receiver-settings.js';
import { messageText, plainText, type MessageText } from '../messages.js';
import { alertChannel } from './receiver.js';

const PORTS = { starttls: 587, implicit: 465, none: 25 } as const;
const TIMEOUT_MS = 10_000;
/** Wrong password, or none: somebody may mend that within the day. */
const LOGIN = [530, 534, 535, 538];

/** Mail by SMTP. All mails about an alert hang in one thread: each refers to one that was never sent, as list software does. */
export function email(receiver: ReceiverOf<'email'>): Channel {
  const { host, tls, username, password, from, to, language } = receiver;
  const options: SMTPTransportOptions = {
    host,
    port: receiver.port ?? PORTS[tls],
    secure: tls === 'implicit',
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'none',
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  };
  if (username !== undefined && password !== undefined) options.auth = { user: username, pass: password };
  const transport = createTransport(options);
  const domain = /@([^>\s]+)/.exec(from)?.[1] ?? 'callsheet';
  return alertChannel(async ({ id, dedupKey, message }, signal) => {
    const text = messageText(message, language);
    const thread = `<alert-${message.alert.id}@${domain}>`;
    try {
      const { response, rejected } = await transport.sendMail({
        signal,
        from,
        to,
        subject: text.subject,
        text: plainText(text),
        html: htmlOf(text),
        messageId: `<${id}@${domain}>`,
        inReplyTo: thread,
        references: thread,
        headers: { 'Auto-Submitted': 'auto-generated', 'X-Callsheet-Dedup-Key': dedupKey },
      });
      const refused = rejected.length === 0 ? '' : `; refused for ${rejected.join(', ')}`;
      return { status: Number.parseInt(response, 10) || null, detail: response + refused };
    } catch (error) {
      throw failure(error);
    }
  });
}

function failure(error: unknown): DeliveryFailed {
  const { message, responseCode } = error as Error & { responseCode?: number };
  const status = responseCode ?? null;
  const permanent = status !== null && status >= 500 && !LOGIN.includes(status);
  return new DeliveryFailed(message, { status, permanent });
}

function htmlOf({ headline, lines, samples, link, reference }: MessageText): string {
  const linked = (text: string, url: string | null) =>
    url === null ? escaped(text) : `<a href="${escaped(url)}">${escaped(text)}</a>`;
  return [
    `<p><strong>${escaped(headline)}</strong></p>`,
    `<p>${lines.map(escaped).join('<br>')}</p>`,
    ...(samples.length === 0
      ? []
      : [`<ul>${samples.map(({ text, url }) => `<li>${linked(text, url)}</li>`).join('')}</ul>`]),
    ...(link === null ? [] : [`<p>${linked(link.text, link.url)}</p>`]),
    `<p><small>${escaped(reference)}</small></p>`,
  ].join('\n');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
