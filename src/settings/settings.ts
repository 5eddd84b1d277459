import { withoutTrailing } from '../domain/text.js';
import type { Vendor } from '../domain/vendor.js';
import type { Proxies } from '../vendors/vendor-client.js';
import { z } from 'zod';
import { AlertsFile, type AlertSettings } from './alert-settings.js';
import { duration } from './duration.js';
import { secretsOfReceiver } from './receiver-settings.js';
import { secretsOfEndpoint, WebhooksFile, type WebhookSettings } from './webhook-settings.js';

/** The vendor's limit for a callback address, in bytes (Alibaba IMS, SetEventCallback). */
export const CALLBACK_URL_LIMIT = 256;

const httpUrl = z
  .url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' })
  .transform((url) => withoutTrailing(url, '/'));

/** How often jobs are listed, and how far back at first. Vendors forget jobs after a year. */
const discover = z.preprocess(
  (value) => (value === true ? {} : value === false ? null : value),
  z
    .strictObject(
      {
        every: duration
          .refine((ms) => ms >= 10_000, 'must be 10s or more')
          .refine((ms) => ms <= 8.64e7, 'must be 1d or less')
          .default(600_000),
        window: duration
          .refine((ms) => ms >= 3.6e6, 'must be 1h or more')
          .refine((ms) => ms <= 365 * 8.64e7, 'must be 365d or less')
          .default(30 * 8.64e7),
      },
      'must be true, false, or such as { every: 10m, window: 30d }',
    )
    .nullable(),
);

const token = z
  .string()
  .min(16, 'must have 16 characters or more')
  .regex(/^[A-Za-z0-9._~-]*$/, 'may have letters, digits and . _ ~ - only, since it is part of a URL');

const everyAccount = {
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be lower case letters, digits and dashes'),
  region: z.string().regex(/^[a-z0-9-]+$/, 'must be a region such as cn-shanghai'),
  endpoint: httpUrl.optional(),
  labelsFromUserData: z.array(z.string().min(1).max(64)).default([]),
};

const AlibabaImsAccount = z.strictObject({
  ...everyAccount,
  vendor: z.literal('alibaba-ims'),
  accessKeyId: z.string().min(1).optional(),
  accessKeySecret: z.string().min(1).optional(),
  callback: z
    .strictObject({
      tokens: z.array(token).min(1, 'must hold at least one token'),
      authKeys: z.array(z.string().min(1)).default([]),
      signature: z.enum(['required', 'if-present']).default('required'),
    })
    .optional(),
  discover: discover.default(null),
  requestsPerSecond: z.number().positive().max(1000).default(20),
});

/** Nobody calls back for these jobs, so there are no claim-only accounts. */
const HuaweiMpcAccount = z.strictObject({
  ...everyAccount,
  vendor: z.literal('huawei-mpc'),
  projectId: z.string().regex(/^[0-9a-f]{32}$/, 'must be a project id: 32 characters of 0-9 and a-f'),
  accessKeyId: z.string().min(1),
  accessKeySecret: z.string().min(1),
  requestsPerMinute: z.number().positive().max(60_000).default(80),
});

/** `callsheet.yaml`, as people write it. */
export const ConfigFile = z.strictObject({
  publicUrl: httpUrl.optional(),
  accounts: z.array(z.discriminatedUnion('vendor', [AlibabaImsAccount, HuaweiMpcAccount])).default([]),
  retention: z
    .strictObject({ receiptBodies: duration.default(30 * 8.64e7), history: duration.default(400 * 8.64e7) })
    .prefault({}),
  alerts: AlertsFile,
  webhooks: WebhooksFile,
});
export type ConfigFile = z.infer<typeof ConfigFile>;

const port = z.coerce.number().int().min(0).max(65535);

/** As other programs take it: without a scheme it is an HTTP proxy. */
const proxyUrl = z
  .string()
  .transform((text) => (text.includes('://') ? text : `http://${text}`))
  .refine(isProxy, 'must be [http:// or https://][user:password@]host:port, user and password URL-encoded');

function isProxy(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  try {
    decodeURIComponent(username + password);
  } catch {
    return false;
  }
  return protocol === 'http:' || protocol === 'https:';
}

/** The environment variables Callsheet reads; the rest of the environment is none of its business. */
export const Environment = z.object({
  PORT: port.default(3000),
  HOST: z.string().min(1).optional(),
  NODE_ENV: z.string().optional(),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must begin with postgresql://')
    .optional(),
  REDIS_URL: z
    .string()
    .regex(/^rediss?:\/\//, 'must begin with redis:// or rediss://')
    .optional(),
  CALLSHEET_CONFIG: z.string().min(1).optional(),
  CALLBACK_PORT: port.optional(),
  CALLSHEET_DATA_DIR: z.string().min(1).default('./.callsheet'),
  CALLSHEET_API_KEY: z.string().min(16, 'must have 16 characters or more').optional(),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  HTTPS_PROXY: proxyUrl.optional(),
  https_proxy: proxyUrl.optional(),
  HTTP_PROXY: proxyUrl.optional(),
  http_proxy: proxyUrl.optional(),
  NO_PROXY: z.string().optional(),
  no_proxy: z.string().optional(),
});
export type Environment = z.infer<typeof Environment>;

export type Account = {
  name: string;
  vendor: Vendor;
  region: string;
  endpoint: string;
  /** null: claim-only; nobody polls, callbacks are all there is. */
  credentials: { accessKeyId: string; accessKeySecret: string } | null;
  callback: { tokens: string[]; authKeys: string[]; signature: 'required' | 'if-present' } | null;
  labelsFromUserData: string[];
  /** Huawei Cloud alone has it. */
  projectId: string | null;
  /** How often, and how far back, the vendor is asked to list jobs that nobody announced, in ms; null: never. */
  discover: { everyMs: number; windowMs: number } | null;
  /** The poll budget of each API of this account. */
  requestsPerSecond: number;
};

/** Everything the program was told, checked and complete. */
export type Settings = {
  host: string;
  port: number;
  callbackPort: number | null;
  databaseUrl: string | null;
  redisUrl: string | null;
  configFile: string | null;
  dataDir: string;
  apiKey: string | null;
  logLevel: Environment['LOG_LEVEL'];
  publicUrl: string | null;
  accounts: Account[];
  /** What vendors are reached through. */
  proxies: Proxies;
  retention: { receiptBodiesMs: number; historyMs: number };
  alerts: AlertSettings;
  webhooks: WebhookSettings;
};

/** Where every callback URL of ours begins; null without a public URL. */
export function callbackPrefix(settings: Pick<Settings, 'publicUrl'>): string | null {
  return settings.publicUrl === null ? null : `${settings.publicUrl}/callbacks/`;
}

export function callbackUrl(publicUrl: string, account: string, token: string): string {
  return `${publicUrl}/callbacks/${account}/${token}`;
}

/** What must never be shown: to nobody, or to nobody but `admin`. */
export function secretsOf(settings: Settings): { never: string[]; adminOnly: string[] } {
  const never = settings.accounts.flatMap(({ credentials, callback }) => [
    ...(credentials ? [credentials.accessKeySecret, credentials.accessKeyId] : []),
    ...(callback?.authKeys ?? []),
  ]);
  const urls = [settings.databaseUrl, settings.redisUrl, settings.proxies.http, settings.proxies.https].flatMap(
    passwordOf,
  );
  return {
    never: [
      ...never,
      ...urls,
      ...settings.alerts.receivers.flatMap(secretsOfReceiver),
      ...settings.webhooks.endpoints.flatMap(secretsOfEndpoint),
      ...(settings.apiKey === null ? [] : [settings.apiKey]),
    ],
    adminOnly: settings.accounts.flatMap(({ callback }) => callback?.tokens ?? []),
  };
}

function passwordOf(url: string | null): string[] {
  if (url === null || !URL.canParse(url)) return [];
  const { password } = new URL(url);
  return password === '' ? [] : [password, decodeURIComponent(password)];
}
