import { hash, timingSafeEqual } from 'node:crypto';
import type { Account } from '../settings/settings.js';

/** How far a callback's timestamp may be off, in seconds. */
const TOLERANCE_SECONDS = 300;

export type SignatureHeaders = { timestamp: string | undefined; signature: string | undefined };

export type Verdict =
  | { ok: true; verified: 'token' | 'signature' }
  | { ok: false; reason: 'signature_missing' | 'signature_expired' | 'signature_wrong' };

/** Of each account, for as long as it is in force: digested once, not at each callback. */
const tokenDigests = new WeakMap<Account, Buffer[]>();

/** In constant time, whatever the lengths. */
export function hasToken(account: Account | undefined, token: string): boolean {
  const given = digest(token);
  let found = false;
  for (const expected of account ? digestsOf(account) : []) {
    if (timingSafeEqual(given, expected)) found = true;
  }
  return found;
}

function digestsOf(account: Account): Buffer[] {
  let digests = tokenDigests.get(account);
  if (!digests) {
    digests = (account.callback?.tokens ?? []).map(digest);
    tokenDigests.set(account, digests);
  }
  return digests;
}

/**
 * IMS signs the callback's address, a timestamp and the account's key by plain MD5, and not the body
 * (https://help.aliyun.com/zh/ims/user-guide/callback-authentication), so this shows who knows the key, not what was said.
 * The vendor does not say whether the query belongs to the address: either is taken.
 */
export function verifySignature(
  account: Account,
  addresses: readonly string[],
  { timestamp, signature }: SignatureHeaders,
  now: Date,
): Verdict {
  const callback = account.callback;
  if (!callback || callback.authKeys.length === 0) return { ok: true, verified: 'token' };
  if (timestamp === undefined || signature === undefined) {
    return callback.signature === 'required'
      ? { ok: false, reason: 'signature_missing' }
      : { ok: true, verified: 'token' };
  }
  const signedAt = /^\d{1,12}$/.test(timestamp) ? Number(timestamp) : Number.NaN;
  const given = Buffer.from(signature.toLowerCase());
  let matches = false;
  for (const authKey of callback.authKeys) {
    for (const address of addresses) {
      const expected = Buffer.from(imsSignature(address, timestamp, authKey));
      // How long a signature is, is no secret.
      if (given.length === expected.length && timingSafeEqual(given, expected)) matches = true;
    }
  }
  if (!matches) return { ok: false, reason: 'signature_wrong' };
  if (!(Math.abs(now.getTime() / 1000 - signedAt) <= TOLERANCE_SECONDS))
    return { ok: false, reason: 'signature_expired' };
  return { ok: true, verified: 'signature' };
}

export function imsSignature(address: string, timestamp: string, authKey: string): string {
  return hash('md5', `${address}|${timestamp}|${authKey}`);
}

function digest(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}
