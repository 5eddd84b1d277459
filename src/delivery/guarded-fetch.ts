import { lookup, type LookupAddress } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import type { Dispatcher } from 'undici';
import { dispatcherFor, retryAfterMs, type HttpAnswer } from '../vendors/http.js';
import type { Proxies } from '../vendors/vendor-client.js';
import { DeliveryFailed, type Answered } from './channel.js';

const CONNECT_MS = 5_000;
/** Of an answer no more is read; whoever sends more is told so by the end of the connection. */
const LARGEST_ANSWER = 64 * 1024;

/** Addresses that are not of the internet: RFC 6890 and its like, also wrapped in IPv6 (mapped, NAT64, 6to4, Teredo). */
const PRIVATE = blockList([
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
  // Alibaba Cloud's metadata service.
  '100.100.100.200/32',
  '::/96',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '100::/64',
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '3fff::/20',
  '5f00::/16',
  'fc00::/7',
  'fe80::/9',
  'ff00::/8',
]);

/** Which addresses of private networks may be connected to: all of them, or these ranges (`10.1.0.0/16`) and host names. */
export type PrivateAddresses = 'allowed' | readonly string[];

/** An address that is refused, before anything is sent there. */
export class AddressRefused extends DeliveryFailed {
  constructor(host: string, address: string) {
    const where = host === address ? address : `${host} (${address})`;
    super(`${where} is a private, loopback, link-local or reserved address; allowPrivateAddresses can allow it`);
  }
}

/** Whether `address` may be connected to. */
export function addressAllowed(host: string, address: string, allowed: PrivateAddresses): boolean {
  if (allowed === 'allowed' || allowed.includes(host)) return true;
  if (!isIn(PRIVATE, address)) return true;
  return isIn(blockList(allowed.filter((entry) => isIP(entry.split('/')[0] ?? '') !== 0)), address);
}

/**
 * Posts to one URL. Follows no redirect, tries nothing twice, reads 64 KB of an answer at most. The guard is on the address that is
 * connected to, whatever the name resolved to before. Through a proxy of the environment it is the proxy that resolves names.
 */
export class GuardedPost {
  private readonly url: URL;
  private readonly dispatcher: Dispatcher;

  constructor(
    url: string,
    proxies: Proxies,
    private readonly allowed: PrivateAddresses,
  ) {
    this.url = new URL(url);
    this.dispatcher = dispatcherFor(this.url.origin, proxies, { timeout: CONNECT_MS, lookup: guardedLookup(allowed) });
  }

  /** Resolves with an answer of status 2xx. Throws `DeliveryFailed` for every other. `query` is added to the URL's own. */
  async send(
    body: string,
    headers: Record<string, string>,
    signal: AbortSignal,
    query: Record<string, string> = {},
  ): Promise<Answered> {
    // An address needs no resolving, so no lookup would notice it.
    const host = this.url.hostname.replace(/^\[|\]$/g, '');
    if (isIP(host) !== 0 && !addressAllowed(host, host, this.allowed)) throw new AddressRefused(host, host);
    const url = new URL(this.url);
    for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
    const { status, headers: theirs, text } = await this.post(url, body, headers, signal);
    if (status >= 200 && status < 300) return { status, detail: text };
    throw refusal(status, theirs, text);
  }

  private async post(url: URL, body: string, headers: Record<string, string>, signal: AbortSignal) {
    try {
      const answer = await this.dispatcher.request({
        origin: url.origin,
        path: url.pathname + url.search,
        method: 'POST',
        headers: { 'content-type': 'application/json', 'user-agent': 'Callsheet', ...headers },
        body,
        signal,
      });
      return { status: answer.statusCode, headers: answer.headers, text: await beginning(answer.body) };
    } catch (error) {
      throw error instanceof DeliveryFailed ? error : noAnswer(error);
    }
  }
}

function refusal(status: number, headers: HttpAnswer['headers'], answer: string): DeliveryFailed {
  const what = { status, answer };
  if (status >= 300 && status < 400) {
    const location = String(headers['location'] ?? 'nowhere');
    return new DeliveryFailed(`answered ${status}, a redirect to ${location}; redirects are not followed`, what);
  }
  return new DeliveryFailed(`answered ${status}${answer === '' ? '' : `: ${answer}`}`, {
    ...what,
    retryAfterMs: retryAfterMs(headers, Date.now()),
    // Whatever else is wrong, somebody may mend within the day.
    permanent: [400, 410, 413, 422].includes(status),
  });
}

function noAnswer(error: unknown): DeliveryFailed {
  const { name = 'Error', message = '' } = error instanceof Error ? error : {};
  const code = (error as { code?: unknown } | null)?.code;
  const word = typeof code === 'string' ? code : name;
  return new DeliveryFailed(`no answer: ${message === '' ? word : message}`);
}

async function beginning(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    size += chunk.length;
    // Leaving the loop ends the connection.
    if (size >= LARGEST_ANSWER) break;
  }
  // What no column can hold, nobody needs to see.
  return Buffer.concat(chunks).toString('utf8').replaceAll('\0', '').trim();
}

function guardedLookup(allowed: PrivateAddresses): LookupFunction {
  return (host, options, callback) => {
    lookup(host, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      if (error) return callback(error, '');
      const usable = addresses.filter(({ address }) => addressAllowed(host, address, allowed));
      const [first] = usable;
      if (!first) return callback(new AddressRefused(host, addresses[0]?.address ?? ''), '');
      if (options.all) callback(null, usable);
      else callback(null, first.address, first.family);
    });
  };
}

function blockList(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', bits] = range.split('/');
    const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
    list.addSubnet(address, Number(bits ?? (family === 'ipv4' ? 32 : 128)), family);
  }
  return list;
}

function isIn(list: BlockList, address: string): boolean {
  return list.check(address.split('%', 1)[0] ?? '', isIP(address) === 4 ? 'ipv4' : 'ipv6');
}
