import { Webhook } from 'standardwebhooks';
import { z } from 'zod';
import { withoutTrailing } from '../domain/text.js';

export const LANGUAGES = ['en', 'zh'] as const;
export type Language = (typeof LANGUAGES)[number];

export const targetUrl = z
  .url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' })
  .refine((text) => URL.canParse(text) && new URL(text).username === '', 'must hold no user or password');

const secret = z.string().min(8, 'must have 8 characters or more');

/** As Standard Webhooks writes them: 24 to 64 bytes in base64. */
export const webhookSecret = z.string().refine((text) => {
  const bytes = Buffer.from(text.replace(/^whsec_/, ''), 'base64').length;
  try {
    return text.startsWith('whsec_') && bytes >= 24 && bytes <= 64 && new Webhook(text) instanceof Webhook;
  } catch {
    return false;
  }
}, 'must be whsec_ and 24 to 64 bytes in base64: echo whsec_$(openssl rand -base64 32)');

/** Control characters would end a header. */
const headerText = z
  .string()
  .min(1)
  .regex(/^\P{Cc}*$/u, 'must not hold line breaks or other control characters');
const mailbox = headerText.regex(/^([^<>@]*<)?[^<>@\s]+@[^<>@\s]+>?$/, 'must be an address such as ops@example.com');

const interval = z
  .string()
  .regex(/^\d+[smh]$/, 'must be a number and a unit: 30s, 5m, 1h')
  .transform((text) => Number(text.slice(0, -1)) * { s: 1e3, m: 6e4, h: 3.6e6 }[text.slice(-1) as 's'])
  .refine((ms) => ms >= 10_000 && ms <= 3.6e6, 'must be from 10s to 1h');

const every = {
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be lower case letters, digits and dashes'),
  severities: z
    .array(z.enum(['info', 'warning', 'critical'], 'must be info, warning or critical'))
    .min(1, 'must name at least one severity; leave it out for all')
    .optional(),
  language: z.enum(LANGUAGES, 'must be en or zh').optional(),
};

const Alertmanager = z.strictObject({
  ...every,
  type: z.literal('alertmanager'),
  /** With the path prefix, if it has one, and without `/api/v2/alerts`. */
  url: targetUrl.transform((text) => withoutTrailing(text, '/')),
  username: headerText.optional(),
  password: secret.optional(),
  bearerToken: secret.regex(/^[\x21-\x7e]*$/, 'must be printable ASCII').optional(),
  repostInterval: interval.default(300_000),
});

const WebhookReceiver = z.strictObject({
  ...every,
  type: z.literal('webhook'),
  url: targetUrl,
  secrets: z.array(webhookSecret).min(1, 'must hold at least one secret'),
});

const Slack = z.strictObject({ ...every, type: z.literal('slack'), url: targetUrl });
const DingTalk = z.strictObject({ ...every, type: z.literal('dingtalk'), url: targetUrl, secret: secret.optional() });
const Feishu = z.strictObject({ ...every, type: z.literal('feishu'), url: targetUrl, secret: secret.optional() });

const Email = z.strictObject({
  ...every,
  type: z.literal('email'),
  host: z.string().regex(/^[A-Za-z0-9.:-]+$/, 'must be a host such as smtp.example.com'),
  port: z.number().int().min(1).max(65535).optional(),
  tls: z.enum(['starttls', 'implicit', 'none'], 'must be starttls, implicit or none').default('starttls'),
  username: z.string().min(1).optional(),
  password: secret.optional(),
  from: mailbox,
  to: z.array(mailbox).min(1, 'must hold at least one address').max(50),
});

/** One entry of `alerts.receivers` in `callsheet.yaml`. */
export const ReceiverFile = z
  .discriminatedUnion('type', [Alertmanager, WebhookReceiver, Slack, DingTalk, Feishu, Email], {
    error: 'must have a type: alertmanager, webhook, slack, dingtalk, feishu or email',
  })
  .superRefine((receiver, context) => {
    const problem = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    const { type } = receiver;
    if (type === 'alertmanager' || type === 'email') {
      if ((receiver.username === undefined) !== (receiver.password === undefined))
        problem('password', 'username and password go together');
    }
    if (type === 'alertmanager' && receiver.username !== undefined && receiver.bearerToken !== undefined)
      problem('bearerToken', 'is one way to log in, username and password are the other; take one');
    if (type === 'email' && receiver.tls === 'none' && receiver.password !== undefined)
      problem('tls', 'none would send the password unencrypted; take starttls or implicit');
    if (type === 'dingtalk' && !new URL(receiver.url).searchParams.has('access_token'))
      problem('url', 'has no access_token; take the whole webhook address that DingTalk shows');
  });
export type ReceiverFile = z.infer<typeof ReceiverFile>;

type InForce<File> = Omit<File, 'severities' | 'language' | 'repostInterval'> & {
  /** null: all. */
  severities: readonly ('info' | 'warning' | 'critical')[] | null;
  language: Language;
} & (File extends { repostInterval: number } ? { repostIntervalMs: number } : unknown);

/** Whom alerts are told. */
export type Receiver = ReceiverFile extends infer File ? (File extends ReceiverFile ? InForce<File> : never) : never;
export type ReceiverOf<Type extends Receiver['type']> = Extract<Receiver, { type: Type }>;

/** `language` is that of receivers that name none. */
export function toReceiver(file: ReceiverFile, language: Language): Receiver {
  const common = { severities: file.severities ?? null, language: file.language ?? language };
  if (file.type !== 'alertmanager') return { ...file, ...common };
  const { repostInterval, ...rest } = file;
  return { ...rest, ...common, repostIntervalMs: repostInterval };
}

/** What is wrong with receivers taken together, each with its place. */
export function receiverProblems(receivers: readonly ReceiverFile[]): string[] {
  const names = receivers.map(({ name }) => name);
  return names.flatMap((name, i) =>
    names.indexOf(name) === i ? [] : [`alerts.receivers[${i}].name: ${name} is used twice`],
  );
}

/** What of a receiver must never be shown. Of a chat robot's address, the long parts are its password. */
export function secretsOfReceiver(receiver: Receiver): string[] {
  const { type } = receiver;
  if (type === 'email') return given(receiver.password);
  if (type === 'alertmanager') return given(receiver.password, receiver.bearerToken);
  const { pathname, searchParams } = new URL(receiver.url);
  const inUrl = [...pathname.split('/'), ...searchParams.values()].filter((part) => part.length >= 12);
  if (type === 'webhook') return [...receiver.secrets, ...inUrl];
  return type === 'slack' ? inUrl : [...inUrl, ...given(receiver.secret)];
}

function given(...secrets: (string | undefined)[]): string[] {
  return secrets.filter((secret) => secret !== undefined);
}
