import { startEmulator, type Emulator } from '../../emulator/emulator.js';
import { POLL_LANES } from '../../src/domain/poll-schedule.js';
import { Maintenance } from '../../src/operations/maintenance.js';
import { BufferFull } from '../../src/tracking/group-commit.js';
import { Receipts } from '../../src/tracking/receipts.js';
import { eventually } from '../support/eventually.js';
import { queueStores } from '../support/queue-stores.js';
import { startTracker, VENDOR_ACCOUNT, type TestTracker } from '../support/tracker.js';
import { mostWithin } from '../support/windows.js';

const PRODUCING = 'alibaba-ims/media-producing';
const LIMIT = 20;
/** Callbacks that came before the test: their jobs are there as apply leaves them. The others come while it runs. */
const CAME_BEFORE = 80_000;
const COME_NOW = 20_000;
const CALLBACKS_AT_ONCE = 1000;
/** How late a look may be while the flood has both cores to itself. */
const PATIENCE_MS = 5000;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const isOpen = (work: Promise<void>) => Promise.race([work.then(() => false), pause(0).then(() => true)]);
const claim = (vendorJobId: string) => ({
  EventType: 'ProduceMediaComplete',
  EventTime: new Date().toISOString(),
  MessageBody: { JobId: vendorJobId, Status: 'Success' },
});

// On one store: what is invented never comes to the queue.
describe('a stolen callback address', () => {
  let emulator: Emulator;
  let tracker: TestTracker;

  beforeAll(async () => {
    emulator = await startEmulator({ seed: 61, accounts: [VENDOR_ACCOUNT] });
    tracker = await startTracker({ emulator, store: queueStores.at(-1), account: { requestsPerSecond: LIMIT } });
  });
  afterAll(async () => {
    await tracker.stop();
    await emulator.stop();
  });

  const count = async (text: string, values: unknown[] = []): Promise<number> =>
    Number((await tracker.rows(`SELECT count(*) AS n FROM ${text}`, values))[0]?.['n']);
  const someInvented = async (most: number) =>
    (await tracker.rows(`SELECT id FROM jobs WHERE vendor_job_id LIKE 'invented-now-%' LIMIT $1`, [most])).map(
      ({ id }) => id as string,
    );

  /** Whoever is told to come back does, as the vendor would. */
  const stored = async (receipts: Receipts, body: Buffer) => {
    const callback = { account: 'media-cn', contentType: 'application/json', verified: 'signature', body } as const;
    for (;;) {
      try {
        return await receipts.storeCallback(callback);
      } catch (error) {
        if (!(error instanceof BufferFull)) throw error;
      }
      await pause(200);
    }
  };

  /** Past the door, which would have this one process sign and verify for minutes. Resolves when nearly all is applied. */
  const flood = async () => {
    const receipts = tracker.app.get(Receipts);
    for (let sent = 0; sent < COME_NOW; sent += CALLBACKS_AT_ONCE) {
      const bodies = Array.from({ length: CALLBACKS_AT_ONCE }, (_, i) =>
        JSON.stringify(claim(`invented-now-${sent + i}`)),
      );
      await Promise.all(bodies.map((body) => stored(receipts, Buffer.from(body))));
      await eventually(async () => expect(await count('pending_receipts')).toBeLessThan(100));
    }
  };

  it('used 100,000 times with invented ids takes a fifth of the budget, and everyone else is served', async () => {
    await tracker.rows(
      `INSERT INTO jobs (id, account, api, vendor_job_id, status, via, callback_expected, poll_lane, next_poll_at)
       SELECT gen_random_uuid(), 'media-cn', $1, 'invented-before-' || i, 'succeeded', 'callback', true, $2, now()
       FROM generate_series(1, $3) AS i`,
      [PRODUCING, POLL_LANES.unproven, CAME_BEFORE],
    );
    const flooding = flood();
    while (await isOpen(flooding)) {
      const { vendorJobId } = emulator.submit({ api: PRODUCING, queueMs: 0, durationMs: 1 });
      await tracker.post('/v1/jobs', { account: 'media-cn', api: PRODUCING, vendorJobId, callbackExpected: false });
      await eventually(() => expect(emulator.requests.where({ jobId: vendorJobId })).not.toHaveLength(0), {
        timeoutMs: PATIENCE_MS,
      });
      await pause(1000);
    }
    await flooding;
    await eventually(async () =>
      expect(await count(`jobs WHERE vendor_job_id LIKE 'invented-%'`)).toBe(CAME_BEFORE + COME_NOW),
    );

    const looks = emulator.requests.entries.filter(({ jobId }) => jobId.startsWith('invented-'));
    const times = looks.map(({ at }) => at);
    expect(mostWithin(times, 10_000)).toBeLessThanOrEqual((LIMIT * 10 + LIMIT) / 5);
    expect(mostWithin(times, 10_000)).toBeGreaterThanOrEqual(LIMIT / 2);
    // The vendor did not know it: nothing changes that before the end of the grace, but one more look is spent on it.
    const perJob = new Map<string, number>();
    for (const { jobId } of looks) perJob.set(jobId, (perJob.get(jobId) ?? 0) + 1);
    expect(Math.max(...perJob.values())).toBeLessThanOrEqual(2);
  }, 90_000);

  it('an honest callback is looked into before the invented ones that came earlier', async () => {
    const { vendorJobId, expectedStatus } = emulator.submit({ api: PRODUCING, queueMs: 0, durationMs: 1 });
    await tracker.callback(claim(vendorJobId));
    await eventually(
      async () =>
        expect(
          await tracker.rows('SELECT status, confirmed FROM jobs WHERE vendor_job_id = $1', [vendorJobId]),
        ).toEqual([{ status: expectedStatus, confirmed: true }]),
      { timeoutMs: PATIENCE_MS },
    );
  });

  it('what the vendor does not know after two minutes is left alone until the grace is over', async () => {
    const ids = await someInvented(5);
    await tracker.rows(
      `UPDATE jobs SET created_at = now() - interval '2 minutes', next_poll_at = now() WHERE id = ANY ($1)`,
      [ids],
    );
    await eventually(async () => {
      const graces = await tracker.rows(
        `SELECT round(extract(epoch FROM next_poll_at - created_at))::int AS seconds FROM jobs WHERE id = ANY ($1)`,
        [ids],
      );
      expect(graces).toEqual(Array.from(ids, () => ({ seconds: 900 })));
    });
  });

  it('what the vendor still does not know after the grace is lost, contradicted, and looked at no more', async () => {
    const ids = await someInvented(20);
    await tracker.rows(
      `UPDATE jobs SET created_at = now() - interval '15 minutes', next_poll_at = now() WHERE id = ANY ($1)`,
      [ids],
    );
    await eventually(async () =>
      expect(
        await count(`jobs WHERE id = ANY ($1) AND status = 'lost' AND contradicted AND next_poll_at IS NULL`, [ids]),
      ).toBe(20),
    );
  });

  it('is forgotten a day later, with all that was made of it but what was received', async () => {
    const ids = await someInvented(1500);
    const [forgotten, kept] = [ids.slice(0, 1200), ids.slice(1200)];
    const loseAll = async () => {
      for (const [lost, age] of [
        [forgotten, '25 hours'],
        [kept, '23 hours'],
      ]) {
        await tracker.rows(
          `UPDATE jobs SET next_poll_at = NULL, status = 'lost', terminal_at = now() - $2::interval WHERE id = ANY ($1)`,
          [lost, age],
        );
      }
    };
    await loseAll();
    const left = (table: string, of: string[]) => count(`${table} WHERE job_id = ANY ($1)`, [of]);
    const tables = ['history_events', 'job_refs', 'job_receipts'];
    for (const table of tables) expect(await left(table, forgotten)).toBeGreaterThanOrEqual(1200);
    const received = await count(`receipts WHERE via = 'callback'`);

    await eventually(async () => {
      await tracker.app.get(Maintenance).forgetInventedJobs();
      // An answer that was under way may have written its job once more.
      await loseAll();
      expect(await count('jobs WHERE id = ANY ($1)', [forgotten])).toBe(0);
    });
    for (const table of tables) expect(await left(table, forgotten)).toBe(0);
    expect(await count('jobs WHERE id = ANY ($1)', [kept])).toBe(300);
    for (const table of tables) expect(await left(table, kept)).toBeGreaterThanOrEqual(300);
    expect(await count(`receipts WHERE via = 'callback'`)).toBe(received);
  });
});
