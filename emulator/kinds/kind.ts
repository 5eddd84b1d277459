import type { Draw } from '../draw.js';
import type { ExpectedSubjob, FinalStatus } from '../outcome.js';

/** The clouds that are played; a kind's API name begins with its vendor's. */
export type EmulatedVendor = 'alibaba-ims' | 'huawei-mpc';

/** What the submitter asked for; whatever is missing is drawn, or left out. */
export type Order = {
  vendorJobId: string;
  userData: string;
  outcome?: FinalStatus;
  queueMs?: number;
  /** From start to end, without the queue. A batch ends when its last subjob does. */
  durationMs?: number;
  name?: string;
  /** How many outputs and output groups, for kinds that have them. */
  outputs?: number;
  groups?: number;
  /** How many subjobs a batch has. */
  subjobs?: number;
  /** Each subjob calls back too, at the batch's address; drawn for a third of the batches. */
  subjobCallbacks?: boolean;
  /** So many subjobs are still at work when the batch says that it is finished, and end a little later. */
  openSubjobs?: number;
  /** The batch announces so many more videos than it has subjobs. */
  missingSubjobs?: number;
  /** The batch finishes without a single subjob and says why. */
  batchError?: boolean;
  /** What its failures say. */
  error?: { code: string; message: string };
  /** Something that goes into it, for batches (a media id) and conversions (a URL). */
  input?: string;
  /** For kinds that name a template of the vendor. */
  templateId?: string;
};

/** A job's life on the wall clock, in ms. */
export type Life = { submittedAt: number; startsAt: number; endsAt: number };

export type CallbackEvent = { at: number; eventType: string; message: Record<string, unknown> };

/** A job whose whole future is decided: everything below is a pure function of its life and the time. */
export interface PlannedJob {
  queueMs: number;
  durationMs: number;
  name?: string;
  expectedStatus: FinalStatus;
  expectedSubjobs: ExpectedSubjob[];
  expectedError?: { code: string; message: string };
  /** The vendor's word for its status, as the document has it. */
  word(life: Life, now: number): string;
  document(life: Life, now: number): Record<string, unknown>;
  callbacks(life: Life): CallbackEvent[];
  /** The job's last callback with the opposite result; none where nobody calls back. */
  forgery?: (life: Life) => Omit<CallbackEvent, 'at'>;
  /** When the vendor calls the job over, where parts of it may end later than that. */
  lastWordAt?(life: Life): number;
  /** Jobs of their own that the vendor begins for this one. */
  subjobs?: readonly PlannedSubjob[];
}

export type PlannedSubjob = {
  vendorJobId: string;
  kind: JobKind;
  plan: PlannedJob;
  callsBack: boolean;
  /** Its life inside that of the job it belongs to. */
  lifeIn: (life: Life) => Life;
};

export interface JobKind {
  api: `${EmulatedVendor}/${string}`;
  vendor: EmulatedVendor;
  /** Which field of the document holds the status word. */
  statusField: string;
  plan(draw: Draw, order: Order): PlannedJob;
  /** The vendor's whole answer about this one job, and the document inside such an answer. */
  answer(document: Record<string, unknown>): Record<string, unknown>;
  documentIn(answer: Record<string, unknown>, vendorJobId: string): Record<string, unknown> | undefined;
  /** The vendor's form of an id, where it is not 32 hexadecimal digits. */
  idFrom?(hex: string): string;
}

/** How much of the run is done, from 0 (not started) to 1 (over). */
export function doneShare({ startsAt, endsAt }: Life, now: number): number {
  if (now >= endsAt) return 1;
  return Math.max(0, (now - startsAt) / (endsAt - startsAt));
}

/** The moment at which so much of the run is done. */
export function momentOf({ startsAt, endsAt }: Life, share: number): number {
  return startsAt + (endsAt - startsAt) * share;
}
