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

/** The last of so many calls goes to whoever has waited long, whatever is urgent. */
export const TURNS = 4;

export type ByLane<T> = {
  urgent: readonly T[];
  known: readonly T[];
  unproven: readonly T[];
  found: readonly T[];
};
export type Departure<T> = { call: T; lane: keyof ByLane<T>; at: number };

/**
 * Who leaves when: unproven calls as their own departures have it, so that they get their share and no more; urgent and known
 * ones in all other places of the budget; found ones in those that are left.
 */
export function timetable<T>(
  { budget, unproven }: { budget: readonly number[]; unproven: readonly number[] },
  calls: ByLane<T>,
  turn: number,
): Departure<T>[] {
  const share = calls.unproven.slice(0, Math.min(unproven.length, budget.length));
  const others = [...urgentFirst(calls, turn), ...calls.found.map((call) => ({ call, lane: 'found' as const }))].slice(
    0,
    budget.length - share.length,
  );

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

/**
 * Urgent calls before known ones, which still have every fourth: whoever makes many looks urgent, with callbacks about real
 * jobs or by asking for them, must not keep the others from theirs. `turn` of four went out before.
 */
function urgentFirst<T>({ urgent, known }: ByLane<T>, turn: number): Pick<Departure<T>, 'call' | 'lane'>[] {
  const order: Pick<Departure<T>, 'call' | 'lane'>[] = [];
  let [nextUrgent, nextKnown] = [0, 0];
  while (nextUrgent < urgent.length || nextKnown < known.length) {
    const isLast = (turn + order.length) % TURNS === TURNS - 1;
    const call = isLast && nextKnown < known.length ? undefined : urgent[nextUrgent];
    if (call !== undefined) {
      order.push({ call, lane: 'urgent' });
      nextUrgent++;
    } else {
      const patient = known[nextKnown++];
      if (patient !== undefined) order.push({ call: patient, lane: 'known' });
    }
  }
  return order;
}
