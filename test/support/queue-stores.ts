import { Redis } from 'ioredis';

export type TestQueueStore = {
  name: 'Postgres' | 'Redis';
  /** A Redis with nothing in it, or null for the queue on Postgres, which lies in the test's own database. */
  redisUrl(): Promise<string | null>;
};

const redisServer = process.env['TEST_REDIS_URL'];

/**
 * For `describe.each(queueStores)('on $name', (store) => …)`: whatever touches a queue holds on both. Redis is left out
 * only where none is installed, and never with CI=true.
 */
export const queueStores: TestQueueStore[] = [
  { name: 'Postgres', redisUrl: () => Promise.resolve(null) },
  ...(redisServer ? [{ name: 'Redis' as const, redisUrl: () => nextDatabase(redisServer) }] : []),
];

/** Database 0 counts those handed out, over all of Jest's workers. */
async function nextDatabase(server: string): Promise<string> {
  const redis = new Redis(server);
  const number = await redis.incr('databases');
  await redis.quit();
  return `${server}/${number}`;
}
