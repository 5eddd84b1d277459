export type SubjobStatus = 'queued' | 'running' | 'succeeded' | 'failed' | 'canceled' | 'skipped';
export type FinalStatus = 'succeeded' | 'partially_failed' | 'failed' | 'canceled';
export type ExpectedSubjob = { path: string; status: SubjobStatus; leaf: boolean };

/**
 * What a finished job must look like in Callsheet: the outcome table of its API documentation, written a second time on
 * purpose, so that the tracker is compared with something that does not share its code.
 */
export function expectedOutcome(
  word: 'success' | 'failure' | 'cancel',
  subjobs: readonly ExpectedSubjob[],
  /** What the job says of itself with a success word: a batch without any result that names an error has failed. */
  ownError = false,
): FinalStatus {
  if (word === 'cancel') return 'canceled';
  const has = (status: SubjobStatus) => subjobs.some((subjob) => subjob.status === status);
  if (word === 'failure') {
    return subjobs.some((subjob) => subjob.leaf && subjob.status === 'succeeded') ? 'partially_failed' : 'failed';
  }
  if (!has('failed')) return ownError && !has('succeeded') ? 'failed' : 'succeeded';
  return has('succeeded') ? 'partially_failed' : 'failed';
}
