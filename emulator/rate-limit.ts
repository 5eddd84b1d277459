/** Token buckets, one per name. */
export class RateLimit {
  private readonly buckets = new Map<string, { tokens: number; at: number }>();

  allows(name: string, perSecond: number, burst: number, now: number): boolean {
    const bucket = this.buckets.get(name) ?? { tokens: burst, at: now };
    const tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) / 1000) * perSecond);
    const allowed = tokens >= 1;
    this.buckets.set(name, { tokens: allowed ? tokens - 1 : tokens, at: now });
    return allowed;
  }
}

/**
 * The smallest burst for which "no window of t seconds holds more than perSecond × t + burst requests" is true of these
 * times (in ms). A test that promises a budget asserts `burstOf(times, limit) <= burst`.
 */
export function burstOf(times: readonly number[], perSecond: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  let best = -Infinity;
  let worst = 0;
  sorted.forEach((time, index) => {
    const allowance = (time / 1000) * perSecond;
    best = Math.max(best, allowance - index);
    worst = Math.max(worst, index + 1 - allowance + best);
  });
  return worst;
}
