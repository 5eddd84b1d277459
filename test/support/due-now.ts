import type { TestTracker } from './tracker.js';

/**
 * Ends the wait for the next look at these jobs, be it the schedule's, that after a failure or that of a lease, so that no
 * test waits for what is meant for a real vendor.
 */
export async function dueNow(tracker: TestTracker, vendorJobIds: readonly string[]): Promise<void> {
  await tracker.rows('UPDATE jobs SET next_poll_at = now() WHERE vendor_job_id = ANY ($1) AND next_poll_at > now()', [
    vendorJobIds,
  ]);
}
