/** A job claimed for a look. `dueAt` was its deadline, ISO 8601: its place in the line, should it not come to the look. */
export type DueJob = { id: string; vendorJobId: string; dueAt: string };

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
    const size = Math.min(idsPerCall, job.idsPerCall ?? idsPerCall);
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
