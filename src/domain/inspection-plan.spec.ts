import fc from 'fast-check';
import { AGES, durationsOf, LEVELS, type DurationProfile } from './duration-profile.js';
import { CALL_PRICE_MS, nextLookMs, planLooks, type Plan } from './inspection-plan.js';
import { pollIntervalMs } from './poll-schedule.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;

const ownProfile = (quantile: (level: number) => number): DurationProfile => ({
  jobs: 400,
  quantiles: LEVELS.map(quantile),
});
const planOf = (profile: DurationProfile, callbackLoss = 1): Plan => planLooks(durationsOf([profile])!, callbackLoss);
/** The ages at which a job that does not end is looked at. */
function looksOf(plan: Plan, count: number): number[] {
  const looks = [0];
  while (looks.length <= count) looks.push(looks.at(-1)! + nextLookMs(plan, looks.at(-1)!));
  return looks.slice(1);
}
const between = (low: number, high: number) => ownProfile((level) => (low + (high - low) * level) * MINUTE);
/** Half of the jobs take a minute or two, half of them twenty or so. */
const twoModes = ownProfile((level) => (level < 0.5 ? 1 + 2 * level : 18 + 4 * (level - 0.5)) * MINUTE);

describe('when a job is looked at, by what its like have taken', () => {
  it('not before the shortest can have ended', () => {
    const [first = 0] = looksOf(planOf(between(10, 20)), 1);
    expect(first).toBeGreaterThan(10 * MINUTE);
    expect(first).toBeLessThan(11.5 * MINUTE);
  });

  it('jumps over the gap between two modes', () => {
    const looks = looksOf(planOf(twoModes), 40);
    expect(looks.filter((age) => age > 2.1 * MINUTE && age < 18 * MINUTE)).toEqual([]);
    expect(looks.filter((age) => age <= 2.1 * MINUTE).length).toBeGreaterThanOrEqual(2);
    expect(looks.filter((age) => age >= 18 * MINUTE && age <= 21 * MINUTE).length).toBeGreaterThanOrEqual(2);
  });

  it('as often as if nothing were known, once a job is older than all seen', () => {
    const plan = planOf(between(10, 20));
    for (const age of [21 * MINUTE, 60 * MINUTE, 30 * 60 * MINUTE, 10 * 24 * 60 * MINUTE]) {
      expect(nextLookMs(plan, age)).toBeCloseTo(pollIntervalMs({ ageMs: age, callbackExpected: false }));
    }
  });

  it('more often when ends are dense than when they are sparse', () => {
    const looks = looksOf(planOf(ownProfile((level) => (10 + 50 * level ** 20) * MINUTE)), 200);
    const between = (from: number, to: number) =>
      looks.filter((age) => age >= from * MINUTE && age < to * MINUTE).length;
    expect(between(10, 14)).toBeGreaterThan(1.5 * between(40, 44));
  });

  it('with as little delay and as few calls as the exact optimum of Barlow, Hunter and Proschan', () => {
    // Evenly spread over a span, their recursion makes each interval shorter than the last by the price.
    const [from, span] = [10 * MINUTE, 10 * MINUTE];
    const looks = looksOf(planOf(between(10, 20)), 60).filter((age) => age < from + span * 1.001);
    const cost = (ages: number[]) => {
      let total = 0;
      for (const [i, age] of ages.entries()) {
        const before = Math.max(ages[i - 1] ?? 0, from);
        const share = (Math.min(age, from + span) - before) / span;
        total += (share * (age - before)) / 2 + CALL_PRICE_MS * (1 - (before - from) / span);
      }
      return total;
    };
    // As many looks as the intervals, each a price longer than the next, fit into the span.
    const count = Math.floor((1 + Math.sqrt(1 + (8 * span) / CALL_PRICE_MS)) / 2);
    const shortest = span / count - (CALL_PRICE_MS * (count - 1)) / 2;
    const exact: number[] = [];
    for (let i = 0; i < count; i++) exact.push((exact[i - 1] ?? from) + shortest + CALL_PRICE_MS * (count - 1 - i));
    expect(exact.at(-1)).toBeCloseTo(from + span);
    expect(cost(looks)).toBeLessThan(1.02 * cost(exact));
  });

  it('never sooner than 2 s later, and never later than what is known and the plain curve allow', () => {
    const durations = fc.array(fc.integer({ min: 1, max: 86_400_000 }), {
      minLength: LEVELS.length,
      maxLength: LEVELS.length,
    });
    const ages = fc.double({ min: 0, max: 10 * 86_400_000, noNaN: true });
    const losses = fc.constantFrom(0, 0.001, 0.01, 0.5, 1);
    fc.assert(
      fc.property(durations, fc.integer({ min: 1, max: 400 }), losses, ages, (quantiles, jobs, loss, age) => {
        const profile = { jobs, quantiles: [...quantiles].sort((a, b) => a - b) };
        const plan = planOf(profile, loss);
        const inMs = nextLookMs(plan, age);
        const known = Math.max(age, plan.longestMs);
        expect(inMs).toBeGreaterThanOrEqual(2 * SECOND - 0.001);
        const plain = pollIntervalMs({ ageMs: known, callbackExpected: false });
        expect(age + inMs).toBeLessThanOrEqual(known + (loss < 1 ? Math.max(plain, 60 * MINUTE) : plain) + 0.001);
      }),
      { numRuns: 60 },
    );
  });
});

describe('safety looks at a job whose callback is expected', () => {
  const profile = between(10, 20);
  const looksWhileRunning = (loss: number) => looksOf(planOf(profile, loss), 60).filter((age) => age <= 20 * MINUTE);

  it('one, when all jobs seen had ended, where callbacks never fail, and then one an hour', () => {
    expect(looksWhileRunning(0)).toEqual([]);
    const [first = 0, second = 0] = looksOf(planOf(profile, 0), 2);
    expect(first).toBeLessThan(20 * MINUTE * 1.02);
    expect(second - first).toBeCloseTo(60 * MINUTE);
  });

  it('as without a callback where all are lost', () => {
    const plans = [planOf(profile, 1), planLooks(durationsOf([profile])!, 1)];
    expect(looksOf(plans[0]!, 50)).toEqual(looksOf(plans[1]!, 50));
    expect(looksWhileRunning(1).length).toBeGreaterThan(10);
  });

  it('also beyond the age of all jobs seen', () => {
    const intervals = [0.01, 0.1, 1].map((loss) => nextLookMs(planOf(profile, loss), 30 * MINUTE));
    const plain = pollIntervalMs({ ageMs: 30 * MINUTE, callbackExpected: false });
    expect(intervals.map((interval) => Math.round(interval))).toEqual(
      [10, Math.sqrt(10), 1].map((factor) => Math.round(factor * plain)),
    );
  });

  it('the more, the more callbacks are lost', () => {
    const counts = [0.001, 0.01, 0.1, 0.5, 1].map((loss) => looksWhileRunning(loss).length);
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    expect(new Set(counts).size).toBeGreaterThan(3);
  });
});

it('plans over a grid fine enough for looks seconds apart', () => {
  expect(AGES[0]).toBe(0);
  expect(AGES.length).toBeLessThan(1100);
  for (const [i, age] of AGES.entries()) {
    expect(age - (AGES[i - 1] ?? 0)).toBeLessThanOrEqual(Math.max(500, 0.0101 * age));
  }
});
