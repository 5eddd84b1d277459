import { Redis } from 'ioredis';
import pg from 'pg';

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
    await client.query(`TRUNCATE ${rows[0]?.tables}`);
  } finally {
    await client.end();
  }
}
