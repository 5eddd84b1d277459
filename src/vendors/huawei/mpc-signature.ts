import { createHash, createHmac } from 'node:crypto';
import { byText, encodedPath, encodedQuery, type Query } from '../rfc3986.js';

const ALGORITHM = 'SDK-HMAC-SHA256';

/** What a signature covers: every header in `headers`, and a body that is always empty. */
export type SignedCall = {
  method: 'GET';
  /** Not encoded, such as `/v2/…/editing/jobs`. */
  path: string;
  query: Query;
  headers: Record<string, string>;
};

type Credentials = { accessKeyId: string; accessKeySecret: string };

/**
 * Signs a call as Huawei Cloud's gateway checks it, and returns its headers. The host must be among them.
 * https://support.huaweicloud.com/devg-apisign/apisign-devg-pdf.pdf
 */
export function signedHeaders(call: SignedCall, credentials: Credentials, at: Date): Record<string, string> {
  const date = at.toISOString().replace(/[-:]|\.\d+/g, '');
  const headers = { ...call.headers, 'x-sdk-date': date };
  const signed = Object.entries(headers)
    .map(([name, value]) => [name.toLowerCase(), value.trim()] as const)
    .sort(([a], [b]) => byText(a, b));
  const names = signed.map(([name]) => name).join(';');
  const canonicalRequest = [
    call.method,
    // With a slash at the end, whether the call has one or not.
    `${encodedPath(call.path).replace(/\/$/, '')}/`,
    encodedQuery(call.query),
    ...signed.map(([name, value]) => `${name}:${value}`),
    '',
    names,
    sha256(''),
  ].join('\n');
  const signature = createHmac('sha256', credentials.accessKeySecret)
    .update(`${ALGORITHM}\n${date}\n${sha256(canonicalRequest)}`)
    .digest('hex');
  const authorization = `${ALGORITHM} Access=${credentials.accessKeyId}, SignedHeaders=${names}, Signature=${signature}`;
  return { ...headers, authorization };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
