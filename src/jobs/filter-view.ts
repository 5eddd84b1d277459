import type { JobFilter } from '../domain/job-filter.js';

/** The map as it would be written. */
export function filterView({ label, createdAfter, createdBefore, ...rest }: JobFilter = {}) {
  return {
    ...rest,
    ...(label ? { label: label.map(([key, value]) => `${key}:${value}`) } : {}),
    ...(createdAfter ? { createdAfter: createdAfter.toISOString() } : {}),
    ...(createdBefore ? { createdBefore: createdBefore.toISOString() } : {}),
  };
}
