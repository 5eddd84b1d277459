import { RateLimit } from '../../emulator/rate-limit.js';
import { VendorError } from '../../src/vendors/vendor-error.js';
import { startVirtualPolling, type VirtualPolling } from '../support/virtual-polling.js';

const OURS = 20;
/** What the vendor allows a second, without telling. */
const ALLOWED = 5;

describe('a budget larger than what the vendor allows', () => {
  let polling: VirtualPolling;

  beforeAll(async () => {
    polling = await startVirtualPolling({ api: 'alibaba-ims/media-convert', limit: OURS, looksEveryMs: 5000 });
    await polling.add('known', Array<number>(200).fill(0));
  });
  afterAll(() => polling.stop());

  const rate = async () => (await polling.rows<{ rate: number }>('SELECT rate FROM budgets'))[0]?.rate ?? 0;

  it('is throttled now and then, settles below, and grows back when the vendor allows more', async () => {
    const limit = new RateLimit();
    let [answered, throttled, lowest] = [0, 0, OURS];
    const vendor = (at: number) => {
      if (limit.allows('vendor', ALLOWED, ALLOWED, at)) {
        answered++;
        return;
      }
      throttled++;
      throw new VendorError('throttled', 'Throttling.User', 'slow down');
    };
    for (let second = 0; second < 15; second++) {
      await polling.pollFor(1, vendor);
      lowest = Math.min(lowest, await rate());
    }
    expect(throttled).toBeGreaterThan(0);
    expect(lowest).toBeLessThan(ALLOWED);

    [answered, throttled] = [0, 0];
    await polling.pollFor(60, vendor);
    expect(answered).toBeGreaterThan(60 * ALLOWED * 0.7);
    expect(answered).toBeLessThanOrEqual(60 * ALLOWED + ALLOWED);
    expect(throttled).toBeGreaterThan(0);
    expect(throttled).toBeLessThan(answered / 5);

    const before = await rate();
    const seconds = 10;
    await polling.pollFor(seconds, () => undefined);
    // Twenty calls a second more in a minute, whatever it was.
    const grown = (await rate()) - before;
    expect(grown).toBeGreaterThan(2 * (OURS / 60));
    expect(grown).toBeCloseTo(seconds * (OURS / 60), 0);
    await polling.pollFor(60 - seconds, () => undefined);
    expect(await rate()).toBe(OURS);
  });
});
