import { nothingSeen, type JobSeen, type Json, type Provenance } from '../domain/observation.js';
import { readImsCallback } from '../vendors/alibaba/ims-callback.js';
import { LONGEST_ID, parseJson } from '../vendors/readers.js';
import { apiNamed, VENDOR_APIS } from '../vendors/registry.js';

/** A receipt that waits to be applied. */
export type PendingReceipt = Provenance & {
  pendingId: string;
  /** It says what an earlier answer has said. */
  repeated: boolean;
  account: string;
  api: string | null;
  asked: string[];
  httpStatus: number | null;
  /** null: the body has expired. */
  body: Buffer | null;
};

/** What a receipt comes to: it speaks about a job, hints at one by other ids, or goes nowhere. */
export type Interpretation =
  | { kind: 'speaks'; api: string; seen: JobSeen; evidence: boolean }
  | { kind: 'hints'; ids: string[]; seen: JobSeen; reason: string }
  | { kind: 'problem'; state: 'unmatched' | 'rejected' | 'failed'; reason: string };

/** As much of a receipt as reading it takes. */
export type ReadableReceipt = Pick<PendingReceipt, 'via' | 'api' | 'asked' | 'body'>;

/** The vendor's own object of a job in a receipt that speaks of it; null: it does not. */
export function documentIn(receipt: ReadableReceipt, vendorJobId: string): Json {
  for (const meaning of interpret(receipt)) {
    if (meaning.kind === 'hints' || (meaning.kind === 'speaks' && meaning.seen.vendorJobId === vendorJobId)) {
      return meaning.seen.document;
    }
  }
  return null;
}

/** Reads a receipt with the API it belongs to. Pure; one receipt may speak about several jobs. */
export function interpret(receipt: ReadableReceipt): Interpretation[] {
  if (receipt.body === null) return problem('failed', 'its body has expired');
  if (receipt.via === 'callback') return interpretCallback(receipt.body);
  return receipt.via === 'list' ? interpretListing(receipt, receipt.body) : interpretAnswer(receipt, receipt.body);
}

function problem(state: 'unmatched' | 'rejected' | 'failed', reason: string): Interpretation[] {
  return [{ kind: 'problem', state, reason }];
}

function interpretCallback(body: Buffer): Interpretation[] {
  const document = parseJson(body.toString('utf8'));
  if (!document) return problem('unmatched', body.length === 0 ? 'the body is empty' : 'the body is not readable JSON');
  const callback = readImsCallback(document.value);
  if (!callback) return problem('unmatched', `no job id of 1 to ${LONGEST_ID} characters in it`);

  const { event, vendorJobId, ids } = callback;
  const api = VENDOR_APIS.find(({ callback }) => callback?.events.includes(event.type));
  if (api?.callback && vendorJobId !== null) {
    return [{ kind: 'speaks', api: api.name, seen: api.callback.read(event, vendorJobId), evidence: false }];
  }
  const reason = api
    ? `${event.type} names no job, and its other ids belong to none that is tracked`
    : `the event ${event.type === '' ? '(none)' : event.type} is not one of a tracked API, and its ids belong to no tracked job`;
  return [{ kind: 'hints', ids, seen: hint(ids[0] ?? '', event.occurredAt), reason }];
}

/** There is something to look at; what, the vendor's answer will tell. */
function hint(vendorJobId: string, occurredAt: Date | null): JobSeen {
  return { ...nothingSeen(vendorJobId), occurredAt };
}

/** A listing leaves out what matters most, so what it says of a job is a claim that the job's own answer must confirm. */
function interpretListing(receipt: ReadableReceipt, body: Buffer): Interpretation[] {
  const api = apiNamed(receipt.api ?? '');
  if (!api?.listing) return problem('rejected', `lists jobs of ${receipt.api ?? 'no API'}, which has no listing`);
  const page = api.listing.readPage(parseJson(body.toString('utf8'))?.value ?? null);
  if (!page) return problem('rejected', `not a page of ${api.listing.operation}`);
  return page.jobs.map((seen) => ({ kind: 'speaks', api: api.name, seen, evidence: false }));
}

function interpretAnswer(receipt: ReadableReceipt, body: Buffer): Interpretation[] {
  const api = apiNamed(receipt.api ?? '');
  if (!api) return problem('rejected', `answers ${receipt.api ?? 'no API'}, which is not tracked`);
  const document = parseJson(body.toString('utf8'));
  if (!document) return problem('rejected', 'the answer is not readable JSON');
  const { asked } = receipt;
  const jobs = api.readAnswer(document.value, asked).filter(({ vendorJobId }) => asked.includes(vendorJobId));
  if (jobs.length === 0)
    return problem('rejected', `not an answer of ${api.operation} about the jobs that were asked for`);
  return jobs.map((seen) => ({ kind: 'speaks', api: api.name, seen, evidence: true }));
}
