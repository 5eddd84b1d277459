import type { Received } from './answer.js';
import { HuaweiError } from './huawei-errors.js';
import { canonicalQuery, CLOCK_TOLERANCE_MS, encoded, headerOf, isSignature, sha256 } from './signing.js';

const ALGORITHM = 'SDK-HMAC-SHA256';

/** Without these the signature would not bind the call to a place and a moment. */
const ALWAYS_SIGNED = ['host', 'x-sdk-date'];

/** Checks a request as sheet section 4 describes it and returns the access key it was signed with. */
export function verifiedAccess(
  request: Received,
  secretOf: (accessKeyId: string) => string | undefined,
  now: number,
): string {
  const { accessKeyId, signedHeaders, signature } = authorization(request);
  const secret = secretOf(accessKeyId);
  if (secret === undefined) throw refused('the access key is unknown');

  const sentAt = timeOf(headerOf(request, 'x-sdk-date'));
  if (sentAt === null) throw refused('X-Sdk-Date is missing or not a UTC time');
  if (Math.abs(now - sentAt) > CLOCK_TOLERANCE_MS) throw new HuaweiError('APIGW.0303');

  const unsigned = ALWAYS_SIGNED.filter((name) => !signedHeaders.includes(name));
  if (unsigned.length > 0) throw refused(`these headers must be signed: ${unsigned.join(', ')}`);
  if (!isSignature(signature, secret, stringToSignOf(request, signedHeaders))) {
    throw refused('verify aksk signature fail');
  }
  return accessKeyId;
}

export function stringToSignOf(request: Received, signedHeaders: string[]): string {
  const canonicalRequest = [
    request.method,
    canonicalPath(request.url.pathname),
    canonicalQuery(request.url.searchParams),
    ...signedHeaders.map((name) => `${name}:${headerOf(request, name)}`),
    '',
    signedHeaders.join(';'),
    sha256(request.body),
  ].join('\n');
  return `${ALGORITHM}\n${headerOf(request, 'x-sdk-date')}\n${sha256(canonicalRequest)}`;
}

/** Of the form `SDK-HMAC-SHA256 Access=<AK>, SignedHeaders=<a;b;c>, Signature=<hex>`. */
function authorization(request: Received) {
  const value = headerOf(request, 'authorization');
  const match = /^SDK-HMAC-SHA256 Access=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(value);
  if (!match)
    throw refused(value === '' ? 'there is none' : `the header Authorization is not of the form ${ALGORITHM}`);
  const [, accessKeyId = '', names = '', signature = ''] = match;
  return { accessKeyId, signedHeaders: names.split(';'), signature };
}

/** Each segment encoded, and always a slash at the end. */
function canonicalPath(pathname: string): string {
  try {
    const path = pathname.split('/').map(decodeURIComponent).map(encoded).join('/');
    return path.endsWith('/') ? path : `${path}/`;
  } catch {
    throw refused('the path is not encoded well');
  }
}

/** `YYYYMMDDTHHMMSSZ`. */
function timeOf(text: string): number | null {
  const [, ...parts] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text) ?? [];
  const [year, month, day, hour, minute, second] = parts;
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(time) ? null : time;
}

function refused(why: string): HuaweiError {
  return new HuaweiError('APIGW.0301', `Incorrect IAM authentication information: ${why}`);
}
