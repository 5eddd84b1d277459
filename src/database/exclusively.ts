import type pg from 'pg';
import type { SqlPool } from './sql-pool.js';

/**
 * Does `work` unless another process is at work of this name: then the answer is null. The lock goes with the transaction,
 * so a process that dies leaves none behind. It holds a connection for as long as `work` takes: what waits for others than
 * the database is done afterwards, with what `work` answers.
 */
export async function exclusively<T>(
  sql: SqlPool,
  name: string,
  work: (client: pg.ClientBase) => Promise<T>,
): Promise<T | null> {
  return sql.transaction(async (client) => {
    const { rows } = await client.query<{ won: boolean }>({
      name: 'exclusively',
      text: 'SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS won',
      values: [`callsheet.upkeep.${name}`],
    });
    return rows[0]?.won ? work(client) : null;
  });
}
