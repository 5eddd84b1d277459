import { AGES, type Durations } from './duration-profile.js';
import { pollIntervalMs } from './poll-schedule.js';

/**
 * When to look at jobs whose durations are known: the classical inspection problem (Barlow, Hunter and Proschan, 1963),
 * solved backwards over a grid of ages. No density is assumed, so gaps between modes are jumped over and tails are
 * followed as they are.
 */

/** What a call is worth, as detection delay in ms: one price for all jobs, since they share the budget they are paid from. */
export const CALL_PRICE_MS = 1800;

const HOUR = 3_600_000;
/** Looks are never closer together than this. */
const SHORTEST_INTERVAL_MS = 2000;

/** `next[i]`: the index in `AGES` of the look that should follow one that saw the job unfinished at the age `AGES[i]`. */
export type Plan = { next: Uint16Array; longestMs: number; callbackLoss: number };

/**
 * The plan with the least expected detection delay plus price of its calls. A callback that comes spares the looks after
 * it, so delay counts for the share `callbackLoss` of jobs only; it is 1 where none is expected.
 */
export function planLooks({ ended, longestMs }: Durations, callbackLoss: number, priceMs = CALL_PRICE_MS): Plan {
  const last = AGES.length - 1;
  const at = (values: Float64Array, i: number) => values[i] ?? 0;
  // The integral of `ended`: what jobs that have ended have waited, if nobody has looked yet.
  const waited = new Float64Array(AGES.length);
  for (let i = 1; i <= last; i++) {
    waited[i] = at(waited, i - 1) + ((at(AGES, i) - at(AGES, i - 1)) * (at(ended, i) + at(ended, i - 1))) / 2;
  }
  const cost = new Float64Array(AGES.length);
  const next = new Uint16Array(AGES.length).fill(last);
  for (let i = last - 1; i >= 0; i--) {
    const [age, done, waitedBefore] = [at(AGES, i), at(ended, i), at(waited, i)];
    // Older than every job seen: the plan has nothing to say.
    if (done >= 1) continue;
    let least = Infinity;
    for (let j = i + 1; j <= last; j++) {
      const interval = at(AGES, j) - age;
      if (interval < SHORTEST_INTERVAL_MS && j < last) continue;
      const delay = callbackLoss * (at(waited, j) - waitedBefore - done * interval);
      // Delay only grows from here on.
      if (delay >= least) break;
      const calls = priceMs * (1 - at(ended, j) + callbackLoss * (at(ended, j) - done));
      const total = delay + calls + at(cost, j);
      if (total < least) {
        least = total;
        next[i] = j;
      }
    }
    cost[i] = least;
  }
  return { next, longestMs, callbackLoss };
}

/**
 * Until the next look at a job of that age, both in ms. Once it is older than every job seen, it is looked at as often as if
 * nothing were known, less often where its callback will tell.
 */
export function nextLookMs({ next, longestMs, callbackLoss }: Plan, ageMs: number): number {
  const planned = AGES[next[indexAt(ageMs)] ?? 0] ?? 0;
  const known = Math.max(ageMs, longestMs);
  const latest = known + strangerIntervalMs(known, callbackLoss);
  return Math.max(SHORTEST_INTERVAL_MS, (planned > ageMs ? Math.min(planned, latest) : latest) - ageMs);
}

/**
 * Until the next look at a job that is older than all its like. The best interval goes with the root of what a look costs,
 * over that of how much a delay counts.
 */
function strangerIntervalMs(ageMs: number, callbackLoss: number): number {
  const plain = pollIntervalMs({ ageMs, callbackExpected: false });
  return Math.max(plain, Math.min(HOUR, plain / Math.sqrt(callbackLoss)));
}

/** The index of the last of `AGES` that is not above the age. */
function indexAt(age: number): number {
  let [low, high] = [0, AGES.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((AGES[middle] ?? 0) <= age) low = middle;
    else high = middle - 1;
  }
  return low;
}
