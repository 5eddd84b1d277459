import { DEFAULT_INTERVALS } from '../src/loops/intervals.js';
import type { Cohort, SimulatedJob } from './polling-workload.js';

const TICK_EVERY_MS = DEFAULT_INTERVALS.pollTick;

/** Schedules to compare with. They wait for no budget, and forget nothing: what limits ours does not limit them. */

/** What one job cost, and how long its end went unseen, in ms. */
export type Outcome = { job: SimulatedJob; calls: number; delayMs: number };

/** The ages at which a job is looked at until its end is seen, in ms. */
export type Looks = (job: SimulatedJob) => Iterable<number>;

/** What becomes of a job by these looks. A callback makes a confirming look due at once; looks leave with the next tick. */
export function outcomeOf(job: SimulatedJob, looks: Looks): Outcome {
  const endedAt = job.registeredAt + job.durationMs;
  let calls = 0;
  for (const age of looks(job)) {
    const at = tickAfter(Math.min(job.registeredAt + age, job.calledBackAt));
    calls++;
    if (at >= endedAt) return { job, calls, delayMs: at - endedAt };
  }
  throw new Error('a schedule without an end');
}

export function tickAfter(at: number): number {
  return Math.ceil(at / TICK_EVERY_MS) * TICK_EVERY_MS;
}

/** The first look one interval after registration: looking at once is something only we do. */
export function fixed(intervalMs: number): Looks {
  return function* () {
    for (let age = intervalMs; ; age += intervalMs) yield age;
  };
}

/** Intervals from 2 s, growing by a factor, 5 min at most. */
export function backoff(factor: number): Looks {
  return function* () {
    let interval = 2000;
    for (let age = interval; ; age += interval) {
      yield age;
      interval = Math.min(300_000, interval * factor);
    }
  };
}

export const knowsTheEnd: Looks = function* (job) {
  yield 0;
  yield job.durationMs;
};

const WEEK = 7 * 86_400_000;
const GRID = Float64Array.from(
  (function* () {
    yield 0;
    for (let age = 250; age < WEEK; age = Math.max(age + 100, age * 1.005)) yield age;
    yield WEEK;
  })(),
);
/** A cohort that drifts is planned anew for each step of its scale. */
const SCALE_STEP = 1.03;

/**
 * Knows the distribution, the drift and the callback loss, and spends calls at best: the inspection problem by dynamic
 * programming over the true distribution, on a finer grid than the service has. It looks right after the registration as
 * well, since the service promises that.
 */
export function oracle(priceMs: number, callbackLoss: number): Looks {
  const plans = new Map<string, number[]>();
  return function* ({ cohort, registeredAt }) {
    yield 0;
    const step = Math.round(Math.log(cohort.scaleAt(registeredAt)) / Math.log(SCALE_STEP));
    const key = `${cohort.name} ${step}`;
    let plan = plans.get(key);
    if (!plan) plans.set(key, (plan = optimalLooks(cohort, SCALE_STEP ** step, priceMs, callbackLoss)));
    yield* plan;
    for (let age = plan.at(-1) ?? 0; ; age += 60_000) yield age;
  };
}

function optimalLooks({ durations }: Cohort, scale: number, priceMs: number, callbackLoss: number): number[] {
  const at = (values: Float64Array, i: number) => values[i] ?? 0;
  const ended = GRID.map((age) => durations.endedBy(age / scale));
  const last = ended.findIndex((share) => share > 1 - 1e-6);
  ended[last] = 1;
  const waited = new Float64Array(last + 1);
  for (let i = 1; i <= last; i++) {
    waited[i] = at(waited, i - 1) + ((at(GRID, i) - at(GRID, i - 1)) * (at(ended, i) + at(ended, i - 1))) / 2;
  }
  const cost = new Float64Array(last + 1);
  const next = new Int32Array(last + 1);
  for (let i = last - 1; i >= 0; i--) {
    let least = Infinity;
    for (let j = i + 1; j <= last; j++) {
      const interval = at(GRID, j) - at(GRID, i);
      const delay = callbackLoss * (at(waited, j) - at(waited, i) - at(ended, i) * interval);
      if (delay >= least) break;
      const calls = 1 - at(ended, j) + callbackLoss * (at(ended, j) - at(ended, i));
      const total = delay + priceMs * calls + at(cost, j);
      if (total < least) {
        least = total;
        next[i] = j;
      }
    }
    cost[i] = least;
  }
  const looks: number[] = [];
  for (let i = 0; i < last;) {
    i = next[i] ?? last;
    looks.push(at(GRID, i));
  }
  return looks;
}
