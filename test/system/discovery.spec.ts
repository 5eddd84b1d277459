import { startEmulator, type Emulator } from '../../emulator/emulator.js';
import { burstOf } from '../../emulator/rate-limit.js';
import { DEFAULT_INTERVALS } from '../../src/loops/intervals.js';
import { eventually } from '../support/eventually.js';
import { startTracker, testAccount, VENDOR_ACCOUNT, type TestTracker } from '../support/tracker.js';
import { startVendorGate, type VendorGate } from '../support/vendor-gate.js';

const CONVERT = 'alibaba-ims/media-convert';
const LIMIT = 10;

/** What `test/schedule/discovery.suite.ts` counts over the budget's time, once over HTTP and in real time. */
describe('listings and looks in real time', () => {
  let emulator: Emulator;
  let gate: VendorGate;
  let tracker: TestTracker;

  beforeAll(async () => {
    emulator = await startEmulator({ seed: 47, timeScale: 0.001, accounts: [VENDOR_ACCOUNT] });
    gate = await startVendorGate(emulator.url);
    const discover = { everyMs: 0, windowMs: 30 * 86_400_000 };
    const accounts = [testAccount(gate.url, { discover, requestsPerSecond: LIMIT })];
    // Later calls would leave in a heap, and so exceed the budget.
    tracker = await startTracker({ accounts, intervals: { callLateness: DEFAULT_INTERVALS.callLateness } });
  });
  afterAll(async () => {
    await tracker.stop();
    await gate.stop();
    await emulator.stop();
  });

  it('stay within the budget that they share, however often it is told to list', async () => {
    const jobs = Array.from({ length: 20 }, () => emulator.submit({ api: CONVERT, queueMs: 0, durationMs: 1 }));
    await tracker.post('/v1/jobs/batch', {
      jobs: jobs.map(({ api, vendorJobId }) => ({ account: 'media-cn', api, vendorJobId, callbackExpected: false })),
    });
    const callsOf = (action: string) => gate.calls.filter((call) => call.action === action);
    await eventually(() =>
      expect(new Set(callsOf('GetMediaConvertJob').map(({ query }) => query['JobId'])).size).toBe(20),
    );
    await eventually(() => expect(callsOf('ListMediaConvertJobs').length).toBeGreaterThan(20));
    const times = [...callsOf('GetMediaConvertJob'), ...callsOf('ListMediaConvertJobs')].map(({ at }) => at);
    expect(burstOf(times, LIMIT)).toBeLessThanOrEqual(LIMIT);
  });
});
