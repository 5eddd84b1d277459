import { randomUUID } from 'node:crypto';
import type { Answer } from './answer.js';

/** Request-level errors: code → HTTP status and text (sheet section 8.2). Throttling is a 400 here, never a 429. */
const ERRORS = {
  MissingParameter: [400, 'A required parameter is missing.'],
  InvalidParameter: [400, 'The specified parameter is not valid.'],
  'InvalidTimeStamp.Expired': [400, 'Specified time stamp or date value is expired.'],
  'Throttling.User': [400, 'Request was denied due to user flow control.'],
  'Forbidden.RAM': [403, 'User not authorized to operate on the specified resource.'],
  SignatureDoesNotMatch: [403, 'Specified signature is not matched with our calculation.'],
  'InvalidAccessKeyId.NotFound': [404, 'Specified access key is not found.'],
  'InvalidApi.NotFound': [404, 'Specified api is not found, please check your url and method.'],
  JobNotFound: [404, 'The specified job not found'],
  InternalError: [500, 'The request processing has failed due to some unknown error.'],
  ServiceUnavailable: [503, 'The request has failed due to a temporary failure of the server.'],
} as const satisfies Record<string, readonly [number, string]>;

export type ImsErrorCode = keyof typeof ERRORS;

export class ImsError extends Error {
  readonly status: number;

  constructor(
    readonly code: ImsErrorCode,
    detail?: string,
    readonly extra: Record<string, unknown> = {},
  ) {
    super(detail ?? ERRORS[code][1]);
    this.status = ERRORS[code][0];
  }
}

/** Sheet section 8.1. */
export function errorAnswer(error: ImsError, host: string): Answer {
  return jsonAnswer(error.status, error.code, {
    HostId: host,
    Code: error.code,
    Message: error.message,
    Recommend: `https://api.aliyun.com/troubleshoot?q=${error.code}&product=ICE`,
    ...error.extra,
  });
}

/** Every answer has a RequestId of its own, so two answers about an unchanged job still differ in it. */
export function jsonAnswer(status: number, outcome: string, document: Record<string, unknown>): Answer {
  const requestId = randomUUID().toUpperCase();
  return {
    status,
    outcome,
    headers: { 'content-type': 'application/json;charset=utf-8', 'x-acs-request-id': requestId },
    body: JSON.stringify({ RequestId: requestId, ...document }),
  };
}
