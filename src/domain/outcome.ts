import { isFinal, type JobStatus, type JobWord, type SubjobStatus } from './status.js';

export type Part = { status: SubjobStatus; leaf: boolean };

export type OutcomeInput = {
  word: JobWord;
  parts: readonly Part[];
  /** A batch's word says that it ended, not how. */
  batch: boolean;
  /** The batch names an error of its own (`Extend`). */
  batchError: boolean;
  /** A batch that ended a day ago is taken as it is, open parts and all. */
  settled: boolean;
};

/** What a job came to, from the vendor's word for it and from its parts: the table in docs/api.md, row by row. */
export function outcome({ word, parts, batch, batchError, settled }: OutcomeInput): JobStatus {
  switch (word) {
    case 'queued':
    case 'running':
    case 'canceled':
      return word;
    case 'failed':
      return parts.some((part) => part.leaf && part.status === 'succeeded') ? 'partially_failed' : 'failed';
    case 'succeeded': {
      if (!settled && parts.some((part) => !isFinal(part.status))) return 'running';
      const has = (status: SubjobStatus) => parts.some((part) => part.status === status);
      const failed = has('failed') || has('canceled');
      if (has('succeeded')) return failed ? 'partially_failed' : 'succeeded';
      if (failed) return has('failed') ? 'failed' : 'canceled';
      return batch && batchError ? 'failed' : 'succeeded';
    }
  }
}

/** A part that is still open when the job has failed or was canceled will not be worked on any more. */
export function partStatus(status: SubjobStatus, word: JobWord | null): SubjobStatus {
  return (word === 'failed' || word === 'canceled') && !isFinal(status) ? 'skipped' : status;
}
