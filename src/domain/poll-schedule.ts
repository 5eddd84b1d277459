import { NOT_FOUND_GRACE_MS } from './transition.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A job whose callback is expected is left to it this long before the first safety look. */
const SAFETY_LOOK = 2 * MINUTE;

/** The curve: 2 s between looks when a job is 10 s old, 5 min when it is a day old, a power law between. */
const FIRST = { ageMs: 10 * SECOND, intervalMs: 2 * SECOND };
const DAY_OLD = { ageMs: DAY, intervalMs: 5 * MINUTE };
const EXPONENT = Math.log(DAY_OLD.intervalMs / FIRST.intervalMs) / Math.log(DAY_OLD.ageMs / FIRST.ageMs);

/**
 * How long to wait before the next look at a job that has not ended, in ms.
 * Starts at 2 s, slows to 5 min over the first day, then 1 h to the seventh day, 6 h after.
 */
export function pollIntervalMs(job: { ageMs: number; callbackExpected: boolean }): number {
  const interval = plainIntervalMs(Math.max(0, job.ageMs));
  return job.callbackExpected ? Math.max(interval, SAFETY_LOOK) : interval;
}

function plainIntervalMs(ageMs: number): number {
  if (ageMs >= 7 * DAY) return 6 * HOUR;
  if (ageMs >= DAY) return HOUR;
  return FIRST.intervalMs * Math.max(1, ageMs / FIRST.ageMs) ** EXPONENT;
}

/** How long to wait after the n-th failed call in a row (n from 1), in ms: 2 s doubling to 5 min. */
export function retryDelayMs(failures: number): number {
  return Math.min(5 * MINUTE, 2 * SECOND * 2 ** Math.min(20, Math.max(0, failures - 1)));
}

/** How long to wait after the n-th refusal of a job's own call in a row (n from 1), in ms: 2 s doubling to 6 h. */
export function refusedDelayMs(refusals: number): number {
  return Math.min(6 * HOUR, 2 * SECOND * 2 ** Math.min(20, Math.max(0, refusals - 1)));
}

/**
 * Until the next look at a job that a callback speaks of and the vendor does not know, in ms. One more after a minute, for
 * a vendor whose answers lag behind its callbacks; then none before the end of the grace, which decides.
 */
export function unknownIntervalMs(ageMs: number): number {
  return ageMs < MINUTE ? MINUTE : Math.max(MINUTE, NOT_FOUND_GRACE_MS - ageMs);
}

/**
 * Which looks go before which, within the budget of one account and API.
 * - `urgent`: somebody waits for it: a callback about a known job has just come, or a user wants to know. Until it is answered.
 * - `known`: somebody registered the job, or the vendor's own answer has shown it.
 * - `unproven`: only callbacks have spoken of it; whoever knows a callback address can invent such jobs.
 * - `found`: a listing has shown it and nobody waits for it; such jobs get what the others leave.
 */
export const POLL_LANES = { known: 0, unproven: 1, found: 2, urgent: 3 } as const;
export type PollLane = (typeof POLL_LANES)[keyof typeof POLL_LANES];
