/**
 * What a failed call to a vendor means, and so what to do about it.
 * - `throttled`: too many calls; the rate is cut and grows back.
 * - `credentials`: the vendor refuses who we are; the account is paused and tried again once a minute.
 * - `forbidden`: we may not call this operation, or it is not there; this API of the account is paused likewise.
 * - `clock`: our clock and the vendor's differ too much for signatures.
 * - `refused`: the vendor refuses this request; sending it again will not help soon.
 * - `transient`: anything that may pass by itself. Never held against the job.
 */
export type VendorErrorKind = 'throttled' | 'credentials' | 'forbidden' | 'clock' | 'refused' | 'transient';

/** A call to a vendor that gave no usable answer. The message is the vendor's or the network's, never a request. */
export class VendorError extends Error {
  constructor(
    readonly kind: VendorErrorKind,
    readonly code: string,
    message: string,
    options: { cause?: unknown; retryAfterMs?: number | null } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'VendorError';
    this.retryAfterMs = options.retryAfterMs ?? null;
  }

  readonly retryAfterMs: number | null;
}
