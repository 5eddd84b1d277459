import { startEmulator, type Emulator, type Faults } from '../../emulator/emulator.js';
import { burstOf } from '../../emulator/rate-limit.js';
import { DEFAULT_INTERVALS } from '../../src/loops/intervals.js';
import { eventually } from '../support/eventually.js';
import { startWorkerBeside } from '../support/second-worker.js';
import { startTracker, testAccount, VENDOR_ACCOUNT, type TestTracker } from '../support/tracker.js';
import { mostWithin } from '../support/windows.js';

const CONVERT = 'alibaba-ims/media-convert';
const ACTION = 'GetMediaConvertJob';
const LIMIT = 20;
const CALLS_AT_ONCE = 8;
/** An answer after so long. No more calls than may be under way at once begin in this time; timers fire a little early. */
const SLOW_MS = 4000;
const WHILE_SLOW_MS = SLOW_MS - 10;

const QUIET: Partial<Faults> = { throttled: 0, serverError: 0, htmlPage: 0, reset: 0, slow: 0 };

// The slow proof, in real time and over HTTP, of what `test/polling/budgets.suite.ts` counts in virtual time.
describe('the budget', () => {
  let emulator: Emulator;
  let tracker: TestTracker;
  let second: TestTracker;

  beforeAll(async () => {
    emulator = await startEmulator({ seed: 41, accounts: [VENDOR_ACCOUNT] });
    // As in production, since it is what keeps late calls from leaving in a heap.
    const intervals = { callLateness: DEFAULT_INTERVALS.callLateness };
    tracker = await startTracker({ emulator, account: { requestsPerSecond: LIMIT }, intervals });
    second = await startWorkerBeside(tracker, [testAccount(emulator.url, { requestsPerSecond: LIMIT })], intervals);
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
  /** The times of calls whose answers were slow: they tell how many were under way together. */
  const slowTimes = () => {
    const slow = emulator.requests.where({ slow: true }).map(({ at }) => at);
    expect(slow).not.toHaveLength(0);
    return slow;
  };
  /** Until the vendor has been asked so many times more. */
  const asked = async (count: number) => {
    const before = times().length;
    await eventually(() => expect(times().length).toBeGreaterThanOrEqual(before + count), { intervalMs: 100 });
  };

  it('holds over every window with two workers, whatever the vendor does, and every job ends as the vendor says', async () => {
    const jobs = await register(100, 12_000);
    for (const fault of ['throttled', 'serverError', 'htmlPage', 'reset'] as const) {
      emulator.setFaults({ ...QUIET, [fault]: 0.5 });
      await tracker.rows('UPDATE budgets SET rate = full_rate');
      await asked(20);
    }
    emulator.setFaults({ ...QUIET, slow: 1, slowMs: SLOW_MS });
    await tracker.rows('UPDATE budgets SET rate = full_rate');
    await tracker.rows(`UPDATE jobs SET next_poll_at = now() WHERE status IN ('queued', 'running')`);
    await asked(3 * CALLS_AT_ONCE);
    emulator.setFaults(QUIET);
    await emulator.down();
    await tracker.rows(`UPDATE jobs SET next_poll_at = now() WHERE status IN ('queued', 'running')`);
    await eventually(async () => {
      const failed = await tracker.rows('SELECT FROM jobs WHERE poll_failures > 0');
      expect(failed).not.toHaveLength(0);
    });
    await emulator.up();

    await eventually(
      async () => {
        const open = await tracker.rows(`SELECT FROM jobs WHERE status IN ('queued', 'running')`);
        expect(open).toHaveLength(0);
      },
      { intervalMs: 250 },
    );
    const ends = await tracker.rows('SELECT vendor_job_id AS id, status FROM jobs');
    expect(ends).toHaveLength(jobs.length);
    expect(new Map(ends.map(({ id, status }) => [id, status]))).toEqual(
      new Map(jobs.map(({ vendorJobId, expectedStatus }) => [vendorJobId, expectedStatus])),
    );

    expect(burstOf(times(), LIMIT)).toBeLessThanOrEqual(LIMIT);
    expect(mostWithin(times(), 10_000)).toBeLessThanOrEqual(LIMIT * 10 + LIMIT);
    expect(mostWithin(slowTimes(), WHILE_SLOW_MS)).toBeLessThanOrEqual(2 * CALLS_AT_ONCE);
  });

  it('holds when answers that all calls waited for come at last', async () => {
    emulator.setFaults({ slow: 1, slowMs: SLOW_MS });
    await tracker.rows('UPDATE budgets SET rate = full_rate');
    emulator.requests.clear();
    await register(300, 60_000);
    await eventually(() => expect(times().length).toBeGreaterThanOrEqual(2 * CALLS_AT_ONCE));
    emulator.setFaults(QUIET);
    await eventually(() => expect(times().length).toBeGreaterThan(2 * CALLS_AT_ONCE + LIMIT));
    expect(burstOf(times(), LIMIT)).toBeLessThanOrEqual(LIMIT);
    expect(mostWithin(slowTimes(), WHILE_SLOW_MS)).toBeLessThanOrEqual(2 * CALLS_AT_ONCE);
  });
});
