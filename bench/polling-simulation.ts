import type { SqlPool } from '../src/database/sql-pool.js';
import { grownRate, throttledRate, type PollRate } from '../src/domain/poll-rate.js';
import { retryDelayMs } from '../src/domain/poll-schedule.js';
import { newJob } from '../src/domain/transition.js';
import { expectedShare } from '../src/domain/share.js';
import { departures, timetable, type Bucket } from '../src/polling/timetable.js';
import { DEFAULT_INTERVALS } from '../src/loops/intervals.js';
import type { CallbackLoss } from '../src/tracking/callback-loss.js';
import { rememberDurations, type FinishedJob } from '../src/tracking/durations.js';
import { Schedules, type WatchedJob } from '../src/tracking/schedules.js';
import type { Outcome } from './polling-baselines.js';
import { ARRIVALS_MS, type SimulatedJob } from './polling-workload.js';

/**
 * The tracker's polling under a virtual clock. What decides is the production code: profiles and their SQL, plans, the
 * timetable of a tick, delays after failures, the rate after throttling. How a token bucket refills stands in SQL that reads
 * the real clock (src/polling/budgets.ts): here it is once more. Calls take no time, and all are of one lane.
 */

export const ACCOUNT = 'media-cn';
export const API = 'bench/any';
/** Virtual time begins here, so that it can be told as dates. */
const EPOCH = Date.UTC(2026, 0, 1);
/** How often profiles are learned and taken over; in the service more often, which here would only take longer. */
const LEARN_EVERY_MS = 2 * 60_000;
/** Finished jobs are learned from a minute later. */
const SETTLED_MS = 60_000;
const BUCKET_SECONDS = 0.2;
const TICK_EVERY_MS = DEFAULT_INTERVALS.pollTick;
/** As many calls a tick hands out at most. */
const MOST_CALLS = 200;

export type Scenario = {
  callbackExpected: boolean;
  /** Calls a second that we allow ourselves, and that the vendor takes. */
  limit: number;
  vendorLimit?: number;
  /** Calls fail, and callbacks do not come. */
  outage?: { from: number; until: number };
  /** Without the vendor's times, a duration is known as closely as looks were together. */
  vendorTimes?: boolean;
};

export type Simulated = {
  outcomes: Outcome[];
  schedules: Schedules;
  /** When calls left, failed ones included. */
  departedAt: number[];
  throttled: number;
  /** Calls made for a job while one with an older deadline waited. */
  outOfTurn: number;
  /** When the last call left that was ten seconds late. */
  caughtUpAt: number;
};

type Watched = {
  job: SimulatedJob;
  seen: WatchedJob;
  dueAt: number;
  calls: number;
  failures: number;
  unfinishedAt: number | null;
};

/** Runs until the end of every job is known. */
export async function simulate(sql: SqlPool, jobs: readonly SimulatedJob[], scenario: Scenario): Promise<Simulated> {
  const { callbackExpected, limit, vendorLimit = Infinity, outage, vendorTimes = true } = scenario;
  await sql.query({ text: 'TRUNCATE duration_profiles' });
  const callbacks = { count: 0, total: 0 };
  const loss = { of: () => expectedShare(callbacks, { share: 0.01, weight: 20 }) } as unknown as CallbackLoss;
  const schedules = new Schedules(sql, loss);

  const result: Simulated = { outcomes: [], schedules, departedAt: [], throttled: 0, outOfTurn: 0, caughtUpAt: 0 };
  const isOut = (at: number) => outage !== undefined && at >= outage.from && at < outage.until;
  const callbackOf = ({ calledBackAt }: SimulatedJob) => (isOut(calledBackAt) ? Infinity : calledBackAt);
  const line = new Line(
    jobs.map((job) => ({
      job,
      seen: seenUnfinished(job, callbackExpected),
      dueAt: job.registeredAt,
      calls: 0,
      failures: 0,
      unfinishedAt: null,
    })),
  );
  const bucket = new RefilledBucket(limit);
  const vendor = { tokens: vendorLimit, at: 0 };
  const finished: FinishedJob[] = [];
  let learnAt = LEARN_EVERY_MS;

  const look = (watched: Watched, at: number): void => {
    const { job } = watched;
    result.departedAt.push(at);
    watched.calls++;
    vendor.tokens = Math.min(vendorLimit, vendor.tokens + ((at - vendor.at) / 1000) * vendorLimit);
    vendor.at = at;
    if (isOut(at)) return line.join(watched, at + retryDelayMs(++watched.failures));
    if (vendor.tokens < 1) {
      result.throttled++;
      bucket.throttled(at);
      return line.joinAgain(watched);
    }
    vendor.tokens--;
    watched.failures = 0;
    const endedAt = job.registeredAt + job.durationMs;
    if (at >= endedAt) {
      result.outcomes.push({ job, calls: watched.calls, delayMs: at - endedAt });
      if (callbackExpected) {
        callbacks.total++;
        if (callbackOf(job) > at) callbacks.count++;
      }
      finished.push(finishedJob(watched, at, vendorTimes));
      return;
    }
    watched.unfinishedAt = at;
    const inMs = schedules.nextLookMs(watched.seen, new Date(EPOCH + at));
    line.join(watched, Math.min(at + inMs, callbackOf(job)));
  };

  for (let now = 0; result.outcomes.length < jobs.length; now += TICK_EVERY_MS) {
    line.advance(now);
    if (line.waiting > 0) {
      bucket.refill(now);
      const places = departures(bucket, { ahead: TICK_EVERY_MS / 1000, most: MOST_CALLS });
      const claimed = line.take(places.length);
      const table = timetable(
        { budget: places, unproven: [] },
        { urgent: [], known: claimed, unproven: [], found: [] },
        0,
      );
      bucket.take(table.length);
      const oldestLeft = line.oldestDueAt();
      for (const { call, at } of table) {
        if (call.dueAt > oldestLeft) result.outOfTurn++;
        if (now - call.dueAt > 10_000) result.caughtUpAt = now;
        look(call, now + Math.ceil(at * 1000));
      }
    }
    // Once no more jobs arrive, only the longest still end: what there is to learn then is of the simulation's own making.
    if (now >= learnAt && now <= ARRIVALS_MS) {
      learnAt += LEARN_EVERY_MS;
      const settled = finished.findIndex(({ endedAt }) => endedAt.getTime() > EPOCH + now - SETTLED_MS);
      const learned = finished.splice(0, settled < 0 ? finished.length : settled);
      await sql.transaction((client) => rememberDurations(client, learned));
      await schedules.refresh();
    }
  }
  return result;
}

/** The job as apply knows it after a look that saw it unfinished. */
function seenUnfinished({ cohort, registeredAt }: SimulatedJob, callbackExpected: boolean): WatchedJob {
  const { basis, createdAt, facts } = newJob(new Date(EPOCH + registeredAt), 'manual');
  const shown = { ...facts, vendorStatus: 'Processing', templateId: cohort.name };
  return { account: ACCOUNT, api: API, createdAt, basis, facts: shown, callbackExpected };
}

function finishedJob({ job, unfinishedAt }: Watched, seenAt: number, vendorTimes: boolean): FinishedJob {
  // As the statement in src/tracking/durations.ts has it.
  const from = unfinishedAt ?? job.registeredAt;
  const known = job.calledBackAt <= seenAt ? job.calledBackAt : from + Math.random() * (seenAt - from);
  const durationMs = vendorTimes ? job.durationMs : known - job.registeredAt;
  return {
    account: ACCOUNT,
    api: API,
    recipe: job.cohort.name,
    endedAt: new Date(EPOCH + seenAt),
    durationMs: Math.ceil(durationMs),
  };
}

/** Jobs by their deadlines, the oldest first. */
class Line {
  private readonly ticks = new Map<number, Watched[]>();
  private due: Watched[] = [];
  private taken = 0;

  constructor(jobs: readonly Watched[]) {
    for (const job of jobs) this.join(job, job.dueAt);
  }

  get waiting(): number {
    return this.due.length - this.taken;
  }

  join(job: Watched, dueAt: number): void {
    job.dueAt = dueAt;
    const tick = Math.ceil(dueAt / TICK_EVERY_MS);
    const others = this.ticks.get(tick);
    if (others) others.push(job);
    else this.ticks.set(tick, [job]);
  }

  /** In its old place. */
  joinAgain(job: Watched): void {
    const place = this.due.findIndex(({ dueAt }, i) => i >= this.taken && dueAt > job.dueAt);
    this.due.splice(place < 0 ? this.due.length : place, 0, job);
  }

  advance(now: number): void {
    const tick = now / TICK_EVERY_MS;
    const arrived = this.ticks.get(tick);
    if (!arrived) return;
    this.ticks.delete(tick);
    this.due = [...this.due.slice(this.taken), ...arrived.sort((a, b) => a.dueAt - b.dueAt)];
    this.taken = 0;
  }

  take(most: number): Watched[] {
    const taken = this.due.slice(this.taken, this.taken + most);
    this.taken += taken.length;
    return taken;
  }

  oldestDueAt(): number {
    return this.due[this.taken]?.dueAt ?? Infinity;
  }
}

/** A bucket as `LOCK` in src/polling/budgets.ts refills it, at a rate that yields to throttling. */
class RefilledBucket implements Bucket {
  tokens: number;
  private held: PollRate;
  private refilledAt = 0;

  constructor(limit: number) {
    this.held = { rate: limit, fullRate: limit, ratedAt: new Date(0), throttledAt: null };
    this.tokens = Math.max(1, limit * BUCKET_SECONDS);
  }

  get rate(): number {
    return this.held.rate;
  }

  refill(now: number): void {
    const at = new Date(now);
    this.held = { ...this.held, rate: grownRate(this.held, at), ratedAt: at };
    const gained = this.rate * (Math.max(0, now - this.refilledAt) / 1000);
    this.tokens = Math.min(Math.max(1, this.rate * BUCKET_SECONDS), this.tokens + gained);
    this.refilledAt = now;
  }

  take(calls: number): void {
    this.tokens -= calls;
  }

  throttled(now: number): void {
    const at = new Date(now);
    const cut = throttledRate(this.held, at, at);
    if (cut === this.held) return;
    this.held = cut;
    this.tokens = Math.min(0, this.tokens);
    this.refilledAt = now;
  }
}
