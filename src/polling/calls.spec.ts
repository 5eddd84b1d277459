import { callsOf, worthwhileCalls } from './calls.js';

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

describe('calls that are worth making now', () => {
  const kinds = {
    pressing: { due: true, pressing: true },
    patient: { due: true, pressing: false },
    early: { due: false, pressing: false },
  };
  const calls = (order: (keyof typeof kinds)[], idsPerCall: number, restricted: (number | null)[] = []) =>
    worthwhileCalls(
      order.map((kind, id) => ({ ...kinds[kind], id, kind, idsPerCall: restricted[id] ?? null })),
      idsPerCall,
    ).map((call) => call.map(({ kind }) => kind));

  it('a call that is not full waits as long as all in it can', () => {
    expect(calls(['patient', 'patient'], 3)).toEqual([]);
    expect(calls(['patient', 'patient', 'patient', 'patient'], 3)).toEqual([['patient', 'patient', 'patient']]);
    expect(calls(['patient', 'pressing'], 3)).toEqual([['patient', 'pressing']]);
  });

  it('those that are due soon fill the places that are left', () => {
    expect(calls(['pressing', 'early', 'early', 'early'], 3)).toEqual([['pressing', 'early', 'early']]);
    expect(calls(['patient', 'early', 'early'], 3)).toEqual([['patient', 'early', 'early']]);
    expect(calls(['patient', 'early'], 3)).toEqual([]);
  });

  it('nobody is asked about before the time for the sake of a full call alone', () => {
    expect(calls(['early', 'early', 'early'], 3)).toEqual([]);
    expect(calls(['patient', 'patient', 'patient', 'early', 'early', 'early'], 3)).toEqual([
      ['patient', 'patient', 'patient'],
    ]);
  });

  it('nobody waits for a call of one', () => {
    expect(calls(['patient', 'pressing'], 1)).toEqual([['patient'], ['pressing']]);
    expect(calls(['patient', 'patient'], 10, [1, 2])).toEqual([['patient']]);
  });
});
