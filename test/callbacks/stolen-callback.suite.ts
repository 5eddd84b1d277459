import { startEmulator, type Emulator } from '../../emulator/emulator.js';
import { POLL_LANES } from '../../src/domain/poll-schedule.js';
import { Maintenance } from '../../src/operations/maintenance.js';
import { Receipts } from '../../src/tracking/receipts.js';
import { eventually } from '../support/eventually.js';
import { startTracker, VENDOR_ACCOUNT, type TestTracker } from '../support/tracker.js';
import { startVirtualPolling, type VirtualCall, type VirtualPolling } from '../support/virtual-polling.js';
import { mostWithin } from '../support/windows.js';

const PRODUCING = 'alibaba-ims/media-producing';
/** Of the budget on the virtual clock. */
const LIMIT = 20;
/** Of the tracker, whose invented jobs get a fifth of it, in real seconds. */
const TRACKER_LIMIT = 100;
/** Jobs that callbacks invent at the tracker: more than are forgotten in one transaction, and some to be kept. */
const FORGOTTEN = 600;
const KEPT = 100;
const INVENTED = FORGOTTEN + KEPT;

const claim = (vendorJobId: string) => ({
  EventType: 'ProduceMediaComplete',
  EventTime: new Date().toISOString(),
  MessageBody: { JobId: vendorJobId, Status: 'Success' },
});

describe('a stolen callback address', () => {
  let polling: VirtualPolling;
  let emulator: Emulator;
  let tracker: TestTracker;
  let startedAt: number;

  beforeAll(async () => {
    polling = await startVirtualPolling({ api: PRODUCING, limit: LIMIT });
    emulator = await startEmulator({ seed: 61, accounts: [VENDOR_ACCOUNT] });
    startedAt = Date.now();
    tracker = await startTracker({
      emulator,
      account: { requestsPerSecond: TRACKER_LIMIT },
    });
  });
  afterAll(async () => {
    await tracker.stop();
    await emulator.stop();
    await polling.stop();
  });

  const count = async (text: string, values: unknown[] = []): Promise<number> =>
    Number((await tracker.rows(`SELECT count(*) AS n FROM ${text}`, values))[0]?.['n']);
  const idsOf = async (vendorJobIds: string[]) =>
    (await tracker.rows('SELECT id FROM jobs WHERE vendor_job_id = ANY ($1)', [vendorJobIds])).map(
      ({ id }) => id as string,
    );
  const invented = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `invented-${from + i}`);
  const looksAt = (prefix: string) => emulator.requests.entries.filter(({ jobId }) => jobId.startsWith(prefix));
  /** Past the door, which would have this one process sign and verify. */
  const claimAll = async (vendorJobIds: string[]) => {
    const receipts = tracker.app.get(Receipts);
    const bodies = vendorJobIds.map((id) => Buffer.from(JSON.stringify(claim(id))));
    await Promise.all(
      bodies.map((body) =>
        receipts.storeCallback({ account: 'media-cn', contentType: 'application/json', verified: 'signature', body }),
      ),
    );
  };
  const areJobs = (vendorJobIds: string[]) =>
    eventually(async () => expect(await idsOf(vendorJobIds)).toHaveLength(vendorJobIds.length), { intervalMs: 50 });
  /** Until `release`, nobody is asked about: nothing depends on how fast callbacks are applied meanwhile. */
  const hold = () =>
    tracker.rows('UPDATE budgets SET rate = 1e-9, full_rate = 1e-9, tokens = 0, unproven_tokens = 0 WHERE api = $1', [
      PRODUCING,
    ]);
  const release = () =>
    tracker.rows('UPDATE budgets SET rate = $2, full_rate = $2 WHERE api = $1', [PRODUCING, TRACKER_LIMIT]);

  it('used 100,000 times with invented ids takes a fifth of the budget, and everyone else is served', async () => {
    // Claims go by no other index than these, and to keep the others takes most of the time of 100,000 rows.
    await polling.rows(
      `DO $$ DECLARE unused text; BEGIN
         FOR unused IN SELECT indexname FROM pg_indexes WHERE tablename = 'jobs' AND indexname NOT IN ('jobs_pkey', 'jobs_due')
         LOOP EXECUTE format('DROP INDEX %I', unused); END LOOP;
       END $$`,
    );
    // As apply leaves them.
    await polling.rows(
      `INSERT INTO jobs (id, account, api, vendor_job_id, status, via, callback_expected, poll_lane, next_poll_at)
       SELECT gen_random_uuid(), 'media-cn', $1, 'unproven-' || i, 'succeeded', 'callback', true, $2, now()
       FROM generate_series(1, 100000) AS i`,
      [PRODUCING, POLL_LANES.unproven],
    );
    const answer = (calls: VirtualCall[]) =>
      polling.rows(`UPDATE jobs SET next_poll_at = now() + interval '1 hour' WHERE id = ANY ($1)`, [
        calls.flatMap(({ claimed }) => claimed.jobs.map(({ id }) => id)),
      ]);
    const times: number[] = [];
    const perSecond: number[] = [];
    let waiting = new Set<string>();
    // All that the invented ones leave, which is asked for anew in each second.
    for (let second = 0; second < 60; second++) {
      const due = await polling.add('known', Array<number>((LIMIT * 4) / 5).fill(0));
      const before = waiting;
      waiting = new Set([...waiting, ...due]);
      const calls = await polling.claimFor(1, answer);
      const looks = calls.filter(({ ids: [id] }) => id?.startsWith('unproven-'));
      times.push(...looks.map(({ at }) => at));
      perSecond.push(looks.length);
      const others = calls.flatMap(({ ids }) => ids).filter((id) => !id.startsWith('unproven-'));
      for (const id of others) waiting.delete(id);
      // Each in the second in which it was registered, or in the next one.
      expect([...before].filter((id) => waiting.has(id))).toEqual([]);
    }
    // And when nobody else wants anything.
    for (const { at } of await polling.claimFor(20, answer)) times.push(at);
    expect(perSecond).toHaveLength(60);
    expect(mostWithin(times, 10_000)).toBeLessThanOrEqual((LIMIT * 10 + LIMIT) / 5);
    expect(mostWithin(times, 10_000)).toBeGreaterThanOrEqual((LIMIT * 10) / 5);
    expect(Math.min(...perSecond)).toBeGreaterThanOrEqual(LIMIT / 5 - 1);
  });

  it('makes jobs that wait in a lane of their own, and whoever registers one meanwhile is served', async () => {
    const flood = claimAll(invented(0, INVENTED));
    const { vendorJobId } = emulator.submit({ api: PRODUCING, queueMs: 0, durationMs: 1 });
    await tracker.post('/v1/jobs', { account: 'media-cn', api: PRODUCING, vendorJobId, callbackExpected: false });
    await eventually(() => expect(emulator.requests.where({ jobId: vendorJobId })).not.toHaveLength(0));
    await flood;
    await areJobs(invented(0, INVENTED));
    expect(
      await count(`jobs WHERE vendor_job_id LIKE 'invented-%' AND poll_lane = $1 AND next_poll_at IS NOT NULL`, [
        POLL_LANES.unproven,
      ]),
    ).toBe(INVENTED);
  });

  it('an honest callback is looked into before the invented ones that came earlier', async () => {
    const [honest] = await polling.add('unproven', [0]);
    expect(honest).toBeDefined();
    const [first] = await polling.claimFor(1);
    expect(first?.ids).toEqual([honest]);

    await hold();
    await tracker.rows(
      `UPDATE jobs SET next_poll_at = now() - interval '1 minute' WHERE vendor_job_id LIKE 'invented-%'`,
    );
    const { vendorJobId, expectedStatus } = emulator.submit({ api: PRODUCING, queueMs: 0, durationMs: 1 });
    await tracker.callback(claim(vendorJobId));
    await areJobs([vendorJobId]);
    const before = looksAt('').length;
    await release();
    await eventually(async () =>
      expect(await tracker.rows('SELECT status, confirmed FROM jobs WHERE vendor_job_id = $1', [vendorJobId])).toEqual([
        { status: expectedStatus, confirmed: true },
      ]),
    );
    const looks = emulator.requests.entries.slice(before).map(({ jobId }) => jobId);
    expect(looks).toContain(vendorJobId);
    // Those that leave together may come in any order, and a machine that was too slow for some calls makes others first.
    expect(looks.indexOf(vendorJobId)).toBeLessThan(INVENTED / 2);
  });

  it('what the vendor does not know after two minutes is left alone until the grace is over', async () => {
    const unknown = ['unknown-0', 'unknown-1', 'unknown-2', 'unknown-3', 'unknown-4'];
    await hold();
    await claimAll(unknown);
    await areJobs(unknown);
    const ids = await idsOf(unknown);
    // However slow the machine is, they are not a minute old when they are looked at.
    await tracker.rows(`UPDATE jobs SET created_at = now() + interval '10 minutes' WHERE id = ANY ($1)`, [ids]);
    await release();
    await eventually(async () =>
      expect(await count(`jobs WHERE id = ANY ($1) AND poll_interval_ms = 60000`, [ids])).toBe(unknown.length),
    );
    await tracker.rows(
      `UPDATE jobs SET created_at = now() - interval '2 minutes', next_poll_at = now() WHERE id = ANY ($1)`,
      [ids],
    );
    await eventually(async () => {
      const graces = await tracker.rows(
        `SELECT round(extract(epoch FROM next_poll_at - created_at))::int AS seconds FROM jobs WHERE id = ANY ($1)`,
        [ids],
      );
      expect(graces).toEqual(Array.from(unknown, () => ({ seconds: 900 })));
    });
    // Nothing changes before the end of the grace, but one more look is spent on a vendor that lags behind.
    for (const vendorJobId of unknown) expect(looksAt(vendorJobId)).toHaveLength(2);
  });

  it('what the vendor still does not know after the grace is lost, contradicted, and looked at no more', async () => {
    const ids = await idsOf(invented(0, 20));
    expect(ids).toHaveLength(20);
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
    await hold();
    const [forgotten, kept] = [await idsOf(invented(0, FORGOTTEN)), await idsOf(invented(FORGOTTEN, INVENTED))];
    expect([forgotten.length, kept.length]).toEqual([FORGOTTEN, KEPT]);
    const loseAll = async () => {
      for (const [lost, age] of [
        [forgotten, '25 hours'],
        [kept, '23 hours'],
      ]) {
        await tracker.rows(
          `UPDATE jobs SET next_poll_at = NULL, status = 'lost', confirmed = true, terminal_at = now() - $2::interval
           WHERE id = ANY ($1)`,
          [lost, age],
        );
      }
    };
    await loseAll();
    const left = (table: string, of: string[]) => count(`${table} WHERE job_id = ANY ($1)`, [of]);
    const tables = ['history_events', 'job_refs', 'job_receipts'];
    for (const table of tables) expect(await left(table, forgotten)).toBeGreaterThanOrEqual(FORGOTTEN);
    const received = await count(`receipts WHERE via = 'callback'`);

    await eventually(async () => {
      await tracker.app.get(Maintenance).forgetInventedJobs();
      // An answer that was under way may have written its job once more.
      await loseAll();
      expect(await count('jobs WHERE id = ANY ($1)', [forgotten])).toBe(0);
    });
    for (const table of tables) expect(await left(table, forgotten)).toBe(0);
    expect(await count('jobs WHERE id = ANY ($1)', [kept])).toBe(KEPT);
    for (const table of tables) expect(await left(table, kept)).toBeGreaterThanOrEqual(KEPT);
    expect(await count(`receipts WHERE via = 'callback'`)).toBe(received);
  });

  it('never gets more than its fifth from the tracker', () => {
    const times = [...looksAt('invented-'), ...looksAt('unknown-')].map(({ at }) => at);
    expect(times).not.toHaveLength(0);
    // No call leaves before its time, so this holds however late some of them are.
    const seconds = (Math.max(...times) - startedAt) / 1000;
    expect(times.length).toBeLessThanOrEqual((TRACKER_LIMIT * seconds + TRACKER_LIMIT) / 5);
  });
});
