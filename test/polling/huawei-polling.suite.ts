import { startEmulator, type Emulator } from '../../emulator/emulator.js';
import { NO_FAULTS } from '../../emulator/faults.js';
import { burstOf } from '../../emulator/rate-limit.js';
import { eventually } from '../support/eventually.js';
import { startWorkerBeside } from '../support/second-worker.js';
import { HUAWEI_VENDOR_ACCOUNT, huaweiAccount, startTracker, type TestTracker } from '../support/tracker.js';
import { startVirtualPolling } from '../support/virtual-polling.js';
import { mostWithin } from '../support/windows.js';

const API = 'huawei-mpc/editing';

describe('ten ids a call, with two workers', () => {
  let emulator: Emulator;
  let tracker: TestTracker;
  let second: TestTracker;

  beforeAll(async () => {
    emulator = await startEmulator({ seed: 81, accounts: [HUAWEI_VENDOR_ACCOUNT] });
    const accounts = [huaweiAccount(emulator.url, { requestsPerSecond: 20 })];
    tracker = await startTracker({ accounts });
    second = await startWorkerBeside(tracker, accounts);
  });
  afterAll(async () => {
    await second.stop();
    await tracker.stop();
    await emulator.stop();
  });
  afterEach(async () => {
    emulator.setFaults(NO_FAULTS);
    await tracker.rows('UPDATE jobs SET next_poll_at = NULL, closed_at = now()');
    emulator.requests.clear();
  });

  const submit = (count: number, durationMs: number) =>
    Array.from({ length: count }, () => emulator.submit({ api: API, queueMs: 0, durationMs }).vendorJobId);
  const track = (vendorJobIds: string[]) =>
    tracker.post('/v1/jobs/batch', {
      jobs: vendorJobIds.map((vendorJobId) => ({ account: 'clips-cn', api: API, vendorJobId })),
    });
  const stateOf = async (vendorJobIds: string[]) =>
    tracker.rows(
      `SELECT status, confirmed, poll_failures, next_poll_at - now() > interval '4 hours' AS far
       FROM jobs WHERE vendor_job_id = ANY ($1)`,
      [vendorJobIds],
    );
  /** Makes jobs due at one moment, when none of them is in the middle of a look; meanwhile no call is given. */
  const dueTogether = async (vendorJobIds: string[], before: () => Promise<unknown> = async () => undefined) => {
    await tracker.rows(`UPDATE budgets SET tokens = -1000, refilled_at = now() + interval '1 hour'`);
    await eventually(async () => {
      // A claimed job has no interval.
      const claimed = 'SELECT FROM jobs WHERE vendor_job_id = ANY ($1) AND poll_interval_ms IS NULL';
      expect(await tracker.rows(claimed, [vendorJobIds])).toHaveLength(0);
      expect(await tracker.rows('SELECT FROM pending_receipts')).toHaveLength(0);
    });
    await before();
    await tracker.rows('UPDATE jobs SET next_poll_at = now() WHERE vendor_job_id = ANY ($1)', [vendorJobIds]);
    await tracker.rows('UPDATE budgets SET tokens = 1, refilled_at = now()');
  };
  const looksAt = (vendorJobId: string) =>
    emulator.requests.entries.filter(({ jobIds }) => jobIds.includes(vendorJobId));

  it.each([
    [10, 1],
    [95, 10],
  ])('%d registrations cost %d calls', async (count, calls) => {
    const ids = submit(count, 1);
    await track(ids);
    await eventually(async () => {
      const states = await stateOf(ids);
      expect(states.filter(({ confirmed }) => !confirmed)).toHaveLength(0);
    });
    expect(emulator.requests.total).toBe(calls);
  });

  it('one illegal id costs its neighbours nothing but some seconds, and that once', async () => {
    const ids = submit(10, 120_000);
    const bad = ids[3] ?? '';
    const neighbours = ids.filter((id) => id !== bad);
    emulator.setFaults({ illegalIds: [bad] });
    await track(ids);
    await eventually(async () => {
      const states = await stateOf(neighbours);
      expect(states.filter(({ status }) => status === 'running')).toHaveLength(9);
      expect(await stateOf([bad])).toMatchObject([{ status: 'queued', poll_failures: 1 }]);
    });
    expect(emulator.requests.total).toBeLessThanOrEqual(9);

    emulator.requests.clear();
    const callsOfNine = () => emulator.requests.entries.filter(({ jobIds }) => jobIds.length === 9);
    for (let round = 0; round < 3; round++) {
      await dueTogether(ids);
      await eventually(async () => {
        expect(looksAt(bad).length).toBeGreaterThan(round);
        // The refusal was noted: what comes after it is not overwritten by it.
        const [state] = await stateOf([bad]);
        expect(state?.['poll_failures']).toBeGreaterThan(round + 1);
        expect(callsOfNine().length).toBeGreaterThan(round);
      });
    }
    for (const { jobIds, status } of emulator.requests.entries) {
      if (status === 400) expect(jobIds).toEqual([bad]);
      else expect(jobIds).not.toContain(bad);
    }
    // The neighbours meet in one call again.
    expect(callsOfNine()).not.toHaveLength(0);
    expect(await stateOf([bad])).toMatchObject([{ status: 'queued' }]);

    await dueTogether([bad], () => tracker.rows('UPDATE jobs SET poll_failures = 20 WHERE vendor_job_id = $1', [bad]));
    await eventually(async () => expect(await stateOf([bad])).toMatchObject([{ poll_failures: 21, far: true }]));
    // What the vendor takes after all is a job like any other.
    emulator.setFaults(NO_FAULTS);
    await dueTogether(ids);
    await eventually(async () => expect(await stateOf([bad])).toMatchObject([{ status: 'running', poll_failures: 0 }]));
    await dueTogether(ids);
    await eventually(() => expect(emulator.requests.entries.at(-1)?.jobIds).toHaveLength(10));
  });

  it('an illegal id that was asked about alone is not asked about with others', async () => {
    const ids = submit(10, 120_000);
    const bad = ids[0] ?? '';
    emulator.setFaults({ illegalIds: [bad] });
    await track([bad]);
    await eventually(async () => expect(await stateOf([bad])).toMatchObject([{ poll_failures: 1 }]));
    await dueTogether([bad], () => track(ids.slice(1)));
    await eventually(() => expect(looksAt(bad)).toHaveLength(2));
    await eventually(() => expect(looksAt(ids[1] ?? '')).toHaveLength(1));
    expect(emulator.requests.entries.filter(({ status }) => status === 400).map(({ jobIds }) => jobIds)).toEqual([
      [bad],
      [bad],
    ]);
  });

  it('80 calls a minute are used up and never exceeded', async () => {
    const [limit, seconds] = [80 / 60, 120];
    const polling = await startVirtualPolling({ api: API, limit, workers: 2 });
    const begun = polling.now();
    await polling.add('known', Array<number>(300).fill(0));
    const calls = await polling.claimFor(seconds);
    await polling.stop();
    const times = calls.map(({ at }) => at - begun);
    expect(calls.length).toBeGreaterThanOrEqual(limit * seconds);
    expect(calls.length).toBeLessThanOrEqual(limit * seconds + 1);
    expect(mostWithin(times, 10_000)).toBeLessThanOrEqual(Math.floor(limit * 10 + limit));
    for (let from = 0; from + 10_000 <= seconds * 1000; from += 1000) {
      expect(times.filter((at) => at >= from && at < from + 10_000).length).toBeGreaterThanOrEqual(13);
    }
    expect(burstOf(times, limit)).toBeLessThanOrEqual(2);
    for (const { ids } of calls) expect(ids).toHaveLength(10);
    expect(new Set(calls.map(({ worker }) => worker))).toEqual(new Set([0, 1]));
  });
});
