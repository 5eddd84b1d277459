import { randomUUID } from 'node:crypto';
import type { Answer } from './answer.js';

/**
 * Request-level errors: code → HTTP status and text (sheet sections 1.4, 1.6 and 4). `APIGW` and `APIG` are the gateway's,
 * `MPC` the service's own; the code for a missing permission is not in the sheet.
 */
const ERRORS = {
  'MPC.10202': [400, 'Invalid request parameter.'],
  'MPC.10204': [400, 'The request method is incorrect.'],
  'MPC.10208': [400, 'Tenant ID check failed.'],
  'MPC.10212': [500, 'The operation failed.'],
  'APIGW.0301': [401, 'Incorrect IAM authentication information'],
  'APIGW.0303': [401, 'Incorrect authentication information: the time of the request is more than 15 minutes off'],
  'PDP.0001': [403, "Policy doesn't allow mpc:editingTask:view to be performed."],
  'APIG.0308': [
    429,
    'The throttling threshold has been reached: policy user over ratelimit, limit: 100, time: 1 minute',
  ],
} as const satisfies Record<string, readonly [number, string]>;

export type HuaweiErrorCode = keyof typeof ERRORS;

export class HuaweiError extends Error {
  readonly status: number;

  constructor(
    readonly code: HuaweiErrorCode,
    detail?: string,
    status?: number,
  ) {
    super(detail ?? ERRORS[code][1]);
    this.status = status ?? ERRORS[code][0];
  }
}

export function huaweiErrorAnswer({ status, code, message }: HuaweiError): Answer {
  return huaweiAnswer(status, code, { error_code: code, error_msg: message });
}

/** The id of the request is in a header only: `request_id(uuid)-timestamp-hostname` (sheet section 1.3). */
export function huaweiAnswer(status: number, outcome: string, document: Record<string, unknown>): Answer {
  const requestId = `${randomUUID()}-${Date.now()}-mpc-emulator`;
  return {
    status,
    outcome,
    headers: { 'content-type': 'application/json', 'x-request-id': requestId },
    body: JSON.stringify(document),
  };
}
