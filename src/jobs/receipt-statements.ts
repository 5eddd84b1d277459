import type { SqlPool } from '../database/sql-pool.js';
import type { ReceiptState } from './receipt-schemas.js';
import { Values } from './values.js';

export type ReceiptRow = {
  id: string;
  account: string | null;
  via: string | null;
  api: string | null;
  asked: string[] | null;
  verified: string | null;
  httpStatus: number | null;
  contentType: string | null;
  receivedAt: Date | null;
  sizeBytes: number | null;
  pending: boolean;
  problem: string | null;
  reason: string | null;
};

const RECEIPT_COLUMNS = `x.id, r.account, r.via, r.api, r.asked, r.verified, r.http_status AS "httpStatus",
  r.content_type AS "contentType", r.received_at AS "receivedAt", octet_length(r.body) AS "sizeBytes",
  x.id IN (SELECT receipt_id FROM pending_receipts) AS pending, p.state AS problem, p.reason`;

/** Receipts by id, with what became of each; also those whose body is gone. Read without their bodies. */
export async function readReceipts(sql: SqlPool, ids: readonly string[]): Promise<ReceiptRow[]> {
  if (ids.length === 0) return [];
  const { rows } = await sql.query<ReceiptRow>({
    text: `SELECT ${RECEIPT_COLUMNS} FROM unnest($1::uuid[]) WITH ORDINALITY AS x(id, place)
           LEFT JOIN receipts r ON r.id = x.id LEFT JOIN receipt_problems p ON p.receipt_id = x.id ORDER BY x.place`,
    values: [ids],
  });
  return rows;
}

/**
 * Ids of receipts, newest first. Nothing says "applied" of a receipt: it is in none of the tables that say otherwise.
 * `NOT IN` on purpose: one hash of the waiting ones for the whole walk, where NOT EXISTS may look through them per row.
 */
export async function listReceiptIds(
  sql: SqlPool,
  states: readonly ReceiptState[] | undefined,
  accounts: readonly string[] | undefined,
  after: string | null,
  limit: number,
): Promise<string[]> {
  const bound = new Values();
  const waiting = `(SELECT receipt_id FROM pending_receipts)`;
  const before = after === null ? null : `${bound.add(after)}::uuid`;
  const take = `ORDER BY id DESC LIMIT ${bound.add(limit)}`;
  const where = (...conditions: (string | false | null | undefined)[]) =>
    `WHERE ${conditions.filter(Boolean).join(' AND ') || 'true'}`;

  // One branch per account keeps the order of the index (account, id).
  const stored = (...conditions: string[]) =>
    (accounts ? [...new Set(accounts)] : [null]).map((account) => {
      const own = account === null ? null : `r.account = ${bound.add(account)}`;
      return `(SELECT r.id FROM receipts r ${where(own, before && `r.id < ${before}`, ...conditions)} ${take})`;
    });
  const selects = states
    ? [...new Set(states)].flatMap((state) => {
        if (state === 'applied') {
          return stored(
            `r.id NOT IN ${waiting}`,
            'NOT EXISTS (SELECT FROM receipt_problems p WHERE p.receipt_id = r.id)',
          );
        }
        if (state === 'pending') {
          const own = accounts && `r.account = ANY(${bound.add(accounts)}::text[])`;
          return [
            `(SELECT DISTINCT w.receipt_id AS id FROM pending_receipts w JOIN receipts r ON r.id = w.receipt_id
              ${where(own, before && `w.receipt_id < ${before}`)} ${take})`,
          ];
        }
        const own = accounts && `p.account = ANY(${bound.add(accounts)}::text[])`;
        return [
          `(SELECT p.receipt_id AS id FROM receipt_problems p ${where(
            `p.state = ${bound.add(state)}`,
            own,
            before && `p.receipt_id < ${before}`,
            `p.receipt_id NOT IN ${waiting}`,
          )} ${take})`,
        ];
      })
    : stored();
  const { rows } = await sql.query<{ id: string }>({
    text: `SELECT id FROM (${selects.join(' UNION ALL ')}) AS page ${take}`,
    values: bound.list,
  });
  return rows.map(({ id }) => id);
}
