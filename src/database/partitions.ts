import type { SqlPool } from './sql-pool.js';

const DAY_MS = 86_400_000;

/** A receipt's body stays beside its row, as it is, up to half a page: compressing 2 KB was a third of what storing it cost. */
const STORAGE = { receipts: 'WITH (toast_tuple_target = 4080)', history_events: '' };

/** Receipts by day, a week ahead; history by month, two months ahead. Safe to repeat and to race. */
export async function makePartitions(sql: SqlPool, now: Date): Promise<void> {
  const today = Math.floor(now.getTime() / DAY_MS) * DAY_MS;
  for (let day = -1; day <= 7; day++) {
    const from = new Date(today + day * DAY_MS);
    await makePartition(
      sql,
      'receipts',
      stamp(from, 10),
      firstUuidOf(from),
      firstUuidOf(new Date(from.getTime() + DAY_MS)),
    );
  }
  for (let month = 0; month <= 2; month++) {
    const from = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + month));
    const to = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + month + 1));
    await makePartition(sql, 'history_events', stamp(from, 7), from.toISOString(), to.toISOString());
  }
}

/** `2026-11-21` or `2026-11`, with underscores: the end of a partition's name. */
function stamp(date: Date, length: number): string {
  return date.toISOString().slice(0, length).replaceAll('-', '_');
}

/** The smallest UUIDv7 of a moment: 48 bits of ms since 1970, then zeros. */
export function firstUuidOf(moment: Date): string {
  const hex = moment.getTime().toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}

async function makePartition(
  sql: SqlPool,
  table: keyof typeof STORAGE,
  suffix: string,
  from: string,
  to: string,
): Promise<void> {
  const name = `${table}_${suffix}`;
  await sql.transaction(async (client) => {
    // Two processes that start together would both find it missing.
    await client.query(`SELECT pg_advisory_xact_lock(hashtext('callsheet.partitions'))`);
    const { rows } = await client.query<{ missing: boolean }>('SELECT to_regclass($1) IS NULL AS missing', [name]);
    if (!rows[0]?.missing) return;
    // Identifiers and bounds cannot be parameters; all of them come from this file.
    await client.query(
      `CREATE TABLE ${name} PARTITION OF ${table} FOR VALUES FROM ('${from}') TO ('${to}') ${STORAGE[table]}`,
    );
  });
}

/** Drops whole days of receipts and months of history that ended before the given moments; answers what was dropped. */
export async function dropPartitions(sql: SqlPool, before: { receipts: Date; history: Date }): Promise<string[]> {
  const { rows } = await sql.query<{ parent: string; name: string }>({
    text: `SELECT parent.relname AS parent, child.relname AS name
           FROM pg_inherits i JOIN pg_class parent ON parent.oid = i.inhparent JOIN pg_class child ON child.oid = i.inhrelid
           WHERE parent.oid IN ('receipts'::regclass, 'history_events'::regclass) ORDER BY name`,
  });
  const expired = rows.filter(({ parent, name }) => {
    const end = endOf(name.slice(parent.length + 1));
    return end !== null && end <= (parent === 'receipts' ? before.receipts : before.history);
  });
  for (const { name } of expired) await sql.query({ text: `DROP TABLE IF EXISTS ${name}` });
  // A body that is gone must not swallow the next one that says the same.
  await sql.query({
    text: 'DELETE FROM receipt_keys WHERE receipt_id < $1',
    values: [firstUuidOf(dayOf(before.receipts))],
  });
  return expired.map(({ name }) => name);
}

function dayOf(moment: Date): Date {
  return new Date(Math.floor(moment.getTime() / DAY_MS) * DAY_MS);
}

/** When the partition with this suffix ends; null for the default one. */
function endOf(suffix: string): Date | null {
  const [year, month, day] = suffix.split('_').map(Number);
  if (!year || !month) return null;
  return new Date(day ? Date.UTC(year, month - 1, day + 1) : Date.UTC(year, month));
}
