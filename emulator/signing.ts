import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Received } from './answer.js';

/** What the signatures of both vendors are made of. */

/** Further off than this a request is refused (both vendors). */
export const CLOCK_TOLERANCE_MS = 15 * 60 * 1000;

export function sha256(data: Buffer | string): string {
  return createHash('sha256').update(data).digest('hex');
}

/** Every character but the unreserved ones of RFC 3986. */
export function encoded(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

export function headerOf({ headers }: Pick<Received, 'headers'>, name: string): string {
  const value = headers[name];
  return (Array.isArray(value) ? value.join(',') : (value ?? '')).trim();
}

/** Whether the signature, in hexadecimal digits, is that of the text. */
export function isSignature(signature: string, secret: string, text: string): boolean {
  const expected = createHmac('sha256', secret).update(text).digest();
  const given = Buffer.from(signature, 'hex');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** By name, then by value where one name comes several times. */
export function canonicalQuery(query: URLSearchParams): string {
  const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
  return [...query]
    .sort(([a, x], [b, y]) => order(a, b) || order(x, y))
    .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
    .join('&');
}
