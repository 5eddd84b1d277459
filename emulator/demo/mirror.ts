import type { JobItem } from '../../src/jobs/job-schemas.js';
import { isSettled, STATUSES } from './job-words.js';
import type { TrackerApi } from './tracker-api.js';

export type Seen = Pick<JobItem, 'id' | 'vendorJobId' | 'status'> & { settled: boolean };

/** A change that was committed late may carry an earlier time than one that is known already. */
const OVERLAP_MS = 10_000;
/** Older jobs of earlier runs are there, but not counted. */
const MOST_JOBS = 10_000;

/** What the tracker says of its jobs, kept up to date by asking only for what changed. */
export class Mirror {
  private readonly jobs = new Map<string, Seen>();
  private upTo = 0;
  /** Kept until a refresh comes to its end: one that fails half-way must not swallow them. */
  private news: JobItem[] = [];
  /** The settled job with most to tell: parts that went either way, then a failure, then any. */
  example: JobItem | null = null;

  /** A subjob that was heard of before its batch is listed for a moment, and then never again: it is no job to count. */
  constructor(private readonly isSubjob: (vendorJobId: string) => boolean = () => false) {}

  /** The jobs that were settled since the last call, oldest first. */
  async refresh(api: TrackerApi): Promise<JobItem[]> {
    const first = this.upTo === 0;
    const from = this.upTo - OVERLAP_MS;
    for await (const page of api.changed(first ? 200 : 50)) {
      for (const job of page) if (this.take(job)) this.news.push(job);
      const oldest = page.at(-1);
      if (!oldest || Date.parse(oldest.updatedAt) < from || (first && this.jobs.size >= MOST_JOBS)) break;
    }
    const news = this.news.reverse();
    this.news = [];
    return news;
  }

  get(vendorJobId: string): Seen | undefined {
    return this.jobs.get(vendorJobId);
  }

  counts(): Record<JobItem['status'], number> {
    const counts = Object.fromEntries(STATUSES.map((status) => [status, 0])) as Record<JobItem['status'], number>;
    for (const { status } of this.jobs.values()) counts[status] += 1;
    return counts;
  }

  /** Whether the job is settled now and was not before. */
  private take(job: JobItem): boolean {
    if (this.isSubjob(job.vendorJobId)) return false;
    const settled = isSettled(job);
    const news = settled && !this.jobs.get(job.vendorJobId)?.settled;
    this.jobs.set(job.vendorJobId, { id: job.id, vendorJobId: job.vendorJobId, status: job.status, settled });
    this.upTo = Math.max(this.upTo, Date.parse(job.updatedAt));
    if (settled && interest(job) > interest(this.example)) this.example = job;
    return news;
  }
}

function interest(job: JobItem | null): number {
  return job === null ? 0 : job.status === 'partially_failed' ? 3 : job.status === 'failed' ? 2 : 1;
}
