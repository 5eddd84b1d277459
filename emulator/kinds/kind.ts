import type { Draw } from '../draw.js';
import type { ExpectedSubjob, FinalStatus } from '../outcome.js';

/** What the submitter asked for; whatever is missing is drawn. */
export type Order = {
  vendorJobId: string;
  userData: string;
  outcome?: FinalStatus;
  queueMs?: number;
  durationMs?: number;
  name?: string;
  outputs?: number;
  groups?: number;
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
  document(life: Life, now: number): Record<string, unknown>;
  callbacks(life: Life): CallbackEvent[];
  /** The job's last callback with the opposite result. */
  forgery(life: Life): Omit<CallbackEvent, 'at'>;
}

export interface JobKind {
  api: string;
  getAction: string;
  /** Where the document stands in the answer, and which of its fields holds the status word. */
  root: string;
  statusField: string;
  plan(draw: Draw, order: Order): PlannedJob;
}

/** How much of the run is done, from 0 (not started) to 1 (over). */
export function doneShare({ startsAt, endsAt }: Life, now: number): number {
  if (now >= endsAt) return 1;
  return Math.max(0, (now - startsAt) / (endsAt - startsAt));
}

/** UTC, second resolution, as in every sample (sheet sections 1.3 and 5). */
export function vendorTime(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}
