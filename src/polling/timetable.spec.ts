import { departures, timetable } from './timetable.js';

const TICK = { ahead: 0.5, most: 200 };

describe('when calls leave', () => {
  it('at once as long as there are tokens, then one by one as they come', () => {
    expect(departures({ tokens: 2, rate: 10 }, TICK)).toEqual([0, 0, 0.1, 0.2, 0.3, 0.4, 0.5].map(expect.closeTo));
  });

  it('later when calls to come have been given the next tokens already', () => {
    expect(departures({ tokens: -3, rate: 10 }, TICK)).toEqual([0.4, 0.5].map(expect.closeTo));
    expect(departures({ tokens: -5, rate: 10 }, TICK)).toEqual([]);
  });

  it('between ticks too, where the budget has less than one call a tick', () => {
    expect(departures({ tokens: 0.5, rate: 80 / 60 }, TICK)).toEqual([expect.closeTo(0.375)]);
    expect(departures({ tokens: 0.2, rate: 80 / 60 }, TICK)).toEqual([]);
  });

  it('never more than one tick may hand out', () => {
    expect(departures({ tokens: 200, rate: 1000 }, { ahead: 0.5, most: 3 })).toEqual([0, 0, 0]);
  });
});

describe('who leaves when', () => {
  const budget = [0, 0.1, 0.2, 0.3, 0.4];
  const names = (lane: string, count: number) => Array.from({ length: count }, (_, i) => `${lane}${i}`);
  type Counts = { urgent?: number; known?: number; unproven?: number; found?: number };
  const table = (unproven: number[], counts: Counts, turn = 0) =>
    timetable(
      { budget, unproven },
      {
        urgent: names('urgent', counts.urgent ?? 0),
        known: names('known', counts.known ?? 0),
        unproven: names('unproven', counts.unproven ?? 0),
        found: names('found', counts.found ?? 0),
      },
      turn,
    ).map(({ call, at }) => [call, at]);

  it('unproven calls get the share of their own bucket, however many known ones wait, and no more', () => {
    expect(table([0.15], { known: 9, unproven: 9 })).toEqual([
      ['known0', 0],
      ['known1', 0.1],
      ['unproven0', 0.2],
      ['known2', 0.3],
      ['known3', 0.4],
    ]);
    expect(table([0.15], { unproven: 9 })).toEqual([['unproven0', 0.15]]);
    expect(table([], { unproven: 9 })).toEqual([]);
  });

  it('found calls get the places that are left', () => {
    expect(table([0.15], { known: 2, unproven: 1, found: 9 })).toEqual([
      ['known0', 0],
      ['known1', 0.1],
      ['unproven0', 0.2],
      ['found0', 0.3],
      ['found1', 0.4],
    ]);
    expect(table([0, 0.1], { known: 9, unproven: 2, found: 9 }).map(([call]) => call)).not.toContain('found0');
  });

  it('urgent calls go before known ones, but for every fourth', () => {
    const order = (counts: Counts, turn: number) => table([], counts, turn).map(([call]) => call);
    expect(order({ urgent: 9, known: 9, found: 9 }, 0)).toEqual(['urgent0', 'urgent1', 'urgent2', 'known0', 'urgent3']);
    expect(order({ urgent: 9, known: 9 }, 3)).toEqual(['known0', 'urgent0', 'urgent1', 'urgent2', 'known1']);
    expect(order({ urgent: 2, known: 9 }, 0)).toEqual(['urgent0', 'urgent1', 'known0', 'known1', 'known2']);
    expect(order({ urgent: 9 }, 3)).toEqual(['urgent0', 'urgent1', 'urgent2', 'urgent3', 'urgent4']);
  });

  it('unproven calls get no less and no more for what is urgent', () => {
    expect(table([0.15], { urgent: 9, known: 9, unproven: 9 }).map(([call]) => call)).toEqual([
      'urgent0',
      'urgent1',
      'unproven0',
      'urgent2',
      'known0',
    ]);
  });

  it('never more calls leave than the budget has places', () => {
    expect(table([0, 0, 0, 0, 0, 0, 0], { unproven: 9 })).toHaveLength(5);
    expect(table([0, 0, 0], { known: 9, unproven: 9, found: 9 })).toHaveLength(5);
  });
});
