import type { JobSeen, Json } from '../domain/observation.js';
import type { Vendor } from '../domain/vendor.js';

/** What one HTTP request to a vendor asks. */
export type VendorQuery = { action: string; parameters: Record<string, string> };

/**
 * One job API of a vendor: what it is called, how it is asked, and how its documents read. A plain object in one file;
 * the network is in the vendor's client, the fixtures in `test/fixtures/<vendor>-<api>/`.
 */
export interface VendorApi {
  /** `vendor/kind`, as in URLs and configuration. Never changes. */
  readonly name: string;
  readonly vendor: Vendor;
  /** The vendor's name of the query operation. */
  readonly operation: string;
  /** The vendor's success word says only that the job ended; its parts say how. */
  readonly outcomeInParts: boolean;
  readonly batch: boolean;
  /** Whether jobs of this kind usually call back, until a first answer shows it. */
  readonly callbackExpected: boolean;
  readonly idsPerCall: number;
  /** The callback events that speak of jobs of this kind. */
  readonly events: readonly string[];
  query(vendorJobIds: readonly string[]): VendorQuery;
  /** Reads an answer to `query`. An empty list: not a document of this API. Never throws on odd values. */
  readAnswer(document: Json): JobSeen[];
  /** Reads the body of one of `events` about the job `vendorJobId`. Never throws on odd values. */
  readCallback(event: CallbackEvent, vendorJobId: string): JobSeen;
}

/** A callback's envelope, read. */
export type CallbackEvent = {
  type: string;
  occurredAt: Date | null;
  body: { [key: string]: Json };
};
