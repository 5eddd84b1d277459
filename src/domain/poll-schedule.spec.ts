import { pollIntervalMs, refusedDelayMs, retryDelayMs, unknownIntervalMs } from './poll-schedule.js';

const seconds = (ageMs: number, callbackExpected = false) =>
  Math.round(pollIntervalMs({ ageMs, callbackExpected }) / 1000);
const MINUTE = 60_000;
const DAY = 86_400_000;

describe('how often a job is looked at', () => {
  it.each([
    ['just registered', 0, 2],
    ['ten seconds old', 10_000, 2],
    ['ten minutes old', 10 * MINUTE, 19],
    ['almost a day old', DAY - 1, 300],
    ['a day old', DAY, 3600],
    ['a week old', 7 * DAY, 6 * 3600],
  ])('%s', (_, ageMs, expected) => {
    expect(seconds(ageMs)).toBe(expected);
  });

  it('never speeds up as a job grows older', () => {
    const ages = Array.from({ length: 400 }, (_, i) => 1000 * 1.05 ** i);
    const intervals = ages.map((ageMs) => pollIntervalMs({ ageMs, callbackExpected: false }));
    expect(intervals).toEqual([...intervals].sort((a, b) => a - b));
  });

  it('leaves a job whose callback is expected alone for two minutes', () => {
    expect(seconds(500, true)).toBe(120);
    expect(seconds(12 * 60 * MINUTE, true)).toBe(seconds(12 * 60 * MINUTE));
  });

  it('survives a clock that went back', () => {
    expect(seconds(-5000)).toBe(2);
  });
});

describe('how long a failed look waits', () => {
  it('doubles from 2 s to 5 min', () => {
    expect([1, 2, 3, 8, 9, 1000].map((n) => retryDelayMs(n) / 1000)).toEqual([2, 4, 8, 256, 300, 300]);
  });

  it('doubles from 2 s to 6 h when the vendor refused the job alone, which it will not take back soon', () => {
    expect([1, 2, 3, 14, 15, 1000].map((n) => refusedDelayMs(n) / 1000)).toEqual([2, 4, 8, 16_384, 21_600, 21_600]);
  });
});

describe('how often a job is looked at that only a callback knows', () => {
  it('twice within the grace, and at its end', () => {
    const looks = [500];
    while (looks.length < 10) {
      const last = looks.at(-1) ?? 0;
      if (last >= 15 * MINUTE) break;
      looks.push(last + unknownIntervalMs(last));
    }
    expect(looks).toEqual([500, 60_500, 15 * MINUTE]);
  });

  it('a minute after the end of the grace at most, however late it was looked at', () => {
    expect(unknownIntervalMs(15 * MINUTE - 1)).toBe(MINUTE);
    expect(unknownIntervalMs(DAY)).toBe(MINUTE);
  });
});
