import { callsOf } from './calls.js';

describe('jobs as they fit into calls', () => {
  const jobs = (...sizes: (number | null)[]) => sizes.map((idsPerCall, id) => ({ id, idsPerCall }));
  const calls = (sizes: (number | null)[], idsPerCall: number) =>
    callsOf(jobs(...sizes), idsPerCall).map((call) => call.map(({ id }) => id));

  it('as many a call as the vendor takes, in their order', () => {
    expect(calls([null, null, null, null, null], 2)).toEqual([[0, 1], [2, 3], [4]]);
    expect(calls([null, null, null], 1)).toEqual([[0], [1], [2]]);
    expect(calls([], 10)).toEqual([]);
  });

  it('those that were refused together meet again in smaller calls, apart from all others', () => {
    expect(calls([2, null, 2, null, 2, 1, 1], 10)).toEqual([[0, 2], [1, 3], [4], [5], [6]]);
  });

  it('a restriction never makes a call larger than the vendor takes', () => {
    expect(calls([5, 5], 1)).toEqual([[0], [1]]);
  });
});
