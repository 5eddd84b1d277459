import { GIVE_UP_MS, nextAttempt } from './next-attempt.js';

describe('the next attempt', () => {
  it('comes after 5 s, doubling to an hour', () => {
    const delays = [1, 2, 3, 4, 10, 11, 12, 1000].map((attempt) => nextAttempt(attempt, 0, null, 0));
    expect(delays).toEqual([5_000, 10_000, 20_000, 40_000, 2_560_000, 3_600_000, 3_600_000, 3_600_000]);
  });

  it('is spread over half of that', () => {
    expect([0, 0.5, 1].map((random) => nextAttempt(3, 0, null, random))).toEqual([20_000, 15_000, 10_000]);
  });

  it('is not before the other side wants it, and then somewhat later', () => {
    expect(nextAttempt(1, 0, 60_000, 0)).toBe(60_000);
    expect(nextAttempt(1, 0, 60_000, 1)).toBe(66_000);
    expect(nextAttempt(5, 0, 1_000, 0)).toBe(80_000);
  });

  it('is not made when a day is over', () => {
    expect(nextAttempt(1, GIVE_UP_MS - 5_000, null, 0)).toBe(5_000);
    expect(nextAttempt(1, GIVE_UP_MS - 4_999, null, 0)).toBe(null);
    expect(nextAttempt(20, 3 * GIVE_UP_MS, null, 0.5)).toBe(null);
  });

  it('is made some thirty times in a day, at the worst luck for the other side', () => {
    let [age, attempts] = [0, 1];
    for (let delay; (delay = nextAttempt(attempts, age, null, 0.5)) !== null; attempts++) age += delay;
    expect(attempts).toBeGreaterThan(25);
    expect(attempts).toBeLessThan(50);
  });
});
