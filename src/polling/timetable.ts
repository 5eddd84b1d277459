/** A token bucket at one moment; below zero when calls to come have been given its next tokens. `rate` is per second. */
export type Bucket = { tokens: number; rate: number };

/** When calls may leave, in seconds from that moment: each as soon as its token is whole, none later than `ahead`. */
export function departures({ tokens, rate }: Bucket, { ahead, most }: { ahead: number; most: number }): number[] {
  const times: number[] = [];
  while (times.length < most) {
    const time = Math.max(0, (times.length + 1 - tokens) / rate);
    if (time > ahead) break;
    times.push(time);
  }
  return times;
}

export type ByLane<T> = { known: readonly T[]; unproven: readonly T[]; found: readonly T[] };
export type Departure<T> = { call: T; lane: keyof ByLane<T>; at: number };

/**
 * Who leaves when: unproven calls as their own departures have it, so that they get their share and no more; known ones in
 * all other places of the budget; found ones in those that are left.
 */
export function timetable<T>(
  { budget, unproven }: { budget: readonly number[]; unproven: readonly number[] },
  calls: ByLane<T>,
): Departure<T>[] {
  const share = calls.unproven.slice(0, Math.min(unproven.length, budget.length));
  const others = [
    ...calls.known.map((call) => ({ call, lane: 'known' as const })),
    ...calls.found.map((call) => ({ call, lane: 'found' as const })),
  ].slice(0, budget.length - share.length);

  const table: Departure<T>[] = [];
  let [nextOther, nextUnproven] = [0, 0];
  for (const place of budget.slice(0, share.length + others.length)) {
    const call = share[nextUnproven];
    const time = unproven[nextUnproven] ?? Infinity;
    const other = others[nextOther];
    if (call !== undefined && (time <= place || other === undefined)) {
      table.push({ call, lane: 'unproven', at: Math.max(time, place) });
      nextUnproven++;
    } else if (other !== undefined) {
      table.push({ ...other, at: place });
      nextOther++;
    }
  }
  return table;
}
