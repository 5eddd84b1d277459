import type { JobSeen, Json } from '../domain/observation.js';
import type { Vendor } from '../domain/vendor.js';
import type { Contract } from './contract.js';
import type { VendorQuery } from './vendor-client.js';

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
  /** The API that knows the parts of a batch as jobs of their own, by their `vendorSubjobId`. */
  readonly subjobApi?: string;
  /** Whether jobs of this kind usually call back, until a first answer shows it. */
  readonly callbackExpected: boolean;
  readonly idsPerCall: number;
  /** Where a job's document names what went into it, as `Config.Inputs`: alerts tell what failures share. Left out: nowhere. */
  readonly inputs?: readonly string[];
  query(vendorJobIds: readonly string[]): VendorQuery;
  /**
   * Reads an answer to `query(asked)`, with `found: false` for the jobs that it says the vendor does not know. An empty
   * list: not a document of this API. Never throws on odd values.
   */
  readAnswer(document: Json, asked: readonly string[]): JobSeen[];
  /** What is called back about jobs of this kind; left out where nobody calls. */
  readonly callback?: Callback;
  /** What its answers are documented to hold; departures are told, once each. */
  readonly contract: Contract;
  /** How jobs are found that nobody announced; left out where the vendor lists none. */
  readonly listing?: Listing;
}

/** The callbacks that speak of jobs of one kind. */
export interface Callback {
  readonly events: readonly string[];
  /** Reads the body of one of `events` about the job `vendorJobId`. Never throws on odd values. */
  read(event: CallbackEvent, vendorJobId: string): JobSeen;
}

/** A callback's envelope, read. */
export type CallbackEvent = {
  type: string;
  occurredAt: Date | null;
  body: { [key: string]: Json };
};

/** A vendor's operation that lists jobs, newest first, page by page. */
export interface Listing {
  /** The vendor's name of the list operation. */
  readonly operation: string;
  /** How much time one listing may span, in ms. */
  readonly longestSpanMs: number;
  query(page: { from: Date; to: Date; token: string | null }): VendorQuery;
  /** `jobs` has what the page says about each; null: not a page of this listing. Never throws on odd values. */
  readPage(document: Json): { jobs: JobSeen[]; nextToken: string | null } | null;
}

/** Of a form that every vendor takes, and nobody's: "no such job" is the answer of a vendor that knows us. */
export const NO_SUCH_JOB = '0'.repeat(32);
