import type { JobWord } from '../../domain/status.js';

/** Every word of Huawei MPC's query APIs, both generations (protocol sheet, section 3). Matched in lower case. */
const WORDS: Record<string, JobWord> = {
  init: 'queued',
  waiting: 'queued',
  need_to_be_audit: 'queued',
  // What v1 filters by, and nobody has seen answered.
  preprocessing: 'running',
  processing: 'running',
  transcoding: 'running',
  // v1 and v2 of one API.
  succeed: 'succeeded',
  succeeded: 'succeeded',
  failed: 'failed',
  canceled: 'canceled',
  cancelled: 'canceled',
};

/** What a word means for a job; null when it was never seen before. */
export function mpcWord(word: string | null): JobWord | null {
  const key = word?.toLowerCase();
  return key !== undefined && Object.hasOwn(WORDS, key) ? (WORDS[key] ?? null) : null;
}

/** No such job, or not a job's id. */
export function isNoTask(word: string | null): boolean {
  return word?.toLowerCase() === 'no_task';
}
