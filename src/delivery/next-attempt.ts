const FIRST_MS = 5_000;
const LONGEST_MS = 3_600_000;
/** After this a message is shown as undelivered. */
export const GIVE_UP_MS = 86_400_000;

/**
 * How many ms after attempt number `attempt` (from 1) failed the next one is made: 5 s doubling to 1 h, of which a random half is
 * taken off, so that what failed together does not come back together; never before the other side's `Retry-After`.
 * null: a day is over, or would be by then. `random` is from 0 to 1.
 */
export function nextAttempt(
  attempt: number,
  ageMs: number,
  retryAfterMs: number | null,
  random: number,
): number | null {
  const longest = Math.min(FIRST_MS * 2 ** (attempt - 1), LONGEST_MS);
  const delay = Math.max(longest * (1 - random / 2), retryAfterMs === null ? 0 : retryAfterMs * (1 + random / 10));
  return ageMs + delay > GIVE_UP_MS ? null : Math.round(delay);
}
