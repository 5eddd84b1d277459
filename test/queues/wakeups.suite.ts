import { Logger } from '@nestjs/common';
import { openQueueStore, type QueueStore } from '../../src/queue/queue-store.js';
import { APPLY_QUEUE } from '../../src/queue/queues.js';
import { Wakeups } from '../../src/queue/wakeups.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { queueStores } from '../support/queue-stores.js';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe.each(queueStores)('waking apply, queues on $name', (store) => {
  let database: TestDatabase;
  let queues: QueueStore;
  let wakeups: Wakeups;

  beforeEach(async () => {
    Logger.overrideLogger(false);
    database = await createTestDatabase();
    queues = await openQueueStore({ redisUrl: await store.redisUrl(), databaseUrl: database.url });
    wakeups = new Wakeups(queues);
  });
  afterEach(async () => {
    await queues.close();
    await database.drop();
  });

  it('piles up nothing while no worker runs', async () => {
    for (let i = 0; i < 30; i++) {
      wakeups.wake();
      await pause(20);
    }
    expect(await queues.queue(APPLY_QUEUE).getWaitingCount()).toBeLessThanOrEqual(4);
    expect(await queues.queue(APPLY_QUEUE).getWaitingCount()).toBeGreaterThan(0);
  });

  it('overlooks nothing that arrives while apply is at work', async () => {
    let runs = 0;
    let arrived = 0;
    let seen = 0;
    queues.work(APPLY_QUEUE, async () => {
      runs++;
      const taken = arrived;
      // What arrives now is not in this run.
      await pause(50);
      seen = Math.max(seen, taken);
    });
    for (let i = 1; i <= 25; i++) {
      arrived = i;
      wakeups.wake();
      await pause(15);
    }
    await eventually(() => expect(seen).toBe(25));
    expect(runs).toBeLessThan(25);
  });
});
