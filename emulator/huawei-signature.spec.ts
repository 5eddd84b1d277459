import { verifiedAccess } from './huawei-signature.js';

/** The wire records of the vendor's own SDK core (sheet section 7). */
const PROJECT = '0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f';
const NOW = Date.parse('2026-11-21T02:46:38Z');
const ONE_AND_TWO = '8498fcbff7548dda5a801d49712512ede8a06b62d0d646dc99b39a05196aa1b4';
const TEN_AND_NINE = '3416be326aef8042afcb18392a79b29db2263597f9867841e7358ddc2a423746';

function recorded(query: string, signature: string, signing = 'content-type;host;x-project-id;x-sdk-date') {
  return {
    method: 'GET',
    url: new URL(`/v2/${PROJECT}/editing/jobs?${query}`, 'http://emulator'),
    headers: {
      accept: 'application/json',
      'content-type': 'application/json',
      'x-project-id': PROJECT,
      'x-sdk-date': '20261121T024638Z',
      host: '127.0.0.1:43163',
      authorization: `SDK-HMAC-SHA256 Access=AKEXAMPLE, SignedHeaders=${signing}, Signature=${signature}`,
    } as Record<string, string>,
    body: Buffer.alloc(0),
  };
}
type Recorded = ReturnType<typeof recorded>;
const verify = (request: Recorded, now = NOW, secret: string | undefined = 'SKEXAMPLESECRET') =>
  verifiedAccess(request, (key) => (key === 'AKEXAMPLE' ? secret : undefined), now);
const minutes = (count: number) => count * 60_000;

it.each([
  ['job_id=1&job_id=2', ONE_AND_TWO],
  ['job_id=10&job_id=9', TEN_AND_NINE],
])('the SDK’s signature of %s is good', (query, signature) => {
  expect(verify(recorded(query, signature))).toBe('AKEXAMPLE');
});

it('ids in another order are the same query', () => {
  expect(verify(recorded('job_id=2&job_id=1', ONE_AND_TWO))).toBe('AKEXAMPLE');
});

it('covers method, path, query, headers and body', () => {
  const request = recorded('job_id=1&job_id=2', ONE_AND_TWO);
  const changes: Partial<Recorded>[] = [
    { method: 'DELETE' },
    { url: new URL(`/v2/${PROJECT}/editing/job?job_id=1&job_id=2`, 'http://emulator') },
    { url: new URL(`/v2/${PROJECT}/editing/jobs?job_id=1&job_id=3`, 'http://emulator') },
    { headers: { ...request.headers, 'x-project-id': 'another' } },
    { body: Buffer.from('{}') },
  ];
  for (const change of changes) expect(() => verify({ ...request, ...change })).toThrow('verify aksk signature fail');
});

it('must bind host and date, and be of the form', () => {
  expect(() => verify(recorded('job_id=1', ONE_AND_TWO, 'content-type;host'))).toThrow('must be signed: x-sdk-date');
  const request = recorded('job_id=1&job_id=2', ONE_AND_TWO);
  for (const authorization of ['', 'Bearer x', request.headers['authorization']?.replace('SDK-HMAC-SHA256', 'V11')]) {
    const headers = { ...request.headers, authorization: authorization ?? '' };
    expect(() => verify({ ...request, headers })).toThrow(expect.objectContaining({ code: 'APIGW.0301', status: 401 }));
  }
});

it('another secret or an unknown key is refused', () => {
  const request = recorded('job_id=1&job_id=2', ONE_AND_TWO);
  expect(() => verify(request, NOW, 'ANOTHER')).toThrow(expect.objectContaining({ code: 'APIGW.0301' }));
  expect(() => verifiedAccess(request, () => undefined, NOW)).toThrow('the access key is unknown');
});

it('lives fifteen minutes either way', () => {
  const request = recorded('job_id=1&job_id=2', ONE_AND_TWO);
  expect(verify(request, NOW + minutes(14))).toBe('AKEXAMPLE');
  expect(verify(request, NOW - minutes(14))).toBe('AKEXAMPLE');
  const late = expect.objectContaining({ code: 'APIGW.0303', status: 401 });
  expect(() => verify(request, NOW + minutes(16))).toThrow(late);
  expect(() => verify(request, NOW - minutes(16))).toThrow(late);
});
