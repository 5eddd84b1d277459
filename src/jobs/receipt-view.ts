import type { Json } from '../domain/observation.js';
import { isDeeperThan } from '../vendors/readers.js';
import type { Receipt, ReceiptItem } from './receipt-schemas.js';
import type { ReceiptRow } from './receipt-statements.js';

/** Deeper JSON is shown as text only: writing it again takes a stack frame a level. */
const DEEPEST = 200;

export function receiptItem(row: ReceiptRow): ReceiptItem {
  return {
    id: row.id,
    account: row.account,
    via: row.via as ReceiptItem['via'],
    api: row.api,
    asked: row.asked ?? [],
    verified: row.verified,
    httpStatus: row.httpStatus,
    contentType: row.contentType,
    receivedAt: (row.receivedAt ?? timeOf(row.id)).toISOString(),
    sizeBytes: row.sizeBytes,
    // Waiting comes first: a receipt that is replayed has its old problem until it was applied again.
    state: row.pending ? 'pending' : ((row.problem as ReceiptItem['state'] | null) ?? 'applied'),
    reason: row.pending ? null : row.reason,
    expired: row.receivedAt === null,
  };
}

/** A body as people can read it. `redact` is for what the answer's own redaction cannot see through. */
export function bodyView(
  body: Uint8Array,
  redact: (text: string) => string,
): Pick<Receipt, 'body' | 'bodyEncoding' | 'json'> {
  const text = textOf(body);
  if (text !== null) return { bodyEncoding: 'text', body: text, json: jsonOf(text) };
  // Base64 would carry a token past every search for it; latin1 keeps each byte one character.
  const bytes = Buffer.from(redact(Buffer.from(body).toString('latin1')), 'latin1');
  return { bodyEncoding: 'base64', body: bytes.toString('base64'), json: null };
}

function textOf(body: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return null;
  }
}

function jsonOf(text: string): unknown {
  try {
    const value = JSON.parse(text) as Json;
    return isDeeperThan(value, DEEPEST) ? null : value;
  } catch {
    return null;
  }
}

/** The moment in a UUIDv7, for receipts of which nothing else is left. */
function timeOf(id: string): Date {
  return new Date(parseInt(id.replaceAll('-', '').slice(0, 12), 16));
}
