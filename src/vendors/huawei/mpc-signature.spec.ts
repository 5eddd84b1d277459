import { encodedQuery } from '../rfc3986.js';
import { signedHeaders, type SignedCall } from './mpc-signature.js';

const PROJECT = '0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f';
const CREDENTIALS = { accessKeyId: 'AKEXAMPLE', accessKeySecret: 'SKEXAMPLESECRET' };
const AT = new Date('2026-11-21T02:46:38Z');

const call = (change: Partial<SignedCall> = {}): SignedCall => ({
  method: 'GET',
  path: `/v2/${PROJECT}/editing/jobs`,
  query: { job_id: ['1', '2'] },
  headers: { 'content-type': 'application/json', host: '127.0.0.1:43163', 'x-project-id': PROJECT },
  ...change,
});
const authorization = (change?: Partial<SignedCall>) => signedHeaders(call(change), CREDENTIALS, AT)['authorization'];

describe('the signature of a call to Huawei Cloud', () => {
  // Recorded from the vendor's own SDK (core 3.1.211).
  it.each([
    [['1', '2'], '8498fcbff7548dda5a801d49712512ede8a06b62d0d646dc99b39a05196aa1b4'],
    [['10', '9'], '3416be326aef8042afcb18392a79b29db2263597f9867841e7358ddc2a423746'],
  ])("is the one of the vendor's SDK for the ids %j", (ids, signature) => {
    expect(signedHeaders(call({ query: { job_id: ids } }), CREDENTIALS, AT)).toEqual({
      'content-type': 'application/json',
      host: '127.0.0.1:43163',
      'x-project-id': PROJECT,
      'x-sdk-date': '20261121T024638Z',
      authorization: `SDK-HMAC-SHA256 Access=AKEXAMPLE, SignedHeaders=content-type;host;x-project-id;x-sdk-date, Signature=${signature}`,
    });
  });

  it('sorts repeated parameters as text, and leaves the list it was given alone', () => {
    const ids = ['9', '10'];
    expect(encodedQuery({ job_id: ids })).toBe('job_id=10&job_id=9');
    expect(authorization({ query: { job_id: ids } })).toBe(authorization({ query: { job_id: ['10', '9'] } }));
    expect(ids).toEqual(['9', '10']);
  });

  it('does not depend on a slash at the end of the path, nor on the case and order of headers', () => {
    expect(authorization({ path: `/v2/${PROJECT}/editing/jobs/` })).toBe(authorization());
    const headers = { 'X-Project-Id': PROJECT, HOST: ' 127.0.0.1:43163 ', 'Content-Type': 'application/json' };
    expect(authorization({ headers })).toBe(authorization());
  });

  it.each([
    ['the ids', { query: { job_id: ['1', '3'] } }],
    ['the path', { path: '/v2/other/editing/jobs' }],
    ['a header', { headers: { ...call().headers, 'x-project-id': 'other' } }],
  ])('binds %s', (_, change) => {
    expect(authorization(change)).not.toBe(authorization());
  });
});
