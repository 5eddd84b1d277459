import { RuntimeOptions } from '@darabonba/typescript';
import openApi from '@alicloud/openapi-core';
import type { VendorQuery } from '../vendor-api.js';
import { VendorError } from '../vendor-error.js';
import { errorKindOf, JOB_NOT_FOUND } from './ims-errors.js';

// The package is CommonJS: everything hangs on the default export, the client itself once more on `default`.
const { default: OpenApiClient, $OpenApiUtil } = openApi;
const { Config, OpenApiRequest, Params } = $OpenApiUtil;

const VERSION = '2020-11-09';
/** The client's `connectTimeout` also bounds the wait for the first byte of the answer. */
const TIMEOUTS = { connectTimeout: 5000, readTimeout: 5000 };

/** An answer of the vendor: its status, and its body as near to the wire as the client lets us have it. */
export type VendorAnswer = { httpStatus: number; body: Buffer };

export type ImsCredentials = { accessKeyId: string; accessKeySecret: string };

/** Calls Alibaba IMS through the vendor's generic client, which signs (ACS3-HMAC-SHA256) and knows nothing of the APIs. */
export class ImsClient {
  private readonly client: InstanceType<typeof OpenApiClient>;

  constructor(
    private readonly endpoint: string,
    region: string,
    credentials: ImsCredentials,
  ) {
    const { host, protocol } = new URL(endpoint);
    this.client = new OpenApiClient(
      new Config({ ...credentials, regionId: region, endpoint: host, protocol: protocol.replace(':', '') }),
    );
  }

  /** Resolves with an answer about the job, "no such job" included; rejects with a `VendorError` for everything else. */
  async call({ action, parameters }: VendorQuery): Promise<VendorAnswer> {
    const params = new Params({
      action,
      version: VERSION,
      protocol: 'HTTPS',
      pathname: '/',
      method: 'POST',
      authType: 'AK',
      style: 'RPC',
      reqBodyType: 'formData',
      // As text: the client's own parsing would lose what JSON.parse bends, and the receipt keeps what was said.
      bodyType: 'string',
    });
    try {
      const answer = (await this.client.callApi(
        params,
        new OpenApiRequest({ query: parameters }),
        new RuntimeOptions({ autoretry: false, ...TIMEOUTS }),
      )) as { statusCode?: number; body?: unknown };
      return textIn(answer);
    } catch (error) {
      return answerIn(error);
    }
  }

  /** How far our clock is ahead of the vendor's, in ms, by the `Date` of any answer; null when there is none. */
  async clockSkewMs(): Promise<number | null> {
    try {
      const response = await fetch(this.endpoint, { method: 'HEAD', signal: AbortSignal.timeout(5000) });
      const theirs = Date.parse(response.headers.get('date') ?? '');
      return Number.isNaN(theirs) ? null : Date.now() - theirs;
    } catch {
      return null;
    }
  }
}

/** Asked for text, the client takes a redirect and a 200 page of a proxy for answers like any other. */
function textIn({ statusCode = 200, body }: { statusCode?: number; body?: unknown }): VendorAnswer {
  if (statusCode !== 200 || typeof body !== 'string' || !body.trimStart().startsWith('{')) {
    throw new VendorError('transient', 'NotAnAnswer', `HTTP ${statusCode} with something that is not an answer`);
  }
  return { httpStatus: statusCode, body: Buffer.from(body, 'utf8') };
}

type ClientFailure = { code?: unknown; statusCode?: unknown; data?: unknown; retryAfter?: unknown };

/** The client ends the network's message with the request's, without so much as a blank between them. */
function withoutRequest(message: string): string {
  return message.replace(/(GET|POST) https?:\S+ failed\.?$/, '');
}

/** Every way in which the client fails, sorted: an error answer, a page that is not JSON, no answer at all. */
function answerIn(error: unknown): VendorAnswer {
  if (error instanceof VendorError) throw error;
  const { code, statusCode, data, retryAfter }: ClientFailure =
    typeof error === 'object' && error !== null ? error : {};
  const httpStatus = typeof statusCode === 'number' ? statusCode : null;
  const name = error instanceof Error ? error.name : 'Error';
  // A page that is not JSON comes as a bare SyntaxError without code or status, a late answer as RequestTimeoutError; an
  // answer without a code has the code "undefined".
  const word = typeof code === 'string' && code !== 'undefined' ? code : name;
  if (word === JOB_NOT_FOUND && typeof data === 'object' && data !== null) {
    // The client has parsed the body and added a field of its own to it.
    const { statusCode: _added, ...document } = data as Record<string, unknown>;
    return { httpStatus: httpStatus ?? 404, body: Buffer.from(JSON.stringify(document), 'utf8') };
  }
  const notJson = name === 'SyntaxError' || name === 'TypeError';
  const text = notJson ? 'the answer is not JSON' : error instanceof Error ? withoutRequest(error.message) : word;
  throw new VendorError(errorKindOf(word, httpStatus), word, text, {
    cause: error,
    // The unit of `x-acs-retry-after` is not documented; below a thousand it can only be seconds.
    retryAfterMs:
      typeof retryAfter === 'number' && retryAfter > 0 ? (retryAfter < 1000 ? retryAfter * 1000 : retryAfter) : null,
  });
}
