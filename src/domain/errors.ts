/**
 * What can go wrong, by stable codes. Thrown where the fact is known; what follows is decided in two places:
 * `http-error.filter.ts` makes the status code, the queue's processors make the retry.
 */
export abstract class CallsheetError extends Error {
  /** Stable: scripts match on it, and it ends the `type` of a problem. */
  abstract readonly code: string;
  /** Whether the same thing may work a little later. */
  readonly retryable: boolean = false;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** One thing that is wrong with what was sent, and where: `labels.tenant`, `jobs[3].api`. */
export type InputProblem = { path: string; message: string };

export class InvalidInput extends CallsheetError {
  readonly code = 'invalid_input';

  constructor(readonly problems: InputProblem[]) {
    super(problems.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; '));
  }
}

export class NoKey extends CallsheetError {
  readonly code = 'no_key';

  constructor() {
    super('Send a key of Callsheet as `Authorization: Bearer <key>`');
  }
}

export class ScopeTooSmall extends CallsheetError {
  readonly code = 'scope_too_small';

  constructor(scope: string, wanted: string) {
    super(`This needs a key of scope ${wanted}; this one has ${scope}`);
  }
}

export class NotJson extends CallsheetError {
  readonly code = 'not_json';

  constructor(contentType: string) {
    super(`The body must be application/json, not ${contentType}`);
  }
}

export class JobNotFound extends CallsheetError {
  readonly code = 'job_not_found';

  constructor(id: string) {
    super(`There is no job ${id}`);
  }
}

export class ReceiptNotFound extends CallsheetError {
  readonly code = 'receipt_not_found';

  constructor(id: string) {
    super(`There is no receipt ${id}`);
  }
}

export class AlertNotFound extends CallsheetError {
  readonly code = 'alert_not_found';

  constructor(id: string) {
    super(`There is no alert ${id}`);
  }
}

export class AlertOver extends CallsheetError {
  readonly code = 'alert_over';

  constructor(id: string) {
    super(`Alert ${id} is over; there is nothing to be at`);
  }
}

export class SilenceNotFound extends CallsheetError {
  readonly code = 'silence_not_found';

  constructor(id: string) {
    super(`There is no silence ${id}`);
  }
}

export class BodyExpired extends CallsheetError {
  readonly code = 'body_expired';

  constructor(receiptId: string) {
    super(`The body of receipt ${receiptId} has expired`);
  }
}

export class KeyNotFound extends CallsheetError {
  readonly code = 'key_not_found';

  constructor(id: string) {
    super(`There is no key ${id}`);
  }
}

export class ReceiverNotFound extends CallsheetError {
  readonly code = 'receiver_not_found';

  constructor(name: string) {
    super(`There is no receiver ${name} in the settings`);
  }
}

export class NotificationNotFound extends CallsheetError {
  readonly code = 'notification_not_found';

  constructor(id: string) {
    super(`There is no notification ${id}`);
  }
}

export class EndpointNotFound extends CallsheetError {
  readonly code = 'endpoint_not_found';

  constructor(name: string) {
    super(`There is no endpoint ${name} in the settings`);
  }
}

export class DeliveryNotFound extends CallsheetError {
  readonly code = 'delivery_not_found';

  constructor(id: string) {
    super(`There is no delivery ${id} to this endpoint`);
  }
}

/** Nobody can ask the vendor: the account has no credentials. */
export class ClaimOnly extends CallsheetError {
  readonly code = 'claim_only';

  constructor(jobId: string) {
    super(`Job ${jobId} cannot be looked at: its account has no credentials, callbacks are all there is`);
  }
}

export class ShuttingDown extends CallsheetError {
  readonly code = 'shutting_down';
  override readonly retryable = true;

  constructor() {
    super('This instance is shutting down; ask again');
  }
}
