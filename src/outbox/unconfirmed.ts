import type { NewsEvent } from '../domain/job-news.js';
import { isFinal, type JobStatus } from '../domain/status.js';

/** How long an end that only a callback has told of waits for an answer of the vendor, in ms. */
export const CLAIM_PATIENCE_MS = 60_000;

/**
 * What becomes of an end that only a callback has told of, and of the files it came with.
 * - `believe`: callbacks are all there will ever be, or the vendor has said nothing for a minute.
 * - `wait`: an answer may still come.
 * - `confirmed`: an answer has come, and has told the end in an event of its own; the files are told of here alone.
 * - `forget`: the vendor does not know of it.
 */
export type Verdict = 'believe' | 'wait' | 'confirmed' | 'forget';

type Told = Pick<NewsEvent, 'kind' | 'to' | 'detail'>;

/** Whether an event tells of an end that nobody but a callback has told of. Parts of jobs are known from answers alone. */
export function isUnconfirmedEnd({ kind, to, detail }: Told): boolean {
  return kind === 'job.status' && to !== null && isFinal(to as JobStatus) && detail?.['confirmed'] === false;
}

const isFile = ({ kind }: Told) => kind === 'output.added' || kind === 'output.changed';

/** About a claim that was just applied. */
export function verdictOnFresh(job: { confirmed: boolean; claimOnly: boolean }): Verdict {
  if (job.claimOnly) return 'believe';
  return job.confirmed ? 'confirmed' : 'wait';
}

/**
 * About a claim that waits; `isDue`: it has waited for long enough. `answered`: the vendor was asked since and said something, be
 * it that it knows no such job. `told`: it was believed before, and only its confirmation is waited for.
 */
export function verdictOnParked(job: {
  confirmed: boolean;
  claimOnly: boolean;
  isDue: boolean;
  answered: boolean;
  told: boolean;
}): Verdict {
  if (job.told) return job.confirmed || job.isDue ? 'forget' : 'wait';
  if (job.claimOnly) return 'believe';
  if (job.confirmed) return 'confirmed';
  if (!job.isDue) return 'wait';
  return job.answered ? 'forget' : 'believe';
}

/** Of the events that were written with a claim, those to tell now; of a `waited` one all but the claim and its files are told already. */
export function eventsToTell<Event extends Told>(events: readonly Event[], verdict: Verdict, waited = false): Event[] {
  return events.filter((event) => {
    if (isUnconfirmedEnd(event)) return verdict === 'believe';
    if (isFile(event)) return verdict === 'believe' || verdict === 'confirmed';
    return !waited;
  });
}

/** Whether an event says nothing but that an end was true; no news where it was told before. */
export function confirmsWhatWasTold({ kind, from, to, detail }: Told & { from: string | null }): boolean {
  return kind === 'job.status' && from === to && detail?.['confirmed'] === true;
}
