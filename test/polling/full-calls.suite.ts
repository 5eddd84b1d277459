import { startVirtualPolling, type VirtualCall, type VirtualPolling } from '../support/virtual-polling.js';

const API = 'huawei-mpc/editing';

describe('ten ids a call', () => {
  let polling: VirtualPolling;

  beforeAll(async () => {
    polling = await startVirtualPolling({ api: API, limit: 20 });
  });
  afterAll(() => polling.stop());
  afterEach(() => polling.clear());

  /** Every answer plans the next look an hour later. */
  const pollFor = (seconds: number) =>
    polling.claimFor(seconds, (calls) => polling.answered(calls.flatMap(({ ids }) => ids)));
  const idsOf = (calls: VirtualCall[]) => calls.map(({ ids }) => ids);

  it('are found among thirty jobs whose looks lie apart, though each waits only a tenth of its interval', async () => {
    const intervalMs = 8000;
    const begun = polling.now();
    const dueInMs = Array.from({ length: 30 }, (_, i) => Math.round((intervalMs / 30) * i));
    const ids: string[] = [];
    for (const ms of dueInMs) ids.push(...(await polling.add('known', [ms], intervalMs)));
    const calls = await pollFor(10);
    expect(idsOf(calls).flat().sort()).toEqual([...ids].sort());
    expect(calls.length).toBeLessThanOrEqual(5);
    const latenesses = calls.flatMap((call) => call.ids.map((id) => call.at - begun - (dueInMs[ids.indexOf(id)] ?? 0)));
    expect(latenesses).toHaveLength(30);
    // A tenth, and what a tick of half a second adds to it.
    expect(Math.max(...latenesses)).toBeLessThanOrEqual(intervalMs / 10 + 500);
    expect(Math.min(...latenesses)).toBeGreaterThanOrEqual(-intervalMs / 4);
  });

  it('are not waited for by those who have no time', async () => {
    const far = await polling.add('known', Array<number>(12).fill(60_000), 120_000);
    const early = await polling.add('known', Array<number>(3).fill(25_000), 120_000);
    // Nobody is asked about early for its own sake.
    expect(await pollFor(5)).toEqual([]);
    // As a registration leaves it: due at once, and put off for no time.
    const [registered = ''] = await polling.add('known', [0]);
    const calls = await pollFor(5);
    expect(calls).toHaveLength(1);
    // Those come along whose time was near.
    expect(calls[0]?.ids.toSorted()).toEqual([registered, ...early].sort());
    expect(idsOf(calls).flat()).not.toContain(far[0]);
  });
});
