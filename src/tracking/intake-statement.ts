import type pg from 'pg';
import type { Via } from '../domain/observation.js';

/** A receipt on its way into the database. */
export type NewReceipt = {
  id: string;
  /** SHA-256 of what makes two receipts the same, hexadecimal. */
  keyHash: string;
  account: string;
  via: Via;
  api: string | null;
  asked: string[];
  verified: 'token' | 'signature' | 'credentials';
  httpStatus: number | null;
  contentType: string | null;
  body: Buffer;
  /** For an answer: its number and when it was asked for. Answers are applied each time, repeated or not. */
  evidence: { number: number; askedAt: Date } | null;
};

/** `fresh`: stored now. Otherwise the receipt that said the same before, counted once more. */
export type StoredReceipt = { receiptId: string; fresh: boolean };

/**
 * One statement for a whole group: the ledger counts, new bodies are stored, and what has to be applied is handed over.
 * All bodies travel in one binary parameter and are cut apart on the server, which costs a third of an array of bytea.
 * Keys are inserted in order, or two replicas would deadlock; twins inside the group are folded by the caller, since ON
 * CONFLICT cannot touch a row twice.
 */
const INTAKE = `
WITH input AS (
  SELECT * FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::int[],
                       $9::text[], $11::int[], $12::int[], $13::bigint[], $14::timestamptz[], $15::int[])
    AS t(key_hash, id, account, via, api, asked, verified, http_status,
         content_type, body_offset, body_length, number, asked_at, times)
), ledger AS (
  INSERT INTO receipt_keys AS k (key_hash, account, receipt_id, seen)
  SELECT decode(key_hash, 'hex'), account, id, times FROM input ORDER BY key_hash
  ON CONFLICT (key_hash) DO UPDATE SET seen = k.seen + excluded.seen, last_at = now()
  RETURNING key_hash, receipt_id, xmax = 0 AS fresh
), settled AS (
  SELECT input.*, ledger.receipt_id, ledger.fresh
  FROM input JOIN ledger ON ledger.key_hash = decode(input.key_hash, 'hex')
), stored AS (
  INSERT INTO receipts (id, account, via, api, asked, verified, http_status, content_type, body)
  SELECT id, account, via, api, coalesce(string_to_array(nullif(asked, ''), E'\\x1f'), '{}'), verified, http_status,
         content_type, substring($10::bytea FROM body_offset FOR body_length)
  FROM settled WHERE fresh
), handed_over AS (
  INSERT INTO pending_receipts (receipt_id, number, asked_at, repeated)
  SELECT receipt_id, coalesce(number, nextval('observation_number')), asked_at, NOT fresh
  FROM settled WHERE fresh OR number IS NOT NULL
)
SELECT key_hash, receipt_id, fresh FROM settled`;

type Querier = { query<Row extends pg.QueryResultRow>(statement: pg.QueryConfig): Promise<pg.QueryResult<Row>> };

/** Stores a group of receipts in one statement; answers in the order of the group. */
export async function storeReceipts(sql: Querier, group: NewReceipt[]): Promise<StoredReceipt[]> {
  const twins = new Map<string, { receipt: NewReceipt; times: number }>();
  for (const receipt of group) {
    const first = twins.get(receipt.keyHash);
    if (first) {
      first.times++;
      // Of equal answers the newest question counts; the others would change nothing.
      if ((receipt.evidence?.number ?? 0) > (first.receipt.evidence?.number ?? 0)) first.receipt = receipt;
    } else {
      twins.set(receipt.keyHash, { receipt, times: 1 });
    }
  }
  const rows = [...twins.values()];
  const column = <T>(read: (receipt: NewReceipt) => T): T[] => rows.map(({ receipt }) => read(receipt));
  let offset = 1;
  const offsets = column(({ body }) => (offset += body.length) - body.length);

  const { rows: settled } = await sql.query<{ key_hash: string; receipt_id: string; fresh: boolean }>({
    name: 'intake',
    text: INTAKE,
    values: [
      column(({ keyHash }) => keyHash),
      column(({ id }) => id),
      column(({ account }) => account),
      column(({ via }) => via),
      column(({ api }) => api),
      column(({ asked }) => asked.join('\x1f')),
      column(({ verified }) => verified),
      column(({ httpStatus }) => httpStatus),
      column(({ contentType }) => contentType),
      Buffer.concat(column(({ body }) => body)),
      offsets,
      column(({ body }) => body.length),
      column(({ evidence }) => evidence?.number ?? null),
      column(({ evidence }) => evidence?.askedAt ?? null),
      rows.map(({ times }) => times),
    ],
  });
  const byKey = new Map(settled.map((row) => [row.key_hash, row]));
  const answered = new Set<string>();
  return group.map(({ keyHash }) => {
    const row = byKey.get(keyHash);
    if (!row) throw new Error('The intake statement answered for fewer receipts than it was given');
    const fresh = row.fresh && !answered.has(keyHash);
    answered.add(keyHash);
    return { receiptId: row.receipt_id, fresh };
  });
}
