import { startEmulator, type Emulator } from '../../emulator/emulator.js';
import { burstOf } from '../../emulator/rate-limit.js';
import { POLL_LANES } from '../../src/domain/poll-schedule.js';
import { eventually } from '../support/eventually.js';
import { startTracker, testAccount, VENDOR_ACCOUNT, type TestTracker } from '../support/tracker.js';
import { startVirtualPolling, type Lane, type VirtualCall, type VirtualPolling } from '../support/virtual-polling.js';

const PRODUCING = 'alibaba-ims/media-producing';
const LIMIT = 20;
const OTHER_VENDOR_ACCOUNT = { accessKeyId: 'other-id', accessKeySecret: 'other-secret' };

describe('who is asked about first', () => {
  const SECONDS = 100;
  /** The whole budget, a full bucket included. */
  const ALL = LIMIT * SECONDS + LIMIT * 0.2;
  /** What unproven jobs may have of it, likewise. */
  const SHARE = (LIMIT / 5) * SECONDS + 1;
  let polling: VirtualPolling;
  let emulator: Emulator;
  let tracker: TestTracker;

  beforeAll(async () => {
    polling = await startVirtualPolling({ api: PRODUCING, limit: LIMIT });
    emulator = await startEmulator({ seed: 51, accounts: [VENDOR_ACCOUNT, OTHER_VENDOR_ACCOUNT] });
    const { accessKeyId, accessKeySecret } = OTHER_VENDOR_ACCOUNT;
    tracker = await startTracker({
      accounts: [
        testAccount(emulator.url, { requestsPerSecond: LIMIT }),
        testAccount(emulator.url, { name: 'other', credentials: { accessKeyId, accessKeySecret } }),
      ],
    });
  });
  afterAll(async () => {
    await tracker.stop();
    await emulator.stop();
    await polling.stop();
  });
  afterEach(() => polling.clear());

  const makeDue = (lane: Lane, count: number) => polling.add(lane, Array<number>(count).fill(0));
  const ofLane = (calls: VirtualCall[], lane: Lane) => calls.filter(({ ids }) => ids[0]?.startsWith(`${lane}-`));

  it('jobs that only callbacks speak of get a fifth and found ones nothing while known ones wait', async () => {
    await makeDue('known', 400);
    await makeDue('unproven', 400);
    await makeDue('found', 100);
    const calls = await polling.claimFor(SECONDS);
    expect(calls.length).toBeGreaterThanOrEqual(ALL - 1);
    expect(calls.length).toBeLessThanOrEqual(ALL);
    const unproven = ofLane(calls, 'unproven');
    expect(unproven.length).toBeGreaterThanOrEqual(SHARE - 2);
    expect(unproven.length).toBeLessThanOrEqual(SHARE);
    const unprovenTimes = unproven.map(({ at }) => at);
    expect(burstOf(unprovenTimes, LIMIT / 5)).toBeLessThanOrEqual(2);
    expect(ofLane(calls, 'known')).toHaveLength(calls.length - unproven.length);
    expect(ofLane(calls, 'found')).toHaveLength(0);
  });

  it('found jobs get what the others leave, and unproven ones no more for it', async () => {
    await makeDue('known', 10);
    await makeDue('unproven', 400);
    await makeDue('found', 600);
    const calls = await polling.claimFor(SECONDS);
    expect(calls.length).toBeGreaterThanOrEqual(ALL - 1);
    expect(calls.length).toBeLessThanOrEqual(ALL);
    expect(ofLane(calls, 'unproven').length).toBeLessThanOrEqual(SHARE);
    // Nothing is answered here, so each of the ten is due again whenever its lease of 20 s ends.
    const known = 10 * (SECONDS / 20);
    expect(ofLane(calls, 'known')).toHaveLength(known);
    expect(ofLane(calls, 'found').length).toBeGreaterThanOrEqual(ALL - 1 - SHARE - known);
  });

  it('a throttled account with 10,000 due jobs delays no other', async () => {
    emulator.setFaults({ limitPerSecond: 5 });
    const backlog = 10_000;
    // Jobs of media-cn that the vendor does not know.
    await tracker.rows(
      `INSERT INTO jobs (id, account, api, vendor_job_id, status, via, callback_expected, poll_lane, next_poll_at)
       SELECT gen_random_uuid(), 'media-cn', $1, 'known-' || n, 'queued', 'manual', false, $2, now()
       FROM generate_series(1, $3::int) AS n`,
      [PRODUCING, POLL_LANES.known, backlog],
    );
    await eventually(() => expect(emulator.requests.where({ outcome: 'Throttling.User' })).not.toHaveLength(0));
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
      await tracker.post('/v1/jobs/batch', { jobs });
      await eventually(() => {
        for (const { vendorJobId } of jobs) expect(emulator.requests.where({ jobId: vendorJobId })).not.toHaveLength(0);
      });
    }
    const known = emulator.requests.entries.filter(({ jobId }) => jobId.startsWith('known-'));
    expect(known).not.toHaveLength(0);
    // The backlog takes hours: the other account was asked six times before a tenth of it was.
    expect(known.length).toBeLessThan(backlog / 10);
  });
});
