import type { JobFilter } from './job-filter.js';
import type { NewsJob } from './job-news.js';

/** Whether a filter covers a job: as `GET /v1/jobs` would with the same parameters, but for URLs of outputs. */
export function matchesJob(filter: JobFilter, job: NewsJob): boolean {
  const { status, account, api, label, q, createdAfter, createdBefore } = filter;
  return (
    (!status || status.includes(job.status)) &&
    (!account || account.includes(job.account)) &&
    (!api || api.includes(job.api)) &&
    (!label || label.every(([key, value]) => job.labels[key] === value)) &&
    (!createdAfter || job.createdAt >= createdAfter) &&
    (!createdBefore || job.createdAt < createdBefore) &&
    (q === undefined || job.id === q || job.vendorJobId.startsWith(q) || (job.name?.startsWith(q) ?? false))
  );
}
