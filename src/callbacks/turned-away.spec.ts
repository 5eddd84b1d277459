import type { ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { TurnedAway } from './turned-away.js';

const WAIT_MS = 50;
const caller = (name: string) => name as unknown as ServerResponse;

/** The process is too busy to look at its timers. */
const stall = (ms: number) => {
  for (const until = performance.now() + ms; performance.now() < until;);
};

describe('callers who are turned away', () => {
  it('are kept waiting, and told one after the other when nobody else calls', async () => {
    const told: { caller: unknown; at: number }[] = [];
    const turnedAway = new TurnedAway(WAIT_MS, (caller) => told.push({ caller, at: performance.now() }));
    const came: number[] = [];
    for (const name of ['a', 'b', 'c']) {
      came.push(performance.now());
      turnedAway.add(caller(name));
      // Its timer has ended by then, as nobody waits any more.
      if (name === 'b') while (told.length < 2) await nextTurn();
    }
    while (told.length < 3) await nextTurn();
    expect(told.map(({ caller }) => caller)).toEqual(['a', 'b', 'c']);
    for (const [i, { at }] of told.entries()) expect(at - (came[i] ?? 0)).toBeGreaterThanOrEqual(WAIT_MS);
  });

  it('are told by whoever calls next, once, when no timer comes to its turn', async () => {
    const told: unknown[] = [];
    const turnedAway = new TurnedAway(WAIT_MS, (caller) => told.push(caller));
    turnedAway.add(caller('a'));
    stall(WAIT_MS);
    turnedAway.release();
    expect(told).toEqual(['a']);
    // The timer of the first comes before it is the turn of the second.
    turnedAway.add(caller('b'));
    while (told.length < 2) await nextTurn();
    expect(told).toEqual(['a', 'b']);
  });
});
