import fc from 'fast-check';
import { AGES, durationsOf, LEVELS, startOf, type DurationProfile } from './duration-profile.js';

const MINUTE = 60_000;
const profileOf = (jobs: number, quantile: (level: number) => number): DurationProfile => ({
  jobs,
  quantiles: LEVELS.map(quantile),
});
/** The share of jobs that have ended by the age. */
const endedBy = (profiles: DurationProfile[], ageMs: number) =>
  durationsOf(profiles)?.ended[AGES.findIndex((age) => age >= ageMs)] ?? NaN;
const usually = (minutes: number, jobs: number) => profileOf(jobs, (level) => minutes * MINUTE * (0.5 + level));

describe('how long jobs take, by their profiles', () => {
  it('is unknown while no job has ended', () => {
    expect(durationsOf([])).toBeNull();
    expect(durationsOf([usually(10, 0)])).toBeNull();
  });

  it('is what the profile of many jobs says, and nothing else', () => {
    const profiles = [usually(1, 400), usually(10, 30)];
    expect(endedBy(profiles, 4.9 * MINUTE)).toBe(0);
    expect(endedBy(profiles, 10 * MINUTE)).toBeCloseTo(0.5, 1);
    expect(endedBy(profiles, 15 * MINUTE)).toBe(1);
    expect(durationsOf(profiles)?.longestMs).toBe(15 * MINUTE);
  });

  it('is filled up from the broader profile while jobs are few', () => {
    const profiles = [usually(1, 400), usually(10, 15)];
    expect(endedBy(profiles, 4.9 * MINUTE)).toBeCloseTo(0.5);
    expect(endedBy(profiles, 15 * MINUTE)).toBe(1);
  });

  it('leaves room for anything when there is no broader profile', () => {
    expect(endedBy([usually(10, 3)], MINUTE)).toBeGreaterThan(0.1);
    expect(endedBy([usually(10, 3)], 60 * MINUTE)).toBeLessThan(0.9);
  });

  it('never goes down with age, and ends with all of them', () => {
    const durations = fc.array(fc.integer({ min: 1, max: 7 * 86_400_000 }), {
      minLength: LEVELS.length,
      maxLength: LEVELS.length,
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400 }), durations, (jobs, quantiles) => {
        const { ended } = durationsOf([{ jobs, quantiles: [...quantiles].sort((a, b) => a - b) }])!;
        expect(ended.at(-1)).toBeCloseTo(1);
        expect(ended.every((share, i) => share >= (ended[i - 1] ?? 0) - 1e-12)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });
});

describe('when a job began', () => {
  const createdAt = new Date('2026-05-01T12:00:00Z');
  it.each([
    ['when the vendor made it', '2026-05-01T11:00:00Z', '2026-05-01T11:00:00Z'],
    ['when we first saw it, if the vendor says later', '2026-05-01T12:00:05Z', '2026-05-01T12:00:00Z'],
    ['when we first saw it, if the vendor says long before', '2024-05-01T12:00:00Z', '2026-05-01T12:00:00Z'],
    ['when we first saw it, if the vendor does not say', null, '2026-05-01T12:00:00Z'],
  ])('%s', (_, vendor, expected) => {
    const vendorCreatedAt = vendor === null ? null : new Date(vendor);
    expect(startOf({ createdAt, vendorCreatedAt })).toEqual(new Date(expected));
  });
});
