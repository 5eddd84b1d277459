import { createHash } from 'node:crypto';
import stringify from 'safe-stable-stringify';

/**
 * Numbers that `JSON.parse` would bend: beyond 2^53 or with an exponent. Two bodies that differ only there must not
 * become one receipt, so such a body is compared byte for byte.
 */
const BENDABLE = /[:[,]\s*-?(\d{17,}|9\d{15}|[\d.]+[eE])/;

/** What makes two callbacks of one account the same: their JSON, whatever the order of keys and the white space. */
export function callbackKey(account: string, body: Buffer): string {
  return hashed(['callback', account, canonical(body)]);
}

/** What makes two answers the same: the query, and the answer without the id the vendor gives each request. */
export function answerKey(account: string, api: string, asked: readonly string[], body: Buffer): string {
  return hashed(['answer', account, api, ...asked, canonical(body, 'RequestId')]);
}

function canonical(body: Buffer, without?: string): string | Buffer {
  const text = body.toString('utf8');
  if (BENDABLE.test(text)) return without === undefined ? body : text.replace(/"RequestId"\s*:\s*"[^"]*"/, '');
  try {
    const document: unknown = JSON.parse(text);
    if (without !== undefined && typeof document === 'object' && document !== null) {
      delete (document as Record<string, unknown>)[without];
    }
    return stringify(document) ?? body;
  } catch {
    // Not JSON, or nested deeper than the stack is: the bytes speak for themselves.
    return body;
  }
}

function hashed(parts: (string | Buffer)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.length}:`).update(part);
  return hash.digest('hex');
}
