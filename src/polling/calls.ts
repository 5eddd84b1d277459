/**
 * A job claimed for a look. `dueAt` was its deadline, ISO 8601: its place in the line, should it not come to the look.
 * `intervalMs` is how long that look was put off when it was planned.
 */
export type DueJob = { id: string; vendorJobId: string; dueAt: string; intervalMs: number | null };

/** `due`: its deadline has come; otherwise it may come along. `pressing`: it has no slack left to wait for others. */
type Candidate = Restricted & { due: boolean; pressing: boolean };

/** How many ids the call with this job may have, since the vendor refused a larger one; null: as many as it takes. */
type Restricted = { idsPerCall: number | null };

/**
 * Jobs, in the order given, as they fit into one call each. Those that the vendor has refused together meet in smaller
 * calls only, and never those that it takes.
 */
export function callsOf<Job extends Restricted>(jobs: readonly Job[], idsPerCall: number): Job[][] {
  const calls: Job[][] = [];
  const open = new Map<number, Job[]>();
  for (const job of jobs) {
    const size = sizeOf(job, idsPerCall);
    const last = open.get(size);
    if (last && last.length < size) {
      last.push(job);
    } else {
      const call = [job];
      open.set(size, call);
      calls.push(call);
    }
  }
  return calls;
}

/**
 * The calls that are worth making now, of jobs in the order of their claim to a place and those that are not due at the end:
 * full ones, and those that a pressing job is in. Jobs of all others have time to wait until more are due.
 */
export function worthwhileCalls<Job extends Candidate>(jobs: readonly Job[], idsPerCall: number): Job[][] {
  return callsOf(jobs, idsPerCall).filter((call) => {
    const [first] = call;
    if (!first?.due) return false;
    return call.length === sizeOf(first, idsPerCall) || call.some(({ pressing }) => pressing);
  });
}

function sizeOf({ idsPerCall: restricted }: Restricted, idsPerCall: number): number {
  return Math.min(idsPerCall, restricted ?? idsPerCall);
}
