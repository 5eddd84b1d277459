import { Redis } from 'ioredis';
import { JobRegistry } from '../../src/tracking/job-registry.js';
import { eventually } from '../support/eventually.js';
import { queueStores } from '../support/queue-stores.js';
import { startTracker, type TestTracker } from '../support/tracker.js';

const JOBS = 10_000;

describe.each(queueStores)('ten thousand jobs that wait, queues on $name', (store) => {
  let tracker: TestTracker;

  beforeAll(async () => {
    // A budget that would take hours to ask about all of them.
    tracker = await startTracker({ store, account: { requestsPerSecond: 1 } });
  });
  afterAll(() => tracker.stop());

  /**
   * Every key of Redis, or every row in the tables of the queue: a message in a queue is at least one of them. But for the
   * log of events, which on Redis is one key a queue: the beat writes into it without end, BullMQ cuts it at 10,000.
   */
  async function kept(): Promise<number> {
    if (tracker.redisUrl !== null) {
      const redis = new Redis(tracker.redisUrl);
      const keys = await redis.dbsize();
      redis.disconnect();
      return keys;
    }
    const tables = await tracker.rows(
      `SELECT format('bullmq.%I', tablename) AS name FROM pg_tables
       WHERE schemaname = 'bullmq' AND tablename <> 'event'`,
    );
    expect(tables).not.toHaveLength(0);
    const counts = tables.map(({ name }) => `(SELECT count(*)::int FROM ${name})`);
    return (await tracker.rows(`SELECT ${counts.join(' + ')} AS n`))[0]?.['n'];
  }

  it('are rows, and take no place in the queue store', async () => {
    const before = await kept();
    const registrations = Array.from({ length: JOBS }, (_, i) => ({
      account: 'media-cn',
      api: 'alibaba-ims/media-producing',
      vendorJobId: `waiting-${i}`,
    }));
    await tracker.app.get(JobRegistry).register(registrations);
    // The scheduler has seen them: some have been claimed.
    await eventually(async () => {
      const [row] = await tracker.rows('SELECT count(*)::int AS n FROM jobs WHERE next_poll_at > now()');
      expect(row?.['n']).toBeGreaterThan(0);
    });
    const [due] = await tracker.rows('SELECT count(*)::int AS n FROM jobs WHERE next_poll_at <= now()');
    expect(due?.['n']).toBeGreaterThan(0.9 * JOBS);
    expect(await kept()).toBeLessThan(before + 30);
  });
});
