import openApi from '@alicloud/openapi-core';
import { createHash, randomUUID } from 'node:crypto';
import { retryAfterMs, VendorHttp, type HttpAnswer } from '../http.js';
import { isObject, parseJson } from '../readers.js';
import { encodedQuery } from '../rfc3986.js';
import type { Connection, VendorAnswer, VendorClient, VendorQuery } from '../vendor-client.js';
import { VendorError } from '../vendor-error.js';
import { errorKindOf, JOB_NOT_FOUND } from './ims-errors.js';

// The package is CommonJS: everything hangs on the default export, its helpers once more on `default`.
const { default: OpenApiUtil } = openApi.$OpenApiUtil;

const VERSION = '2020-11-09';
const ALGORITHM = 'ACS3-HMAC-SHA256';
const NO_BODY = createHash('sha256').update('').digest('hex');
const LONGEST_CODE = 64;
const LONGEST_REASON = 300;

/**
 * Calls Alibaba IMS, signed by the vendor's own library. What it sends is sent by us: the library's client takes
 * `httpsProxy` and `noProxy` and hands them to nobody (`doAction` of its runtime 1.0.5 never looks at them), has no other
 * place for a proxy, and keeps less of an answer than came.
 */
export class ImsClient implements VendorClient {
  private readonly http: VendorHttp;
  private readonly credentials: Connection['credentials'];

  constructor({ endpoint, credentials, proxies, silenceMs }: Connection) {
    this.http = new VendorHttp(endpoint, proxies, silenceMs);
    this.credentials = credentials;
  }

  async call({ action, parameters }: VendorQuery): Promise<VendorAnswer> {
    const headers: Record<string, string> = {
      host: this.http.host,
      'x-acs-action': action,
      'x-acs-version': VERSION,
      'x-acs-date': OpenApiUtil.getTimestamp(),
      'x-acs-signature-nonce': randomUUID(),
      'x-acs-content-sha256': NO_BODY,
      accept: 'application/json',
    };
    const { accessKeyId, accessKeySecret } = this.credentials;
    const request = { method: 'POST', pathname: '/', query: parameters as Record<string, string>, headers };
    headers['authorization'] = OpenApiUtil.getAuthorization(
      request as Parameters<typeof OpenApiUtil.getAuthorization>[0],
      ALGORITHM,
      NO_BODY,
      accessKeyId,
      accessKeySecret,
    );
    return sorted(await this.http.send('POST', `/?${encodedQuery(parameters)}`, headers));
  }

  clockSkewMs(): Promise<number | null> {
    return this.http.clockSkewMs();
  }
}

function sorted({ status, headers, body }: HttpAnswer): VendorAnswer {
  const text = body.toString('utf8');
  if (status === 200 && text.trimStart().startsWith('{')) return { httpStatus: status, body };
  const document = status < 400 ? null : parseJson(text)?.value;
  const retry = { retryAfterMs: acsRetryAfterMs(headers) ?? retryAfterMs(headers, Date.now()) };
  if (!isObject(document)) {
    // A gateway's or a proxy's page: it says nothing of us, unless that we are too many.
    const kind = status === 429 ? 'throttled' : 'transient';
    throw new VendorError(kind, 'NotAnAnswer', `HTTP ${status} with something that is not an answer`, retry);
  }
  const { Code, Message, RequestId } = document;
  const code = typeof Code === 'string' && Code !== '' ? Code.slice(0, LONGEST_CODE) : `HTTP ${status}`;
  if (code === JOB_NOT_FOUND) return { httpStatus: status, body };
  const reason = typeof Message === 'string' && Message !== '' ? Message.slice(0, LONGEST_REASON) : code;
  const named = typeof RequestId === 'string' ? `${reason} (request ${RequestId.slice(0, 64)})` : reason;
  throw new VendorError(errorKindOf(code, status), code, named, retry);
}

/** The unit of `x-acs-retry-after` is not documented; below a thousand it can only be seconds. */
function acsRetryAfterMs(headers: HttpAnswer['headers']): number | null {
  const value = Number.parseInt(String(headers['x-acs-retry-after']), 10);
  return value > 0 ? (value < 1000 ? value * 1000 : value) : null;
}
