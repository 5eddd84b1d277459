import { HttpException } from '@nestjs/common';
import { STATUS_CODES } from 'node:http';
import type { z } from 'zod';
import { CallsheetError, InvalidInput, type InputProblem } from '../domain/errors.js';
import { Prisma } from '../generated/prisma/client.js';
import { isTransient } from '../tracking/transient.js';

/** What Postgres says of a statement that took longer than its limit. */
const QUERY_CANCELED = '57014';

/** RFC 9457. `errors` is there when what was sent could not be used. */
export type Problem = { type: string; title: string; status: number; detail: string; errors?: InputProblem[] };

/** The one place that turns our errors into status codes. */
const STATUS_OF: Record<string, number> = {
  invalid_input: 400,
  no_key: 401,
  scope_too_small: 403,
  job_not_found: 404,
  receipt_not_found: 404,
  key_not_found: 404,
  receiver_not_found: 404,
  notification_not_found: 404,
  endpoint_not_found: 404,
  delivery_not_found: 404,
  alert_not_found: 404,
  silence_not_found: 404,
  claim_only: 409,
  alert_over: 409,
  body_expired: 410,
  not_json: 415,
  shutting_down: 503,
};

/** What a person or script is told about an error: nothing of our insides. */
export function problemOf(error: unknown): Problem {
  if (error instanceof InvalidInput) {
    return problem(400, error.code, 'What was sent cannot be used; see errors', error.problems);
  }
  if (error instanceof CallsheetError) return problem(STATUS_OF[error.code] ?? 500, error.code, error.message);
  if (isDatabaseBusy(error)) return problem(503, 'database_busy', 'The database did not answer in time; try again');
  const status = statusOf(error);
  if (status === null || status >= 500) {
    return problem(status ?? 500, null, 'Something went wrong here; it was written to the log');
  }
  return problem(status, null, status === 404 ? 'There is nothing at this address' : messageOf(error));
}

export function problem(status: number, code: string | null, detail: string, errors?: InputProblem[]): Problem {
  const type = code === null ? 'about:blank' : `urn:callsheet:problem:${code}`;
  return { type, title: STATUS_CODES[status] ?? 'Error', status, detail, ...(errors ? { errors } : {}) };
}

/** Prisma keeps the error of the driver below its own. */
function isDatabaseBusy(error: unknown): boolean {
  if (isTransient(error)) return true;
  if (!(error instanceof Prisma.PrismaClientKnownRequestError)) return false;
  const { cause } = (error.meta?.['driverAdapterError'] ?? {}) as { cause?: { originalCode?: string } };
  return ['P1001', 'P1008', 'P1017', 'P2024'].includes(error.code) || cause?.originalCode === QUERY_CANCELED;
}

/** Nest's errors and Fastify's (`statusCode`) say what they are; anything else is unexpected. */
function statusOf(error: unknown): number | null {
  if (error instanceof HttpException) return error.getStatus();
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === 'number' && status >= 400 && status < 600 ? status : null;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** One problem a key where keys are unknown, so that each is named. `root` names what the issue's own path is in. */
export function inputProblems(issue: z.core.$ZodIssue, root = ''): InputProblem[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: placeOf([...issue.path, key]), message: 'is not known here' }));
  }
  if (issue.code === 'invalid_key' || issue.code === 'invalid_union') {
    const inner = (issue.code === 'invalid_key' ? issue.issues : issue.errors.flat())[0];
    const message = issue.message.startsWith('Invalid') ? (inner?.message ?? issue.message) : issue.message;
    return [{ path: placeOf(issue.path) || root, message }];
  }
  return [{ path: placeOf(issue.path) || root, message: issue.message }];
}

function placeOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? String(key) : `${text}.${String(key)}`;
  }, '');
}
