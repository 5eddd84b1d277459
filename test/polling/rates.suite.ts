import { startEmulator, type Emulator } from '../../emulator/emulator.js';
import { eventually } from '../support/eventually.js';
import { queueStores } from '../support/queue-stores.js';
import { startTracker, VENDOR_ACCOUNT, type TestTracker } from '../support/tracker.js';

const CONVERT = 'alibaba-ims/media-convert';
const OURS = 20;
/** What the vendor allows a second, without telling. */
const ALLOWED = 5;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

// On one store: budgets are rows of ours on both.
describe('a budget larger than what the vendor allows', () => {
  let emulator: Emulator;
  let tracker: TestTracker;

  beforeAll(async () => {
    emulator = await startEmulator({ seed: 43, accounts: [VENDOR_ACCOUNT] });
    tracker = await startTracker({ emulator, store: queueStores.at(-1), account: { requestsPerSecond: OURS } });
  });
  afterAll(async () => {
    await tracker.stop();
    await emulator.stop();
  });

  const rate = async (): Promise<number> =>
    (await tracker.rows(`SELECT rate FROM budgets WHERE api = $1`, [CONVERT]))[0]?.['rate'];
  const work = async () => {
    const jobs = Array.from({ length: 200 }, () => emulator.submit({ api: CONVERT, queueMs: 0, durationMs: 600_000 }));
    await tracker.post('/v1/jobs/batch', {
      jobs: jobs.map(({ vendorJobId }) => ({
        account: 'media-cn',
        api: CONVERT,
        vendorJobId,
        callbackExpected: false,
      })),
    });
  };

  it('is throttled now and then, settles below, and grows back when the vendor allows more', async () => {
    emulator.setFaults({ limitPerSecond: ALLOWED });
    await work();
    await eventually(async () => expect(await rate()).toBeLessThan(ALLOWED));
    emulator.requests.clear();
    await pause(7000);
    const throttled = emulator.requests.where({ outcome: 'Throttling.User' }).length;
    const answered = emulator.requests.total - throttled;
    expect(answered).toBeGreaterThan(7 * ALLOWED * 0.4);
    expect(throttled).toBeLessThan(answered / 3);

    emulator.setFaults({ limitPerSecond: undefined });
    const before = await rate();
    await eventually(async () => expect(await rate()).toBeGreaterThan(before + 2 * (OURS / 60)));
  });
});
