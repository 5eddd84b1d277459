import { hash } from 'node:crypto';

/** What makes two callbacks of one account the same: their JSON, whatever the order of keys and the white space. */
export function callbackKey(account: string, body: Buffer): string {
  return hashed(['callback', account, canonical(body)]);
}

/** What makes two answers the same: the query, and the answer without the id the vendor gives each request. */
export function answerKey(account: string, api: string, asked: readonly string[], body: Buffer): string {
  return hashed(['answer', account, api, ...asked, canonical(body, 'RequestId')]);
}

/**
 * One text for all ways to write the same document. What is not exactly a document goes by its bytes, marked as such: nobody
 * may make bytes up that stand for somebody else's document.
 */
function canonical(body: Buffer, without?: string): string {
  const text = body.toString('utf8');
  try {
    const document: unknown = JSON.parse(text);
    if (without !== undefined && typeof document === 'object' && document !== null) {
      delete (document as Record<string, unknown>)[without];
    }
    const written = write(document);
    if (written.isWellFormed()) return written;
  } catch {
    // Not JSON, or a number that is bent, or nested deeper than the stack is: the bytes speak for themselves.
  }
  const bytes = without === undefined ? body.toString('latin1') : text.replace(/"RequestId"\s*:\s*"[^"]*"/, '');
  return `bytes ${bytes}`;
}

/** Keys in order, and lengths before texts: nothing has to be escaped, which is most of what writing JSON costs. */
function write(value: unknown): string {
  if (typeof value === 'string') return `"${value.length}:${value}`;
  if (typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER) throw new BentNumber();
  if (typeof value !== 'object' || value === null) return `${String(value)},`;
  // Added up and not joined, because `join` copies all text of the deeper levels once a level.
  if (Array.isArray(value)) {
    let text = '[';
    for (const item of value) text += write(item);
    return `${text}]`;
  }
  const members = value as Record<string, unknown>;
  let text = '{';
  for (const key of Object.keys(members).sort()) text += write(key) + write(members[key]);
  return `${text}}`;
}

/** Beyond 2^53 `JSON.parse` makes equal what is not; two bodies that differ only there must not become one receipt. */
class BentNumber extends Error {}

/** 16 of the 32 bytes, hexadecimal: as many as a uuid, which is the smallest column that holds them. */
function hashed(parts: readonly string[]): string {
  return hash('sha256', parts.map((part) => `${part.length}:${part}`).join('')).slice(0, 32);
}
