import type { Json } from '../../domain/observation.js';
import { isObject } from '../readers.js';
import type { VendorErrorKind } from '../vendor-error.js';

/** The one code that says "no such job"; `InvalidApi.NotFound` and its like are 404 as well and mean a wrong endpoint. */
export const JOB_NOT_FOUND = 'JobNotFound';

/** Whether an answer says that the vendor does not know the job (`{RequestId, HostId, Code, Message}`). */
export function isNotFoundAnswer(document: Json): boolean {
  return isObject(document) && document['Code'] === JOB_NOT_FOUND;
}

/** By code first, HTTP status second; codes come with suffixes, so by how they begin (protocol sheet, section 8.2). */
const KINDS: [prefix: string, kind: VendorErrorKind][] = [
  // Throttling is HTTP 400 here, not 429.
  ['Throttling', 'throttled'],
  ['InvalidAccessKeyId', 'credentials'],
  ['SignatureDoesNotMatch', 'credentials'],
  ['IncompleteSignature', 'credentials'],
  ['InvalidSecurityToken', 'credentials'],
  ['MissingSecurityToken', 'credentials'],
  ['InvalidTimeStamp', 'clock'],
  ['Forbidden', 'forbidden'],
  ['ActionUnauthorized', 'forbidden'],
  ['NoPermission', 'forbidden'],
  ['InvalidProduct', 'forbidden'],
  ['InvalidApi', 'forbidden'],
  ['InvalidVersion', 'forbidden'],
  ['InvalidParameter', 'refused'],
  ['MissingParameter', 'refused'],
];

export function errorKindOf(code: string, httpStatus: number | null): VendorErrorKind {
  const known = KINDS.find(([prefix]) => code.startsWith(prefix));
  if (known) return known[1];
  if (httpStatus === 429) return 'throttled';
  if (httpStatus === 401) return 'credentials';
  if (httpStatus === 403) return 'forbidden';
  return 'transient';
}
