import { startEmulator, type Emulator } from '../../emulator/emulator.js';
import { NO_FAULTS } from '../../emulator/faults.js';
import { POLL_LANES, type PollLane } from '../../src/domain/poll-schedule.js';
import { eventually } from '../support/eventually.js';
import { queueStores } from '../support/queue-stores.js';
import { startTracker, testAccount, VENDOR_ACCOUNT, type TestTracker } from '../support/tracker.js';
import { mostWithin } from '../support/windows.js';

const PRODUCING = 'alibaba-ims/media-producing';
const LIMIT = 20;
const OTHER_VENDOR_ACCOUNT = { accessKeyId: 'other-id', accessKeySecret: 'other-secret' };

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe.each(queueStores)('who is asked about first, queues on $name', (store) => {
  let emulator: Emulator;
  let tracker: TestTracker;

  beforeAll(async () => {
    emulator = await startEmulator({ seed: 51, accounts: [VENDOR_ACCOUNT, OTHER_VENDOR_ACCOUNT] });
    const { accessKeyId, accessKeySecret } = OTHER_VENDOR_ACCOUNT;
    tracker = await startTracker({
      store,
      accounts: [
        testAccount(emulator.url, { requestsPerSecond: LIMIT }),
        testAccount(emulator.url, { name: 'other', credentials: { accessKeyId, accessKeySecret } }),
      ],
    });
  });
  afterAll(async () => {
    await tracker.stop();
    await emulator.stop();
  });
  afterEach(async () => {
    emulator.setFaults(NO_FAULTS);
    await tracker.rows('TRUNCATE jobs CASCADE');
    await tracker.rows('UPDATE budgets SET rate = full_rate');
    emulator.requests.clear();
  });

  /** Due jobs of media-cn that the vendor does not know, named after their lane. */
  const makeDue = (lane: keyof typeof POLL_LANES, count: number) =>
    tracker.rows(
      `INSERT INTO jobs (id, account, api, vendor_job_id, status, via, callback_expected, poll_lane, next_poll_at)
       SELECT gen_random_uuid(), 'media-cn', $1, $2 || '-' || gen_random_uuid(), 'queued', 'manual', false, $3, now()
       FROM generate_series(1, $4)`,
      [PRODUCING, lane, POLL_LANES[lane] satisfies PollLane, count],
    );
  const looksAt = (lane: keyof typeof POLL_LANES) =>
    emulator.requests.entries.filter(({ jobId }) => jobId.startsWith(`${lane}-`)).map(({ at }) => at);

  it('jobs that only callbacks speak of get a fifth and found ones nothing while known ones wait', async () => {
    await makeDue('known', 1000);
    await makeDue('unproven', 1000);
    await makeDue('found', 100);
    await pause(6500);
    const looks = { known: mostWithin(looksAt('known'), 5000), unproven: mostWithin(looksAt('unproven'), 5000) };
    expect(looks.unproven).toBeLessThanOrEqual((LIMIT * 5 + LIMIT) / 5);
    expect(looks.unproven).toBeGreaterThanOrEqual(LIMIT / 4);
    expect(looks.known).toBeGreaterThanOrEqual(looks.unproven * 3);
    expect(looksAt('found')).toHaveLength(0);
  });

  it('found jobs get what the others leave, and unproven ones no more for it', async () => {
    await makeDue('known', 10);
    await makeDue('unproven', 1000);
    await makeDue('found', 1000);
    await pause(6000);
    expect(mostWithin(looksAt('unproven'), 5000)).toBeLessThanOrEqual((LIMIT * 5 + LIMIT) / 5);
    // Ten known jobs are looked at three times or four in this time.
    expect(mostWithin(looksAt('found'), 5000)).toBeGreaterThanOrEqual(LIMIT * 4 - 45);
  });

  it('a throttled account with 100,000 due jobs delays no other', async () => {
    emulator.setFaults({ limitPerSecond: 5 });
    await makeDue('known', 100_000);
    await eventually(() => expect(emulator.requests.where({ outcome: 'Throttling.User' })).not.toHaveLength(0));
    // Inserting so many rows keeps the machine busy for some seconds more, which is not what this is about.
    await tracker.rows('VACUUM ANALYZE jobs');
    await tracker.rows('CHECKPOINT');
    await pause(3000);
    for (let round = 0; round < 6; round++) {
      const jobs = [PRODUCING, 'alibaba-ims/media-convert', 'alibaba-ims/dynamic-image'].map((api) => ({
        account: 'other',
        api,
        vendorJobId: emulator.submit({
          api: api as typeof PRODUCING,
          accessKeyId: OTHER_VENDOR_ACCOUNT.accessKeyId,
          queueMs: 0,
          durationMs: 1,
        }).vendorJobId,
        callbackExpected: false,
      }));
      const registeredAt = Date.now();
      await tracker.post('/v1/jobs/batch', { jobs });
      await eventually(() => {
        for (const { vendorJobId } of jobs) {
          const [look] = emulator.requests.where({ jobId: vendorJobId });
          // The other's backlog takes hours.
          expect((look?.at ?? Infinity) - registeredAt).toBeLessThan(5000);
        }
      });
    }
    expect(looksAt('known').length).toBeGreaterThan(0);
  });
});
