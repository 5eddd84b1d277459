import type { Json } from '../domain/observation.js';
import type { VendorApi } from './vendor-api.js';
import type { VendorQuery } from './vendor-client.js';

/** What the vendor should call, from our configuration. */
export type ExpectedCallback = {
  /** Every callback URL of the account, its token at the end. */
  urls: readonly string[];
  authKeys: readonly string[];
  /** What becomes of a callback without a signature where there are `authKeys`. */
  signature: 'required' | 'if-present';
  apis: readonly Pick<VendorApi, 'name' | 'callbackExpected' | 'callback'>[];
};

/** What was found; `ok`: it is as it should be, otherwise the text says what to do. Holds neither token nor key. */
export type Finding = { ok: boolean; text: string };

/** A vendor's own setting for a whole account of where its callbacks go, beside what single jobs carry. */
export interface EventCallback {
  /** The vendor's name of the operation that tells it. */
  readonly operation: string;
  readonly query: VendorQuery;
  /** Never throws on odd values. */
  compare(document: Json, expected: ExpectedCallback): Finding[];
}
