import { Logger } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { openQueueStore, type QueueStore } from '../../src/queue/queue-store.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { queueStores } from '../support/queue-stores.js';

describe.each(queueStores)('the queue store on $name', (store) => {
  let database: TestDatabase;
  let redisUrl: string | null;
  let queues: QueueStore;

  const open = async () => (queues = await openQueueStore({ redisUrl, databaseUrl: database.url }));

  beforeEach(async () => {
    Logger.overrideLogger(false);
    database = await createTestDatabase();
    redisUrl = await store.redisUrl();
    await open();
  });
  afterEach(async () => {
    await queues.close();
    await database.drop();
  });

  /** What the worker of the queue `work` holds open in Postgres; the store's shared connections come and go. */
  const connections = async (): Promise<number> => {
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    const { rows } = await client.query<{ count: number }>(
      `SELECT count(*)::int FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'callsheet worker work'`,
    );
    await client.end();
    return rows[0]?.count ?? 0;
  };

  /** Work that is not finished before it is told to be. */
  const held = () => {
    let finish = () => undefined as void;
    const inHand = new Promise<void>((resolve) => (finish = resolve));
    return { inHand, finish };
  };

  it('retires a worker: what is in hand is finished, nothing more is taken, its connections are closed', async () => {
    const done: string[] = [];
    const { inHand, finish } = held();
    const worker = queues.work('work', async ({ name }) => {
      await inHand;
      done.push(name);
    });
    await queues.queue('work').add('first', {});
    await queues.queue('work').add('second', {});
    await eventually(async () => expect(await queues.queue('work').getActiveCount()).toBe(1));
    if (store.name === 'Postgres') expect(await connections()).toBeGreaterThan(0);
    const retired = queues.retire(worker);
    await sleep(100);
    finish();
    await retired;
    expect(done).toEqual(['first']);
    await sleep(400);
    expect(done).toEqual(['first']);
    await eventually(async () => expect(await connections()).toBe(0));

    // Another one goes on where it ended.
    queues.work('work', async ({ name }) => void done.push(name));
    await eventually(() => expect(done).toEqual(['first', 'second']));
  });

  it('refuses what is asked of a queue after it was closed, and leaves nobody waiting', async () => {
    const queue = queues.queue('work');
    await queue.add('kept', {});
    const asked = Array.from({ length: 20 }, () => queue.getWaitingCount());
    await Promise.all([queues.close(), Promise.allSettled(asked)]);
    await expect(queue.getWaitingCount()).rejects.toThrow();

    await open();
    expect(await queues.queue('work').getWaitingCount()).toBe(1);
  });

  it('waits, when it is closed, for workers that are being retired', async () => {
    let done = false;
    const { inHand, finish } = held();
    const worker = queues.work('work', async () => {
      await inHand;
      done = true;
    });
    await queues.queue('work').add('only', {});
    await eventually(async () => expect(await queues.queue('work').getActiveCount()).toBe(1));
    void queues.retire(worker);
    const closed = queues.close();
    await sleep(300);
    finish();
    await closed;
    expect(done).toBe(true);
    await open();
  });
});
