import { randomFillSync } from 'node:crypto';
import type pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import type { SqlPool } from '../database/sql-pool.js';
import type { Via } from '../domain/observation.js';

/** A receipt on its way into the database. */
export type NewReceipt = {
  /** What makes two receipts the same: 16 bytes of a hash, hexadecimal. */
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

/** `fresh`: stored now. Otherwise one that said the same was there before, and is counted once more. */
export type StoredReceipt = { fresh: boolean };

/**
 * One statement for a whole group: the ledger counts, new bodies are stored, and what has to be applied is handed over.
 * What it costs is mostly reading parameters: so all bodies travel in one and are cut apart on the server, what every row
 * has of its own goes in binary arrays, and what callbacks have in common (`label`) goes once. Keys are inserted in
 * order, or two replicas would deadlock; twins inside the group are folded by the caller, since ON CONFLICT cannot touch a
 * row twice.
 */
const INTAKE = `
WITH input AS (
  SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::int[], $5::int[], $6::int[])
    AS t(key_hash, id, label, body_offset, body_length, times)
), labels AS (
  SELECT * FROM json_to_recordset($7::json) AS l(label int, account text, via text, api text, asked text[], verified text,
    "httpStatus" int, "contentType" text, number bigint, "askedAt" timestamptz)
), ledger AS (
  INSERT INTO receipt_keys AS k (key_hash, receipt_id, seen)
  SELECT key_hash, id, times FROM input ORDER BY key_hash
  ON CONFLICT (key_hash) DO UPDATE SET seen = k.seen + excluded.seen, last_at = now()
  RETURNING key_hash, receipt_id, xmax = 0 AS fresh
), settled AS (
  SELECT * FROM input JOIN ledger USING (key_hash) JOIN labels USING (label)
), stored AS (
  INSERT INTO receipts (id, account, via, api, asked, verified, http_status, content_type, body)
  SELECT id, account, via, api, asked, verified, "httpStatus", "contentType",
         substring($8::bytea FROM body_offset FOR body_length)
  FROM settled WHERE fresh
), handed_over AS (
  INSERT INTO pending_receipts (receipt_id, number, asked_at, repeated)
  SELECT receipt_id, coalesce(number, nextval('observation_number')), "askedAt", NOT fresh
  FROM settled WHERE fresh OR number IS NOT NULL
)
SELECT key_hash FROM ledger WHERE NOT fresh`;

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
  const bodies = rows.map(({ receipt }) => receipt.body);
  let offset = 1;
  const offsets = bodies.map(({ length }) => (offset += length) - length);
  const labels = new Labels();

  const { rows: known } = await sql.query<{ key_hash: string }>({
    name: 'intake',
    text: INTAKE,
    values: [
      uuids(rows, ({ receipt }, bytes, at) => bytes.write(receipt.keyHash, at, 'hex')),
      uuids(rows, (_, bytes, at) => newId(bytes, at)),
      integers(rows.map(({ receipt }) => labels.of(receipt))),
      integers(offsets),
      integers(bodies.map(({ length }) => length)),
      integers(rows.map(({ times }) => times)),
      JSON.stringify(labels.list),
      Buffer.concat(bodies),
    ],
  });
  // The first of twins is the one that was stored.
  const counted = new Set(known.map((row) => row.key_hash.replaceAll('-', '')));
  return group.map(({ keyHash }) => {
    const fresh = !counted.has(keyHash);
    counted.add(keyHash);
    return { fresh };
  });
}

/** Undoes a transaction without failing it. */
class Undone extends Error {}

/** Writes a receipt as large as a common one and rolls it back. Rejects with the database's error when that is impossible. */
export async function tryToStoreReceipt(sql: SqlPool): Promise<void> {
  try {
    await sql.transaction(async (client) => {
      await client.query({
        text: `INSERT INTO receipts (id, account, via, verified, body) VALUES ($1, '', 'callback', 'token', $2)`,
        values: [uuidv7(), Buffer.alloc(2048)],
      });
      throw new Undone();
    });
  } catch (error) {
    if (!(error instanceof Undone)) throw error;
  }
}

/** What is said of a receipt beside its body, once for all receipts of which the same is said. */
class Labels {
  readonly list: object[] = [];
  private readonly ofCallbacks = new Map<string, number>();

  of({ account, via, api, asked, verified, httpStatus, contentType, evidence }: NewReceipt): number {
    const key = evidence ? null : `${account} ${verified} ${contentType}`;
    const known = key === null ? undefined : this.ofCallbacks.get(key);
    if (known !== undefined) return known;
    const label = this.list.length;
    this.list.push({ label, account, via, api, asked, verified, httpStatus, contentType, ...evidence });
    if (key !== null) this.ofCallbacks.set(key, label);
    return label;
  }
}

const RANDOM = Buffer.alloc(16 * 256);
let randomLeft = 0;
let sequence = 0;

/** A UUIDv7, in order within the process. Randomness is drawn for many at once, which is a tenth of what it costs. */
function newId(bytes: Buffer, at: number): void {
  if (randomLeft === 0) {
    randomFillSync(RANDOM);
    randomLeft = RANDOM.length;
  }
  randomLeft -= 16;
  sequence = (sequence + 1) >>> 0;
  uuidv7({ random: RANDOM.subarray(randomLeft, randomLeft + 16), seq: sequence }, bytes, at);
}

const UUID_OID = 2950;
const INTEGER_OID = 23;

/** A `uuid[]` as Postgres sends and takes it; `write` puts the 16 bytes of a row in their place. */
function uuids<Row>(rows: readonly Row[], write: (row: Row, bytes: Buffer, at: number) => void): Buffer {
  return binaryArray(UUID_OID, 16, rows, write);
}

function integers(values: readonly number[]): Buffer {
  return binaryArray(INTEGER_OID, 4, values, (value, bytes, at) => bytes.writeInt32BE(value, at));
}

/** Dimensions, nulls, type, length and lower bound; then each element behind its size. `pg` sends a buffer as binary. */
function binaryArray<T>(
  oid: number,
  size: number,
  values: readonly T[],
  write: (value: T, bytes: Buffer, at: number) => void,
): Buffer {
  const bytes = Buffer.allocUnsafe(20 + values.length * (4 + size));
  for (const [i, word] of [1, 0, oid, values.length, 1].entries()) bytes.writeInt32BE(word, i * 4);
  let at = 20;
  for (const value of values) {
    bytes.writeInt32BE(size, at);
    write(value, bytes, at + 4);
    at += 4 + size;
  }
  return bytes;
}
