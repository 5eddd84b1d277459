import { isIP } from 'node:net';
import { z } from 'zod';
import { filterInYaml, filterProblems } from './filter-settings.js';
import { targetUrl, webhookSecret } from './receiver-settings.js';

/** What endpoints can be sent (docs/webhooks.md). */
export const EVENT_TYPES = [
  'job.succeeded',
  'job.failed',
  'job.partially_failed',
  'subjob.failed',
  'output.ready',
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

const addressOrHost = z
  .string()
  .transform((text) => text.toLowerCase())
  .refine(isAddressOrHost, 'must be an address, a range such as 10.1.0.0/16, or the name of a host');

const Endpoint = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be lower case letters, digits and dashes'),
  url: targetUrl,
  secrets: z.array(webhookSecret).min(1, 'must hold at least one secret'),
  events: z
    .array(z.enum(EVENT_TYPES, `must be one of ${EVENT_TYPES.join(', ')}`))
    .min(1, 'must name at least one event; leave it out for all')
    .default([...EVENT_TYPES]),
  filter: filterInYaml.optional(),
});
/** A service of a customer that is sent what happens to jobs. */
export type Endpoint = z.infer<typeof Endpoint>;

/** `webhooks` in `callsheet.yaml`. */
export const WebhooksFile = z
  .strictObject({
    /** Addresses of private networks that endpoints may have: addresses, ranges, names of hosts. */
    allowPrivateAddresses: z.array(addressOrHost).default([]),
    endpoints: z.array(Endpoint).default([]),
  })
  .prefault({});
export type WebhookSettings = z.infer<typeof WebhooksFile>;

function isAddressOrHost(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/');
  const family = isIP(address);
  // What ends in a number is an address, or meant to be one.
  if (family === 0) return /^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/.test(text) && !/(^|\.)\d+$/.test(text);
  return more.length === 0 && (bits === undefined || (/^\d+$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128)));
}

/** What the schemas cannot tell: names that are used twice, filters that lead nowhere, job data in the open. */
export function webhookProblems(
  { endpoints, allowPrivateAddresses }: WebhookSettings,
  accounts: readonly string[],
): string[] {
  const names = endpoints.map(({ name }) => name);
  return endpoints.flatMap(({ name, url, filter = {} }, i) => {
    const place = `webhooks.endpoints[${i}]`;
    const inTheOpen = new URL(url).protocol === 'http:' && allowPrivateAddresses.length === 0;
    return [
      ...(names.indexOf(name) === i ? [] : [`${place}.name: ${name} is used twice`]),
      ...(inTheOpen ? [`${place}.url: must be https://; http:// is for hosts in allowPrivateAddresses`] : []),
      ...filterProblems(filter, accounts).map(([key, problem]) => `${place}.filter.${key}: ${problem}`),
    ];
  });
}

/** What of an endpoint must never be shown. Short words of a query are ordinary ones. */
export function secretsOfEndpoint({ url, secrets }: Endpoint): string[] {
  return [...secrets, ...[...new URL(url).searchParams.values()].filter((value) => value.length >= 12)];
}
