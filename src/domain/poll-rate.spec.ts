import { grownRate, throttledRate, type PollRate } from './poll-rate.js';

const at = (seconds: number) => new Date(Date.UTC(2026, 10, 21) + seconds * 1000);
const full: PollRate = { rate: 20, fullRate: 20, ratedAt: at(0), throttledAt: null };

describe('a rate that is throttled', () => {
  it('is halved', () => {
    expect(throttledRate(full, at(10), at(11))).toEqual({
      rate: 10,
      fullRate: 20,
      ratedAt: at(11),
      throttledAt: at(11),
    });
  });

  it('is halved once for a burst, however late its answers come', () => {
    const slowed = throttledRate(full, at(10), at(11));
    for (const [askedAt, now] of [
      [10, 11],
      [10.2, 15],
      // Claimed before the throttling was known, and left after it.
      [11.8, 11.9],
    ] as const)
      expect(throttledRate(slowed, at(askedAt), at(now))).toBe(slowed);
  });

  it('is halved again when the slower rate is throttled as well', () => {
    let held = full;
    for (let second = 10; second < 30; second += 1.5) held = throttledRate(held, at(second), at(second));
    expect(held.rate).toBeLessThan(2);
    expect(held.rate).toBeGreaterThanOrEqual(1);
  });

  it('never falls below a twentieth', () => {
    let held = full;
    for (let second = 0; second < 3600; second += 1.01) held = throttledRate(held, at(second), at(second));
    expect(held.rate).toBeGreaterThanOrEqual(1);
  });
});

describe('a throttled rate', () => {
  const slowed = throttledRate(full, at(10), at(10));

  it('grows by the same with every second', () => {
    const rates = [0, 3, 6, 9].map((seconds) => grownRate(slowed, at(10 + seconds)));
    expect(rates).toEqual([10, 11, 12, 13]);
  });

  it('ends at the full one', () => {
    expect(grownRate(slowed, at(41))).toBe(20);
    expect(grownRate(slowed, at(4000))).toBe(20);
  });

  it('is as it was for a clock that went back', () => {
    expect(grownRate(slowed, at(0))).toBe(10);
  });

  it.each([2, 5, 12])('settles below a limit of %d calls a second that nobody has told us', (limit) => {
    let held = full;
    let [answered, throttled, bucket] = [0, 0, limit];
    const stepMs = 50;
    let tokens = 0;
    for (let ms = 0; ms < 600_000; ms += stepMs) {
      const now = at(ms / 1000);
      held = { ...held, rate: grownRate(held, now), ratedAt: now };
      tokens += (held.rate * stepMs) / 1000;
      bucket = Math.min(limit, bucket + (limit * stepMs) / 1000);
      for (; tokens >= 1; tokens--) {
        if (bucket >= 1) {
          bucket--;
          answered++;
        } else {
          throttled++;
          held = throttledRate(held, now, now);
        }
      }
    }
    expect(answered / 600).toBeGreaterThan(limit * 0.7);
    expect(throttled / (answered + throttled)).toBeLessThan(0.15);
  });
});
