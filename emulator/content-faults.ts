import type { ChangedFields } from './faults.js';

/** Words that no page of a vendor and no table of ours knows (IMS sheet section 5.6, MPC sheet section 1.2). */
export const UNKNOWN_WORDS = ['Rebalancing', 'Preempted', 'Provisioning'] as const;

/** A job's object as it would look after the vendor changed its API. */
export function changed(
  document: Record<string, unknown>,
  { drop = [], add = {}, retype = [] }: ChangedFields = {},
): Record<string, unknown> {
  const fields = Object.entries(document)
    .filter(([name]) => !drop.includes(name))
    .map(([name, value]) => [name, retype.includes(name) ? { value } : value]);
  return { ...(Object.fromEntries(fields) as Record<string, unknown>), ...add };
}
