import type { Received } from './answer.js';
import { ImsError } from './ims-errors.js';
import { canonicalQuery, CLOCK_TOLERANCE_MS, headerOf, isSignature, sha256 } from './signing.js';

const ALGORITHM = 'ACS3-HMAC-SHA256';

/** Without these the signature would not bind the call to an action, a moment and a body. */
const ALWAYS_SIGNED = [
  'host',
  'x-acs-action',
  'x-acs-content-sha256',
  'x-acs-date',
  'x-acs-signature-nonce',
  'x-acs-version',
];

/** Checks a request as sheet section 10.3 describes it and returns the access key id it was signed with. */
export function verifiedKeyId(
  request: Received,
  secretOf: (accessKeyId: string) => string | undefined,
  now: number,
): string {
  const { accessKeyId, signedHeaders, signature } = authorization(request);
  const secret = secretOf(accessKeyId);
  if (secret === undefined) throw new ImsError('InvalidAccessKeyId.NotFound');
  checkDate(headerOf(request, 'x-acs-date'), now);

  const unsigned = ALWAYS_SIGNED.filter((name) => !signedHeaders.includes(name));
  if (unsigned.length > 0)
    throw new ImsError('SignatureDoesNotMatch', `These headers must be signed: ${unsigned.join(', ')}.`);
  if (headerOf(request, 'x-acs-content-sha256') !== sha256(request.body)) {
    throw new ImsError('SignatureDoesNotMatch', 'x-acs-content-sha256 is not the hash of the body.');
  }

  const stringToSign = stringToSignOf(request, signedHeaders);
  if (!isSignature(signature, secret, stringToSign)) {
    throw new ImsError(
      'SignatureDoesNotMatch',
      `Specified signature is not matched with our calculation. server string to sign is: ${stringToSign}`,
    );
  }
  return accessKeyId;
}

export function stringToSignOf(request: Received, signedHeaders: string[]): string {
  const canonicalRequest = [
    request.method,
    request.url.pathname,
    canonicalQuery(request.url.searchParams),
    ...signedHeaders.map((name) => `${name}:${headerOf(request, name)}`),
    '',
    signedHeaders.join(';'),
    headerOf(request, 'x-acs-content-sha256'),
  ].join('\n');
  return `${ALGORITHM}\n${sha256(canonicalRequest)}`;
}

function authorization(request: Received) {
  const value = headerOf(request, 'authorization');
  if (value === '') throw new ImsError('MissingParameter', 'The header Authorization is missing.');
  const match = /^ACS3-HMAC-SHA256 Credential=([^,]+),SignedHeaders=([^,]+),Signature=([0-9a-f]{64})$/.exec(value);
  if (!match) throw new ImsError('InvalidParameter', `The header Authorization is not of the form ${ALGORITHM}.`);
  const [, accessKeyId = '', names = '', signature = ''] = match;
  return { accessKeyId, signedHeaders: names.split(';'), signature };
}

function checkDate(date: string, now: number): void {
  if (date === '') throw new ImsError('MissingParameter', 'The header x-acs-date is missing.');
  const at = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(date) ? Date.parse(date) : NaN;
  if (Number.isNaN(at)) throw new ImsError('InvalidParameter', 'The header x-acs-date is not a UTC time.');
  if (Math.abs(now - at) > CLOCK_TOLERANCE_MS) throw new ImsError('InvalidTimeStamp.Expired');
}
