import type { VendorErrorKind } from '../vendor-error.js';

/** Request-level codes (protocol sheet, sections 1.4, 1.6 and 4). Job-level ones come inside a job and are not errors of a call. */
const KINDS: Record<string, VendorErrorKind> = {
  'APIG.0308': 'throttled',
  'APIG.0303': 'clock',
  'APIG.0301': 'credentials',
  'MPC.10203': 'credentials',
  // "Failed to check the tenant id": the key and the project do not go together.
  'MPC.10208': 'credentials',
  // The gateway knows no such API: the endpoint is another service's.
  'APIG.0101': 'forbidden',
  'MPC.10202': 'refused',
  'MPC.10204': 'refused',
  'MPC.10205': 'refused',
  'MPC.10087': 'refused',
};

/** By code first, HTTP status second. The gateway is written APIG in some of the vendor's pages, APIGW in others. */
export function errorKindOf(code: string, httpStatus: number): VendorErrorKind {
  const known = code.replace(/^APIGW\./, 'APIG.');
  if (Object.hasOwn(KINDS, known)) return KINDS[known] ?? 'transient';
  if (httpStatus === 429) return 'throttled';
  if (httpStatus === 401) return 'credentials';
  if (httpStatus === 403) return 'forbidden';
  // No code says "no such job", so a 404 must not pause an API that is there.
  return httpStatus >= 400 && httpStatus < 500 ? 'refused' : 'transient';
}
