import { Redis } from 'ioredis';
import pg from 'pg';
import { eventually } from './eventually.js';

/** Empties a queue store under whatever uses it: jobs, schedulers, everything. */
export async function wipeQueues(store: { redisUrl: string | null; databaseUrl: string }): Promise<void> {
  if (store.redisUrl !== null) {
    const redis = new Redis(store.redisUrl);
    await redis.flushdb();
    redis.disconnect();
    return;
  }
  const client = new pg.Client({ connectionString: store.databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ tables: string }>(
      `SELECT string_agg(format('bullmq.%I', tablename), ', ') AS tables FROM pg_tables
       WHERE schemaname = 'bullmq' AND tablename NOT LIKE '%migration%'`,
    );
    // The queues at work take these tables in another order; a deadlock ends this statement, and it is tried again.
    await eventually(() => client.query(`TRUNCATE ${rows[0]?.tables}`));
  } finally {
    await client.end();
  }
}
