import { Logger } from '@nestjs/common';
import { openQueueStore, type QueueStore } from '../../src/queue/queue-store.js';
import { APPLY_QUEUE } from '../../src/queue/queues.js';
import { Wakeups } from '../../src/queue/wakeups.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { held } from '../support/held.js';
import { queueStores } from '../support/queue-stores.js';

describe.each(queueStores)('waking apply, queues on $name', (store) => {
  let database: TestDatabase;
  let queues: QueueStore;
  let wakeups: Wakeups;
  let sent: number;

  beforeEach(async () => {
    Logger.overrideLogger(false);
    database = await createTestDatabase();
    queues = await openQueueStore({ redisUrl: await store.redisUrl(), databaseUrl: database.url });
    wakeups = new Wakeups(queues);
    sent = 0;
    const queue = queues.queue(APPLY_QUEUE);
    const add = queue.add.bind(queue);
    queue.add = async (...job: Parameters<typeof add>) => {
      const added = await add(...job);
      sent++;
      return added;
    };
  });
  afterEach(async () => {
    await queues.close();
    await database.drop();
  });

  /** Wakes once, and waits until that has come to the queue. */
  const wake = async (): Promise<void> => {
    const before = sent;
    wakeups.wake();
    await eventually(() => expect(sent).toBe(before + 1), { intervalMs: 5 });
  };

  it('piles up nothing while no worker runs', async () => {
    for (let i = 0; i < 30; i++) await wake();
    expect(sent).toBe(30);
    expect(await queues.queue(APPLY_QUEUE).getWaitingCount()).toBeLessThanOrEqual(4);
    expect(await queues.queue(APPLY_QUEUE).getWaitingCount()).toBeGreaterThan(0);
  });

  it('overlooks nothing that arrives while apply is at work', async () => {
    let atWork = 0;
    let runs = 0;
    let arrived = 0;
    let seen = 0;
    let hold = held();
    // As many as two processes have: every lane is at work at once.
    queues.work(
      APPLY_QUEUE,
      async () => {
        runs++;
        atWork++;
        // What arrives now is not in this run.
        const taken = arrived;
        await hold.inHand;
        seen = Math.max(seen, taken);
        atWork--;
      },
      { concurrency: 4 },
    );
    const arrive = async () => {
      arrived++;
      await wake();
    };
    for (let round = 1; round <= 3; round++) {
      hold = held();
      for (let lane = 1; lane <= 4; lane++) {
        await arrive();
        await eventually(() => expect(atWork).toBe(lane));
      }
      for (let i = 0; i < 6; i++) await arrive();
      expect(atWork).toBe(4);
      hold.finish();
      await eventually(() => expect(seen).toBe(arrived));
      await eventually(async () => {
        const { active, waiting } = await queues.queue(APPLY_QUEUE).getJobCounts('active', 'waiting');
        expect({ active, waiting, atWork }).toEqual({ active: 0, waiting: 0, atWork: 0 });
      });
    }
    expect(seen).toBe(30);
    expect(runs).toBeLessThan(30);
  });
});
