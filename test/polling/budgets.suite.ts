import { startEmulator, type Emulator, type Faults } from '../../emulator/emulator.js';
import { burstOf } from '../../emulator/rate-limit.js';
import { eventually } from '../support/eventually.js';
import { queueStores } from '../support/queue-stores.js';
import { startWorkerBeside } from '../support/second-worker.js';
import { startTracker, testAccount, VENDOR_ACCOUNT, type TestTracker } from '../support/tracker.js';
import { mostWithin } from '../support/windows.js';

const CONVERT = 'alibaba-ims/media-convert';
const ACTION = 'GetMediaConvertJob';
const LIMIT = 20;
const CALLS_AT_ONCE = 8;

const QUIET: Partial<Faults> = { throttled: 0, serverError: 0, htmlPage: 0, reset: 0, slow: 0 };
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe.each(queueStores)('the budget, queues on $name', (store) => {
  let emulator: Emulator;
  let tracker: TestTracker;
  let second: TestTracker;

  beforeAll(async () => {
    emulator = await startEmulator({ seed: 41, accounts: [VENDOR_ACCOUNT] });
    tracker = await startTracker({ emulator, store, account: { requestsPerSecond: LIMIT } });
    second = await startWorkerBeside(tracker, [testAccount(emulator.url, { requestsPerSecond: LIMIT })]);
  });
  afterAll(async () => {
    await second.stop();
    await tracker.stop();
    await emulator.stop();
  });

  const register = async (count: number, durationMs: number) => {
    const jobs = Array.from({ length: count }, () => emulator.submit({ api: CONVERT, queueMs: 0, durationMs }));
    await tracker.post('/v1/jobs/batch', {
      jobs: jobs.map(({ vendorJobId }) => ({
        account: 'media-cn',
        api: CONVERT,
        vendorJobId,
        callbackExpected: false,
      })),
    });
    return jobs;
  };
  const times = () => emulator.requests.where({ action: ACTION }).map(({ at }) => at);

  it('holds over every window with two workers, whatever the vendor does, and every job ends as the vendor says', async () => {
    const jobs = await register(200, 12_000);
    for (const fault of ['throttled', 'serverError', 'htmlPage', 'reset'] as const) {
      emulator.setFaults({ ...QUIET, [fault]: 0.5 });
      await pause(1500);
    }
    emulator.setFaults({ ...QUIET, slow: 0.9, slowMs: 2000 });
    await pause(3000);
    emulator.setFaults(QUIET);
    await emulator.down();
    await pause(1500);
    await emulator.up();

    await eventually(
      async () => {
        const open = await tracker.rows(`SELECT FROM jobs WHERE status IN ('queued', 'running')`);
        expect(open).toHaveLength(0);
      },
      { timeoutMs: 60_000, intervalMs: 250 },
    );
    const ends = await tracker.rows('SELECT vendor_job_id AS id, status FROM jobs');
    expect(new Map(ends.map(({ id, status }) => [id, status]))).toEqual(
      new Map(jobs.map(({ vendorJobId, expectedStatus }) => [vendorJobId, expectedStatus])),
    );

    expect(burstOf(times(), LIMIT)).toBeLessThanOrEqual(LIMIT);
    expect(mostWithin(times(), 10_000)).toBeLessThanOrEqual(LIMIT * 10 + LIMIT);
    // Slow answers tell how many calls were under way together.
    const slow = emulator.requests.where({ slow: true }).map(({ at }) => at);
    expect(mostWithin(slow, 2000)).toBeLessThanOrEqual(2 * CALLS_AT_ONCE);
    expect(mostWithin(slow, 2000)).toBeGreaterThan(CALLS_AT_ONCE);
  }, 120_000);

  it('holds when answers that all calls waited for come at last', async () => {
    emulator.setFaults({ slow: 1, slowMs: 3000 });
    await tracker.rows('UPDATE budgets SET rate = full_rate');
    emulator.requests.clear();
    await register(300, 60_000);
    await eventually(() => expect(times()).toHaveLength(2 * CALLS_AT_ONCE));
    emulator.setFaults(QUIET);
    await eventually(() => expect(times().length).toBeGreaterThan(2 * CALLS_AT_ONCE + LIMIT));
    expect(burstOf(times(), LIMIT)).toBeLessThanOrEqual(LIMIT);
    await tracker.rows('TRUNCATE jobs CASCADE');
  });

  it('is used up while there is work', async () => {
    emulator.requests.clear();
    await register(300, 60_000);
    await pause(6000);
    expect(mostWithin(times(), 5000)).toBeGreaterThan(LIMIT * 2.5);
    expect(burstOf(times(), LIMIT)).toBeLessThanOrEqual(LIMIT);
  });
});
