/**
 * What a job can be, in our words.
 * - `queued`: the vendor has it and has not begun, or nothing was heard yet. Leaves by any word.
 * - `running`: being worked on, or done with parts still open.
 * - `succeeded`, `partially_failed`, `failed`, `canceled`: final; see `outcome.ts` for how they are derived.
 * - `lost`: the vendor no longer knows it and no final word was seen. Left as soon as the vendor finds it again.
 */
export const JOB_STATUSES = [
  'queued',
  'running',
  'succeeded',
  'partially_failed',
  'failed',
  'canceled',
  'lost',
] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];

/** A part's status; `skipped` is final and neither success nor failure. */
export const SUBJOB_STATUSES = ['queued', 'running', 'succeeded', 'failed', 'canceled', 'skipped'] as const;
export type SubjobStatus = (typeof SUBJOB_STATUSES)[number];

/** What a vendor's word for a whole job can mean; the outcome of the job is derived from it and from the parts. */
export type JobWord = Exclude<SubjobStatus, 'skipped'>;

export type FinalWord = Exclude<JobWord, 'queued' | 'running'>;

export function isFinal(status: JobStatus | SubjobStatus): boolean {
  return status !== 'queued' && status !== 'running';
}

export function isFinalWord(word: JobWord): word is FinalWord {
  return isFinal(word);
}

const PROGRESS_OF: Record<JobWord, number> = { queued: 0, running: 1, succeeded: 2, failed: 2, canceled: 2 };

/** Whether a job that is `from` moves on, and not back or sideways, when it becomes `to`. */
export function isForward(from: JobWord | null, to: JobWord): boolean {
  return from === null || PROGRESS_OF[to] > PROGRESS_OF[from];
}
