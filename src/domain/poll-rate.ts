/** A throttled rate never falls below this share of the full one. */
const LOWEST_SHARE = 0.05;
/** From nothing, a rate would have grown to the full one after so long. */
const GROWTH_MS = 60_000;
/**
 * Calls that were asked within so long of a throttling that slowed us down were claimed before it, and tell nothing about
 * the slower rate: a tick gives calls away for the half second to come, and they may leave 300 ms late.
 */
const SAME_BURST_MS = 1000;

/** What is used of a budget, in calls a second: `rate` as of `ratedAt`; `throttledAt` is when it was last cut. */
export type PollRate = { rate: number; fullRate: number; ratedAt: Date; throttledAt: Date | null };

/**
 * Additive increase, multiplicative decrease, as TCP does it: whoever shares a limit in this way ends near a fair share of
 * it, and nobody need know the limit.
 */
export function grownRate({ rate, fullRate, ratedAt }: PollRate, now: Date): number {
  const passedMs = Math.max(0, now.getTime() - ratedAt.getTime());
  return Math.min(fullRate, rate + (fullRate * passedMs) / GROWTH_MS);
}

/** After a throttling of the call that was asked at `askedAt`: half the rate, once for all calls of one burst. */
export function throttledRate(held: PollRate, askedAt: Date, now: Date): PollRate {
  const { fullRate, throttledAt } = held;
  if (throttledAt && askedAt.getTime() <= throttledAt.getTime() + SAME_BURST_MS) return held;
  const rate = Math.max(fullRate * LOWEST_SHARE, grownRate(held, now) / 2);
  return { rate, fullRate, ratedAt: now, throttledAt: now };
}
