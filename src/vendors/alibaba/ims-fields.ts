import {
  NO_FILE_FACTS,
  NO_JOB_FACTS,
  notFound,
  nothingSeen,
  type JobFacts,
  type JobSeen,
  type Json,
  type OutputSeen,
} from '../../domain/observation.js';
import type { JobWord, SubjobStatus } from '../../domain/status.js';
import type { Callback, CallbackEvent } from '../vendor-api.js';
import { Fields } from '../readers.js';
import { isNotFoundAnswer } from './ims-errors.js';

/** Every word seen anywhere in IMS for a state, aliases included (protocol sheet, section 5.6). Matched in lower case. */
const WORDS: Record<string, SubjobStatus> = {
  init: 'queued',
  inited: 'queued',
  initial: 'queued',
  queuing: 'queued',
  created: 'queued',
  submitted: 'queued',
  scheduled: 'queued',
  processing: 'running',
  running: 'running',
  executing: 'running',
  analyzing: 'running',
  analysing: 'running',
  training: 'running',
  started: 'running',
  success: 'succeeded',
  succeed: 'succeeded',
  succeeded: 'succeeded',
  complete: 'succeeded',
  // Only an end, not a success, where the job has parts: `outcomeInParts`.
  finished: 'succeeded',
  failed: 'failed',
  fail: 'failed',
  error: 'failed',
  cancelled: 'canceled',
  canceled: 'canceled',
  stopped: 'canceled',
  deleted: 'canceled',
  skipped: 'skipped',
};

/** What a word means for a part; null when it was never seen before. */
export function partWord(word: string | null): SubjobStatus | null {
  const key = word?.toLowerCase();
  return key !== undefined && Object.hasOwn(WORDS, key) ? (WORDS[key] ?? null) : null;
}

/** What a word means for a whole job, which cannot be skipped. */
export function jobWord(word: string | null): JobWord | null {
  const meaning = partWord(word);
  return meaning === 'skipped' ? null : meaning;
}

/** The ids and URLs that were given, each once. */
export function refsOf(...refs: (string | null)[]): string[] {
  return [...new Set(refs.filter((ref) => ref !== null))];
}

/**
 * The answer of every Get operation: one object under `root`, with the id of its job, or an error that says there is no
 * such job. Empty when it is something else.
 */
export function readRoot(
  document: Json,
  asked: readonly string[],
  root: string,
  read: (job: Fields, vendorJobId: string) => JobSeen,
): JobSeen[] {
  if (isNotFoundAnswer(document)) return asked.map(notFound);
  const job = Fields.of(document).object(root);
  const vendorJobId = job.id('JobId');
  return vendorJobId === null ? [] : [read(job, vendorJobId)];
}

/** What every IMS callback says, documented or not: a state word, perhaps an error and the user's data. */
export function readClaim(event: CallbackEvent, vendorJobId: string): { fields: Fields; seen: JobSeen } {
  const fields = Fields.of(event.body, 'MessageBody');
  const vendorStatus = fields.text('Status') ?? fields.text('State');
  const facts: JobFacts = {
    ...NO_JOB_FACTS,
    vendorStatus,
    vendorErrorCode: fields.text('ErrorCode') ?? fields.text('Code'),
    vendorErrorMessage: fields.text('ErrorMessage') ?? fields.text('Message'),
    userDataRaw: fields.rawText('UserData'),
  };
  const seen: JobSeen = {
    ...nothingSeen(vendorJobId),
    word: jobWord(vendorStatus),
    occurredAt: event.occurredAt,
    facts,
    document: event.body,
    notes: fields.notes,
  };
  return { fields, seen };
}

/** The callbacks of a kind whose bodies say no more than every callback does, or are not documented at all. */
export function claims(...events: string[]): Callback {
  return { events, read: (event, vendorJobId) => readClaim(event, vendorJobId).seen };
}

/** The one file of a producing job, alone or in a batch. The vendor tells its place and length, and nothing of its streams. */
export function fileOf(job: Fields): OutputSeen {
  return {
    ...NO_FILE_FACTS,
    url: job.text('MediaURL'),
    mediaId: job.id('MediaId'),
    durationMs: job.scaled('Duration', 1000),
  };
}
