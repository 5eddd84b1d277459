import { burstOf } from '../../emulator/rate-limit.js';
import { VendorError } from '../../src/vendors/vendor-error.js';
import { startVirtualPolling, type VirtualCall, type VirtualPolling } from '../support/virtual-polling.js';
import { mostWithin } from '../support/windows.js';

const LIMIT = 20;
const SECONDS = 100;
/** What a full bucket holds, and a whole call of what the clock's milliseconds round. */
const BUCKET = LIMIT * 0.2;
const ROUNDING = 0.1;
/** Calls later than this are not made. */
const LATEST_SECONDS = 0.3;

// In `test/system/poll-rates.spec.ts` two workers ask over HTTP.
describe('the budget', () => {
  let polling: VirtualPolling;

  beforeAll(async () => {
    polling = await startVirtualPolling({
      api: 'alibaba-ims/media-convert',
      limit: LIMIT,
      workers: 2,
      looksEveryMs: 10_000,
    });
  });
  afterAll(() => polling.stop());
  afterEach(() => polling.clear());

  const makeDue = (count: number) => polling.add('known', Array<number>(count).fill(0));
  const times = (calls: VirtualCall[]) => calls.map(({ at }) => at);
  /** How many calls there are in each whole second. */
  const bySecond = (calls: VirtualCall[]): number[] => {
    const counts = new Map<number, number>();
    for (const { at } of calls) counts.set(Math.floor(at / 1000), (counts.get(Math.floor(at / 1000)) ?? 0) + 1);
    return [...counts.values()];
  };

  it('holds over every window with two workers, whatever the vendor does', async () => {
    await makeDue(300);
    const fails = {
      throttled: () => new VendorError('throttled', 'Throttling.User', 'slow down'),
      transient: () => new VendorError('transient', 'ECONNRESET', 'reset'),
    };
    const asked: VirtualCall[] = [];
    for (const fault of ['throttled', 'transient'] as const) {
      let n = 0;
      const calls = await polling.pollFor(15, () => {
        if ((n += 1) % 2 === 0) throw fails[fault]();
      });
      expect(calls).not.toHaveLength(0);
      asked.push(...calls);
    }
    asked.push(...(await polling.pollFor(60, () => undefined)));
    expect(burstOf(times(asked), LIMIT)).toBeLessThanOrEqual(BUCKET + ROUNDING);
    expect(mostWithin(times(asked), 10_000)).toBeLessThanOrEqual(LIMIT * 10 + BUCKET);
    expect(new Set(asked.map(({ worker }) => worker))).toEqual(new Set([0, 1]));
    // Throttled, it was used less; in the end the rate has grown back.
    const perSecond = bySecond(asked);
    expect(Math.min(...perSecond)).toBeLessThan(LIMIT / 4);
    expect(perSecond.at(-2)).toBeGreaterThanOrEqual(LIMIT - 1);
    // No job was lost on the way.
    expect(new Set(asked.flatMap(({ ids }) => ids)).size).toBe(300);
  });

  it('holds when answers that all calls waited for come at last', async () => {
    const ids = await makeDue(300);
    // Three seconds long no call leaves, since all workers wait for answers.
    const waiting = await polling.claimFor(3);
    expect(waiting.length).toBeGreaterThan(2 * LIMIT);
    const made: number[] = [];
    const tooLate: VirtualCall[] = [];
    for (const call of waiting) {
      if (await polling.look(call)) made.push(polling.now());
      else tooLate.push(call);
    }
    // What is in the queue behind them is due again in its old place, and is not made in a heap.
    expect(made).not.toHaveLength(0);
    expect(made.length).toBeLessThanOrEqual(LATEST_SECONDS * LIMIT + 1);
    expect(tooLate.length).toBeGreaterThan(LIMIT);
    const given = await polling.rows(
      `SELECT count(*)::int AS jobs FROM jobs WHERE vendor_job_id = ANY ($1) AND next_poll_at <= now() - interval '2 seconds'`,
      [tooLate.flatMap((call) => call.ids)],
    );
    expect(given).toEqual([{ jobs: tooLate.length }]);

    const after = await polling.pollFor(30, () => undefined);
    const all = [...made, ...times(after)];
    expect(all.length).toBeGreaterThan(2 * LIMIT);
    expect(burstOf(all, LIMIT)).toBeLessThanOrEqual(BUCKET + LATEST_SECONDS * LIMIT + 1);
    expect(new Set([...waiting, ...after].flatMap((call) => call.ids))).toEqual(new Set(ids));
  });

  it('is used up while there is work', async () => {
    await makeDue(500);
    const calls = await polling.claimFor(SECONDS);
    expect(calls.length).toBeGreaterThanOrEqual(LIMIT * SECONDS + BUCKET - 1);
    expect(calls.length).toBeLessThanOrEqual(LIMIT * SECONDS + BUCKET);
    const seconds = bySecond(calls).slice(0, SECONDS);
    expect(seconds).toHaveLength(SECONDS);
    expect(Math.min(...seconds)).toBeGreaterThanOrEqual(LIMIT - 1);
    expect(mostWithin(times(calls), 5000)).toBeGreaterThan(LIMIT * 2.5);
    expect(burstOf(times(calls), LIMIT)).toBeLessThanOrEqual(BUCKET + ROUNDING);
    expect(new Set(calls.map(({ worker }) => worker))).toEqual(new Set([0, 1]));
  });
});
