import { expectedShare, shareInterval } from './share.js';

describe('the interval of a share', () => {
  it.each([
    [0, 10, 0, 0.2775],
    [1, 10, 0.0179, 0.4042],
    [5, 10, 0.2366, 0.7634],
    [10, 10, 0.7225, 1],
    [12, 1000, 0.0069, 0.0209],
  ])('%d of %d', (count, total, low, high) => {
    const interval = shareInterval({ count, total });
    expect(interval[0]).toBeCloseTo(low, 4);
    expect(interval[1]).toBeCloseTo(high, 4);
  });

  it('says nothing when nothing was counted', () => {
    expect(shareInterval({ count: 0, total: 0 })).toEqual([0, 1]);
  });

  it('ends at the shares from which what was counted is just 1.96 standard deviations away', () => {
    for (const total of [1, 7, 60]) {
      for (let count = 0; count <= total; count++) {
        const [low, high] = shareInterval({ count, total });
        expect([0 <= low, low <= count / total, count / total <= high, high <= 1]).toEqual([true, true, true, true]);
        const deviations = (share: number) =>
          Math.abs(count / total - share) / Math.sqrt((share * (1 - share)) / total);
        if (count > 0) expect(deviations(low)).toBeCloseTo(1.96, 3);
        if (count < total) expect(deviations(high)).toBeCloseTo(1.96, 3);
      }
    }
  });
});

describe('the share to expect', () => {
  const prior = { share: 0.01, weight: 20 };

  it('is what it was believed to be while nothing is known', () => {
    expect(expectedShare({ count: 0, total: 0 }, prior)).toBeCloseTo(0.01);
  });

  it('follows what is counted', () => {
    expect(expectedShare({ count: 10, total: 10 }, prior)).toBeCloseTo(0.34);
    expect(expectedShare({ count: 0, total: 10_000 }, prior)).toBeLessThan(0.0001);
    expect(expectedShare({ count: 5000, total: 10_000 }, prior)).toBeCloseTo(0.5, 2);
  });
});
