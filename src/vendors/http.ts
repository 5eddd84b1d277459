import { Agent, EnvHttpProxyAgent, type Dispatcher } from 'undici';
import type { Proxies } from './vendor-client.js';
import { VendorError } from './vendor-error.js';

/** For the connection, for the first byte of the answer, and between two bytes of it. */
export const SILENCE_MS = 5000;
/** For all of it: half of the lease under which a job is asked about. */
const LONGEST_MS = 10_000;
/** Far above any answer about jobs; a page without an end must not fill the memory. */
const LARGEST_BODY = 8 * 1024 * 1024;
const LONGEST_REASON = 200;
/** What a vendor may make us wait; it shall not hide a job for a day. */
const LONGEST_WAIT_MS = 3_600_000;
/** This machine is never reached through a proxy, whatever NO_PROXY says. */
const LOOPBACK = 'localhost,127.0.0.1,[::1]';

type Headers = Record<string, string>;
export type HttpAnswer = { status: number; headers: Record<string, string | string[] | undefined>; body: Buffer };

/** One vendor's host, straight or through the proxy of the environment. Follows no redirect, tries nothing twice. */
export class VendorHttp {
  readonly host: string;
  private readonly origin: string;
  private readonly dispatcher: Dispatcher;

  constructor(
    endpoint: string,
    proxies: Proxies,
    private readonly silenceMs = SILENCE_MS,
  ) {
    ({ host: this.host, origin: this.origin } = new URL(endpoint));
    this.dispatcher = dispatcherFor(this.origin, proxies, { timeout: silenceMs });
  }

  /** The whole answer, whatever its status. Rejects with a transient `VendorError` when there is none. */
  async send(method: 'GET' | 'POST' | 'HEAD', path: string, headers: Headers): Promise<HttpAnswer> {
    try {
      const {
        statusCode,
        headers: theirs,
        body,
      } = await this.dispatcher.request({
        origin: this.origin,
        path,
        method,
        headers,
        headersTimeout: this.silenceMs,
        bodyTimeout: this.silenceMs,
        signal: AbortSignal.timeout(LONGEST_MS),
      });
      return { status: statusCode, headers: theirs, body: await whole(body) };
    } catch (error) {
      throw error instanceof VendorError ? error : noAnswer(error);
    }
  }

  /** How far our clock is ahead of the host's, in ms, by the `Date` of any answer; null when there is none. */
  async clockSkewMs(): Promise<number | null> {
    try {
      const { headers } = await this.send('HEAD', '/', {});
      const theirs = Date.parse(String(headers['date']));
      return Number.isNaN(theirs) ? null : Date.now() - theirs;
    } catch {
      return null;
    }
  }
}

/** How long the `Retry-After` of an answer asks to wait, given in seconds or as a date; null when it does not. */
export function retryAfterMs(headers: HttpAnswer['headers'], now: number): number | null {
  const value = String(headers['retry-after'] ?? '');
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now;
  return ms > 0 ? Math.min(ms, LONGEST_WAIT_MS) : null;
}

/**
 * The way to `origin`, straight or through the proxy; `connect` is how a straight connection is made. Everything is given:
 * what is left out, the library reads from the environment itself.
 */
export function dispatcherFor(
  origin: string,
  { http, https, except }: Proxies,
  connect: Agent.Options['connect'],
): Dispatcher {
  const proxy = origin.startsWith('https:') ? https : http;
  if (proxy === null) return new Agent({ connect });
  const noProxy = /(^|[,\s])\*([,\s]|$)/.test(except) ? '*' : `${except},${LOOPBACK}`;
  const proxyTls = { timeout: SILENCE_MS };
  return new EnvHttpProxyAgent({ connect, proxyTls, httpProxy: proxy, httpsProxy: proxy, noProxy });
}

async function whole(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    // Leaving the loop ends the connection.
    if (size > LARGEST_BODY)
      throw new VendorError('transient', 'AnswerTooLarge', `the answer exceeds ${LARGEST_BODY} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The network's own words: they name an address at most. */
function noAnswer(error: unknown): VendorError {
  const { name = 'Error', message = '' } = error instanceof Error ? error : {};
  const code = (error as { code?: unknown } | null)?.code;
  const word = typeof code === 'string' ? code : name;
  return new VendorError('transient', word, (message === '' ? word : message).slice(0, LONGEST_REASON), {
    cause: error,
  });
}
