import { dropPartitions, firstUuidOf, makePartitions } from '../../src/database/partitions.js';
import { SqlPool } from '../../src/database/sql-pool.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

const DAY_MS = 86_400_000;

describe('retention', () => {
  let database: TestDatabase;
  let sql: SqlPool;
  const now = new Date('2026-11-21T12:00:00Z');
  const daysAgo = (days: number) => new Date(now.getTime() - days * DAY_MS);

  beforeAll(async () => {
    database = await createTestDatabase();
    sql = new SqlPool(database.url);
    for (const days of [0, 30, 60]) await makePartitions(sql, daysAgo(days));
  });
  afterAll(async () => {
    await sql.onModuleDestroy();
    await database.drop();
  });

  const store = (at: Date) =>
    sql.query({
      text: `WITH stored AS (INSERT INTO receipts (id, account, via, verified, body) VALUES ($1, 'a', 'callback', 'token', 'x'))
             INSERT INTO receipt_keys (key_hash, receipt_id, seen) VALUES (md5($1::text)::uuid, $1, 1)`,
      values: [firstUuidOf(at)],
    });
  const stored = async (table: 'receipts' | 'receipt_keys') =>
    (
      await sql.query<{ id: string }>({
        text: `SELECT ${table === 'receipts' ? 'id' : 'receipt_id AS id'} FROM ${table} ORDER BY 1`,
      })
    ).rows.map(({ id }) => id);

  it('makes a week of partitions ahead, as often as it is asked to, by any number at once', async () => {
    await Promise.all(Array.from({ length: 4 }, () => makePartitions(sql, now)));
    await store(new Date(now.getTime() + 7 * DAY_MS));
    const { rows } = await sql.query({ text: 'SELECT count(*)::int AS n FROM receipts_default' });
    expect(rows).toEqual([{ n: 0 }]);
    await sql.query({ text: 'TRUNCATE receipts, receipt_keys' });
  });

  it('drops days of bodies and months of history whole, with the keys that would swallow their like', async () => {
    const kept = [daysAgo(29), daysAgo(0)];
    for (const at of [daysAgo(60), daysAgo(31), ...kept]) await store(at);
    const dropped = await dropPartitions(sql, { receipts: daysAgo(30), history: daysAgo(40) });
    expect(dropped).toContain('receipts_2026_10_21');
    expect(dropped).not.toContain('receipts_2026_10_22');
    expect(dropped).toContain('history_events_2026_09');
    expect(dropped).not.toContain('history_events_2026_10');
    expect(await stored('receipts')).toEqual(kept.map(firstUuidOf));
    expect(await stored('receipt_keys')).toEqual(kept.map(firstUuidOf));
    expect(await dropPartitions(sql, { receipts: daysAgo(30), history: daysAgo(40) })).toEqual([]);
  });
});
