import type { JobEvent } from './transition.js';
import type { JobStatus, SubjobStatus } from './status.js';

/** A job as it is when its news are passed on, which may be later than the news. */
export type NewsJob = {
  id: string;
  account: string;
  api: string;
  vendorJobId: string;
  status: JobStatus;
  confirmed: boolean;
  name: string | null;
  templateId: string | null;
  labels: Record<string, string>;
  errorCode: string | null;
  errorMessage: string | null;
  createdAt: Date;
  /** A part of a batch that nobody registered: lists, counts and rules leave it out. */
  isPart: boolean;
  documentReceiptId: string | null;
};

/** A part of a job that news speak of. */
export type NewsSubjob = {
  id: string;
  path: string;
  name: string | null;
  status: SubjobStatus;
  errorCode: string | null;
  errorMessage: string | null;
  /** A group fails with its outputs: those are what failed. */
  hasFailedParts: boolean;
};

export type NewsEvent = {
  sequence: number;
  recordedAt: Date;
  kind: JobEvent['kind'];
  /** null: the event is about the job itself. */
  subjob: NewsSubjob | null;
  from: string | null;
  to: string | null;
  detail: JobEvent['detail'];
};

/** What has happened to one job, oldest first: only what may be told, so no claim that an answer may still refute. */
export type JobNews = { job: NewsJob; events: NewsEvent[]; hasSubjobs: boolean };

/** Whether a job ended so. An end is told once: confirming what it was already is no second one, unless nobody was told before. */
export function endsAs({ kind, to, from, detail }: NewsEvent, status: JobStatus): boolean {
  return kind === 'job.status' && to === status && (from !== to || detail?.['confirmed'] === true);
}

/** Whether a part failed. */
export function isPartFailure({ kind, to }: NewsEvent): boolean {
  return (kind === 'subjob.status' || kind === 'subjob.added') && to === 'failed';
}
