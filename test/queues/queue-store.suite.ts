import { Logger } from '@nestjs/common';
import pg from 'pg';
import { openQueueStore, type QueueStore } from '../../src/queue/queue-store.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { held } from '../support/held.js';
import { queueStores } from '../support/queue-stores.js';
import { wipeQueues } from '../support/wipe-queues.js';

const FORGOTTEN = { removeOnComplete: true, removeOnFail: true };
/** Beats of a scheduler lie at whole multiples of its interval, and none of this one comes up while a test runs. */
const LONG_MS = 1000 * 86_400_000;

/** What the program expects of a queue store, whichever it is. Every test has queues of its own. */
describe.each(queueStores)('the queue store on $name', (store) => {
  let database: TestDatabase;
  let redisUrl: string | null;
  let queues: QueueStore;
  let tests = 0;
  let work: string;

  const open = () => openQueueStore({ redisUrl, databaseUrl: database.url });

  beforeAll(async () => {
    Logger.overrideLogger(false);
    database = await createTestDatabase();
    redisUrl = await store.redisUrl();
    queues = await open();
  });
  beforeEach(() => (work = `work-${(tests += 1)}`));
  afterAll(async () => {
    await queues.close();
    await database.drop();
  });

  /** What the worker of a queue holds open in Postgres; the store's shared connections come and go. */
  const connections = async (name: string): Promise<number> => {
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    const { rows } = await client.query<{ count: number }>(
      `SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1`,
      [`callsheet worker ${name}`],
    );
    await client.end();
    return rows[0]?.count ?? 0;
  };

  /** Returns when another worker of another program has done a job: what was about to happen has happened. */
  const somethingElseIsDone = async (): Promise<void> => {
    const other = await open();
    const name = `${work}-else`;
    const { inHand, finish } = held();
    other.work(name, async () => finish());
    await other.queue(name).add('else', {});
    await inHand;
    await other.close();
  };

  /** Whether a promise is fulfilled by now. */
  const watch = (promise: Promise<unknown>) => {
    const seen = { isOver: false };
    void promise.then(() => (seen.isOver = true));
    return seen;
  };

  it('says which it is, and that it answers', async () => {
    expect(queues.kind).toBe(store.name.toLowerCase());
    await expect(queues.ping()).resolves.toBeUndefined();
    const closed = await open();
    await closed.close();
    await expect(closed.ping()).rejects.toThrow();
  });

  it('hands every job that is added to a worker, with its name and what it carries, and forgets what is done', async () => {
    const done: unknown[] = [];
    queues.work(work, async ({ name, data }) => void done.push([name, data]));
    await queues.queue(work).add('one', { jobs: [{ id: '1' }] }, FORGOTTEN);
    await queues.queue(work).addBulk([
      { name: 'two', data: { text: 'é\n"' }, opts: FORGOTTEN },
      { name: 'three', data: {}, opts: FORGOTTEN },
    ]);
    await eventually(() => expect(done).toHaveLength(3));
    expect(done).toEqual([
      ['one', { jobs: [{ id: '1' }] }],
      ['two', { text: 'é\n"' }],
      ['three', {}],
    ]);
    await eventually(async () =>
      expect(Object.values(await queues.queue(work).getJobCounts()).filter(Boolean)).toEqual([]),
    );
  });

  it('keeps a job for a worker that comes later, and goes on after one that failed', async () => {
    await queues.queue(work).add('bad', {}, FORGOTTEN);
    await queues.queue(work).add('good', {}, FORGOTTEN);
    expect(await queues.queue(work).getWaitingCount()).toBe(2);
    const done: string[] = [];
    queues.work(work, async ({ name }) => {
      if (name === 'bad') throw new Error('as told');
      done.push(name);
    });
    await eventually(() => expect(done).toEqual(['good']));
    await eventually(async () => expect(await queues.queue(work).getFailedCount()).toBe(0));
  });

  it('has no more jobs in hand at once than a worker takes', async () => {
    const { inHand, finish } = held();
    const begun: string[] = [];
    queues.work(
      work,
      async ({ name }) => {
        begun.push(name);
        await inHand;
      },
      { concurrency: 2 },
    );
    for (const name of ['one', 'two', 'three']) await queues.queue(work).add(name, {}, FORGOTTEN);
    await eventually(() => expect(begun).toHaveLength(2));
    await somethingElseIsDone();
    expect(begun).toEqual(['one', 'two']);
    expect(await queues.queue(work).getWaitingCount()).toBe(1);
    finish();
    await eventually(() => expect(begun).toEqual(['one', 'two', 'three']));
  });

  it('holds a delayed job back until its time', async () => {
    const done: string[] = [];
    queues.work(work, async ({ name }) => void done.push(name));
    const later = await queues.queue(work).add('later', {}, { ...FORGOTTEN, delay: LONG_MS });
    await queues.queue(work).add('now', {}, FORGOTTEN);
    await eventually(() => expect(done).toEqual(['now']));
    expect(await queues.queue(work).getDelayedCount()).toBe(1);
    await later.changeDelay(1);
    await eventually(() => expect(done).toEqual(['now', 'later']));
  });

  it('makes one of wake-ups with one name, and one more of those that come while it is worked on', async () => {
    const wake = () =>
      queues
        .queue(work)
        .add('wake', {}, { ...FORGOTTEN, deduplication: { id: `${work}-lane`, keepLastIfActive: true } });
    for (let i = 0; i < 5; i++) await wake();
    expect(await queues.queue(work).getWaitingCount()).toBe(1);

    const { inHand, finish } = held();
    let begun = 0;
    queues.work(
      work,
      async () => {
        begun++;
        await inHand;
      },
      { concurrency: 2 },
    );
    await eventually(() => expect(begun).toBe(1));
    for (let i = 0; i < 5; i++) await wake();
    await somethingElseIsDone();
    expect(begun).toBe(1);
    finish();
    await eventually(() => expect(begun).toBe(2));
    await eventually(async () => expect(await queues.queue(work).getActiveCount()).toBe(0));
    expect(await queues.queue(work).getWaitingCount()).toBe(0);
    // It is over, so that the next one is a new one.
    await wake();
    await eventually(() => expect(begun).toBe(3));
  });

  const beat = (every: number, by = queues) =>
    by.queue(work).upsertJobScheduler('beat', { every }, { name: 'tick', opts: FORGOTTEN });

  it('has one scheduler of those that two programs put in under one name, and one job of it', async () => {
    const other = await open();
    await beat(LONG_MS);
    // One after the other, as the lock of the upkeep has it.
    for (const queues of [other, undefined, other]) await beat(LONG_MS, queues);
    await other.close();
    expect(await queues.queue(work).getJobSchedulersCount()).toBe(1);
    const { delayed = 0, waiting = 0 } = await queues.queue(work).getJobCounts('delayed', 'waiting');
    expect(delayed + waiting).toBe(1);
  });

  it('lets a scheduler beat on and on, at the interval that it was given last', async () => {
    let beats = 0;
    queues.work(work, async () => void beats++);
    await beat(100);
    await beat(50);
    expect(await queues.queue(work).getJobSchedulers()).toMatchObject([{ key: 'beat', every: 50 }]);
    await eventually(() => expect(beats).toBeGreaterThan(3));
    await queues.queue(work).removeJobScheduler('beat');
    expect(await queues.queue(work).getJobSchedulersCount()).toBe(0);
  });

  it('goes on when it is wiped under its workers', async () => {
    const done: string[] = [];
    queues.work(work, async ({ name }) => void done.push(name));
    await beat(LONG_MS);
    await queues.queue(work).add('before', {}, FORGOTTEN);
    await queues.queue(work).add('lost', {}, { ...FORGOTTEN, delay: LONG_MS });
    await eventually(() => expect(done).toContain('before'));

    await wipeQueues({ redisUrl, databaseUrl: database.url });
    expect(await queues.queue(work).getDelayedCount()).toBe(0);
    expect(await queues.queue(work).getJobSchedulersCount()).toBe(0);
    await queues.ping();
    await queues.queue(work).add('after', {}, FORGOTTEN);
    await eventually(() => expect(done).toContain('after'));
    await beat(LONG_MS);
    expect(await queues.queue(work).getJobSchedulersCount()).toBe(1);
    // Its first beat comes at once, as on an empty store.
    await eventually(() => expect(done.filter((name) => name === 'tick')).toHaveLength(2));
    expect(done).not.toContain('lost');
  });

  it('retires a worker: what is in hand is finished, nothing more is taken, its connections are closed', async () => {
    const done: string[] = [];
    const { inHand, finish } = held();
    const worker = queues.work(work, async ({ name }) => {
      await inHand;
      done.push(name);
    });
    await queues.queue(work).add('first', {});
    await queues.queue(work).add('second', {});
    await eventually(async () => expect(await queues.queue(work).getActiveCount()).toBe(1));
    if (store.name === 'Postgres') expect(await connections(work)).toBeGreaterThan(0);
    const retired = queues.retire(worker);
    const retiring = watch(retired);
    await somethingElseIsDone();
    expect(retiring.isOver).toBe(false);
    finish();
    await retired;
    expect(done).toEqual(['first']);
    await somethingElseIsDone();
    expect(done).toEqual(['first']);
    expect(await queues.queue(work).getWaitingCount()).toBe(1);
    await eventually(async () => expect(await connections(work)).toBe(0));

    // Another one goes on where it ended.
    queues.work(work, async ({ name }) => void done.push(name));
    await eventually(() => expect(done).toEqual(['first', 'second']));
  });

  it('refuses what is asked of a queue after it was closed, and leaves nobody waiting', async () => {
    const closing = await open();
    const queue = closing.queue(work);
    await queue.add('kept', {});
    const asked = Array.from({ length: 20 }, () => queue.getWaitingCount());
    await Promise.all([closing.close(), Promise.allSettled(asked)]);
    await expect(queue.getWaitingCount()).rejects.toThrow();
    expect(await queues.queue(work).getWaitingCount()).toBe(1);
  });

  it('waits, when it is closed, for workers that are being retired', async () => {
    const closing = await open();
    let done = false;
    const { inHand, finish } = held();
    const worker = closing.work(work, async () => {
      await inHand;
      done = true;
    });
    await closing.queue(work).add('only', {});
    await eventually(async () => expect(await closing.queue(work).getActiveCount()).toBe(1));
    void closing.retire(worker);
    const closed = closing.close();
    const closes = watch(closed);
    await somethingElseIsDone();
    expect(closes.isOver).toBe(false);
    finish();
    await closed;
    expect(done).toBe(true);
  });
});
