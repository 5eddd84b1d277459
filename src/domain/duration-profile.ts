const SECOND = 1000;
const WEEK = 7 * 86_400 * SECOND;

/** The latest durations of a profile that count, older ones are forgotten: enough for its tails, few enough to follow drift. */
export const DURATIONS_KEPT = 400;

/** The levels of a profile's quantiles: every half percent, so that a gap between two modes stays one. */
export const LEVELS: readonly number[] = Array.from({ length: 201 }, (_, i) => i / 200);

/** A profile of so many jobs speaks for itself; with fewer, the broader one fills it up to so many. */
const ENOUGH_JOBS = 30;

/** Two neighbouring quantiles that are a factor of so much apart have a gap between them, except in the tails. */
const GAP = 1.5;
const TAIL = 0.01;

/** How long the latest jobs of one kind took: their quantiles at `LEVELS`, in ms, each the duration of some job, and how many they were. */
export type DurationProfile = { jobs: number; quantiles: readonly number[] };

/** `ended[i]` is the share of jobs that end by the age `AGES[i]`; the longest job seen took `longestMs`. */
export type Durations = { ended: Float64Array; longestMs: number };

/** Ages at which a job may be looked at, in ms: half a second apart at first, then 1 %, up to a week. */
export const AGES = Float64Array.from(ages());

function* ages(): Iterable<number> {
  for (let age = 0; age < WEEK; age = Math.max(age + SECOND / 2, age * 1.01)) yield age;
  yield WEEK;
}

/** Knowing nothing, a job is as likely to take seconds as minutes, hours or days. */
const ANY_DURATION = AGES.map((age) => Math.max(0, Math.log(age / SECOND) / Math.log(WEEK / SECOND)));

/**
 * When a job began, and its age with it: when the vendor made it, as far as that can be true, for our first sight of it
 * may be much later. Durations are learned from the same moment (tracking/durations.ts).
 */
export function startOf({ createdAt, vendorCreatedAt }: { createdAt: Date; vendorCreatedAt: Date | null }): Date {
  if (vendorCreatedAt === null) return createdAt;
  const before = createdAt.getTime() - vendorCreatedAt.getTime();
  return before >= 0 && before <= WEEK ? vendorCreatedAt : createdAt;
}

/** How long jobs take by their profiles, the broadest first; null when none of them has seen a job. */
export function durationsOf(profiles: readonly DurationProfile[]): Durations | null {
  const known = profiles.filter(({ jobs }) => jobs > 0);
  if (known.length === 0) return null;
  const broadest = known.findLastIndex(({ jobs }) => jobs >= ENOUGH_JOBS);
  return known.slice(Math.max(0, broadest)).reduce<Durations>(
    (broader, profile) => {
      const share = Math.min(1, profile.jobs / ENOUGH_JOBS);
      const own = endedBy(profile.quantiles);
      const ended = own.map((value, i) => share * value + (1 - share) * (broader.ended[i] ?? 0));
      const longestMs = Math.max(profile.quantiles.at(-1) ?? 0, share < 1 ? broader.longestMs : 0);
      return { ended, longestMs };
    },
    { ended: ANY_DURATION, longestMs: 0 },
  );
}

/**
 * The share of jobs that have ended, at each of `AGES`: straight lines between the quantiles, each value at the middle of its
 * levels. A gap lies between two modes, and nothing ends in it; which of them the jobs at its edge belong to is not known.
 */
function endedBy(quantiles: readonly number[]): Float64Array {
  const values = [...new Set(quantiles)];
  const levels = values.map((value) => {
    const [first, last] = [quantiles.indexOf(value), quantiles.lastIndexOf(value)];
    return ((LEVELS[first] ?? 0) + (LEVELS[last] ?? 1)) / 2;
  });
  let above = 0;
  return AGES.map((age) => {
    while (above < values.length && (values[above] ?? 0) <= age) above++;
    if (above === 0) return 0;
    if (above === values.length) return 1;
    const [left = 0, right = 0] = values.slice(above - 1, above + 1);
    const [low = 0, high = 1] = levels.slice(above - 1, above + 1);
    const isGap = right > GAP * left && low > TAIL && high < 1 - TAIL;
    const along = isGap ? 0.5 : (age - left) / (right - left);
    return low + (high - low) * along;
  });
}
