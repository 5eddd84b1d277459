import type { SqlPool } from '../database/sql-pool.js';

/** Numbers a question before it is sent: what a callback says afterwards is newer than the answer. */
export async function drawNumber(sql: SqlPool): Promise<{ number: number; askedAt: Date }> {
  const { rows } = await sql.query<{ number: string; asked_at: Date }>({
    name: 'draw-number',
    text: `SELECT nextval('observation_number') AS number, clock_timestamp() AS asked_at`,
  });
  const [row] = rows;
  if (!row) throw new Error('Postgres drew no number');
  return { number: Number(row.number), askedAt: row.asked_at };
}
