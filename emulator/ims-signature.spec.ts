import { createHash, createHmac } from 'node:crypto';
import { startEmulator, type Emulator } from './emulator.js';
import { callbackSignature } from './ims-callback.js';
import { verifiedKeyId } from './ims-signature.js';
import { ask, refused } from './support/ims-client.js';

const account = { accessKeyId: 'TESTAKID', accessKeySecret: 'TESTSECRET' };
const other = { accessKeyId: 'OTHERID', accessKeySecret: 'OTHERSECRET' };

describe("the vendor's own client", () => {
  let emulator: Emulator;
  beforeAll(async () => void (emulator = await startEmulator({ accounts: [account, other] })));
  afterAll(() => emulator.stop());

  it('gets the document of a job', async () => {
    const job = emulator.submit({ api: 'alibaba-ims/media-producing' });
    const first = await ask(emulator, account, 'GetMediaProducingJob', job.vendorJobId);
    const second = await ask(emulator, account, 'GetMediaProducingJob', job.vendorJobId);

    expect(first.status).toBe(200);
    expect(first.document).toMatchObject({ MediaProducingJob: { JobId: job.vendorJobId } });
    expect(first.headers['x-acs-request-id']).toBe(first.document['RequestId']);
    expect(second.document['RequestId']).not.toBe(first.document['RequestId']);
    expect(emulator.requests.entries[0]).toMatchObject({
      action: 'GetMediaProducingJob',
      accessKeyId: 'TESTAKID',
      jobId: job.vendorJobId,
      status: 200,
      outcome: 'ok',
    });
  });

  it('is verified with every character a query may hold', async () => {
    const vendorJobId = "job-1 a/b*~!'()+&=é";
    emulator.submit({ api: 'alibaba-ims/media-convert', vendorJobId });
    await expect(ask(emulator, account, 'GetMediaConvertJob', vendorJobId)).resolves.toMatchObject({ status: 200 });
  });

  it.each([
    [
      'with a wrong secret',
      { ...account, accessKeySecret: 'WRONG' },
      'GetMediaProducingJob',
      'x',
      'SignatureDoesNotMatch',
      403,
    ],
    [
      'with an unknown key',
      { ...account, accessKeyId: 'NOBODY' },
      'GetMediaProducingJob',
      'x',
      'InvalidAccessKeyId.NotFound',
      404,
    ],
    ['about an unknown job', account, 'GetMediaProducingJob', 'nowhere', 'JobNotFound', 404],
    ['without a job id', account, 'GetMediaProducingJob', undefined, 'MissingParameter', 400],
    ['for an unknown action', account, 'GetNothing', 'x', 'InvalidApi.NotFound', 404],
  ] as const)('%s is refused', async (_, who, action, jobId, code, statusCode) => {
    const error = await refused(ask(emulator, who, action, jobId));
    expect(error).toMatchObject({ name: 'ClientError', code, statusCode });
  });

  it("does not see another account's job, nor a job of another kind", async () => {
    const { vendorJobId } = emulator.submit({ api: 'alibaba-ims/media-producing', accessKeyId: other.accessKeyId });
    await expect(ask(emulator, other, 'GetMediaProducingJob', vendorJobId)).resolves.toMatchObject({ status: 200 });
    expect(await refused(ask(emulator, account, 'GetMediaProducingJob', vendorJobId))).toMatchObject({
      code: 'JobNotFound',
    });
    expect(await refused(ask(emulator, other, 'GetMediaConvertJob', vendorJobId))).toMatchObject({
      code: 'JobNotFound',
    });
  });

  it('is refused after the key was rotated', async () => {
    const { vendorJobId } = emulator.submit({ api: 'alibaba-ims/media-producing' });
    emulator.setAccounts([{ ...account, accessKeySecret: 'NEW' }, other]);
    expect(await refused(ask(emulator, account, 'GetMediaProducingJob', vendorJobId))).toMatchObject({
      code: 'SignatureDoesNotMatch',
    });
    emulator.setAccounts([account, other]);
    await expect(ask(emulator, account, 'GetMediaProducingJob', vendorJobId)).resolves.toMatchObject({ status: 200 });
  });
});

/** Signed here step by step as sheet section 10.3 tells it, without the code under test. */
describe('a signature', () => {
  const now = Date.parse('2026-11-21T02:38:03Z');
  const names = [
    'host',
    'x-acs-action',
    'x-acs-content-sha256',
    'x-acs-date',
    'x-acs-signature-nonce',
    'x-acs-version',
  ];

  function signed({ body = '', query = 'JobId=job-1', date = '2026-11-21T02:38:03Z', signing = names } = {}) {
    const headers: Record<string, string> = {
      host: '127.0.0.1:39357',
      'x-acs-action': 'GetMediaProducingJob',
      'x-acs-content-sha256': createHash('sha256').update(body).digest('hex'),
      'x-acs-date': date,
      'x-acs-signature-nonce': 'b8e957c5e93056a1af118b6491b0beda',
      'x-acs-version': '2020-11-09',
    };
    const lines = signing.map((name) => `${name}:${headers[name]}\n`).join('');
    const canonical = `POST\n/\n${query}\n${lines}\n${signing.join(';')}\n${headers['x-acs-content-sha256']}`;
    const toSign = `ACS3-HMAC-SHA256\n${createHash('sha256').update(canonical).digest('hex')}`;
    const signature = createHmac('sha256', 'TESTSECRET').update(toSign).digest('hex');
    headers['authorization'] =
      `ACS3-HMAC-SHA256 Credential=TESTAKID,SignedHeaders=${signing.join(';')},Signature=${signature}`;
    return { method: 'POST', url: new URL(`/?${query}`, 'http://emulator'), headers, body: Buffer.from(body) };
  }
  const verify = (request: ReturnType<typeof signed>, at = now) => verifiedKeyId(request, () => 'TESTSECRET', at);
  const minutes = (count: number) => count * 60_000;

  it('of an untouched request is good', () => expect(verify(signed())).toBe('TESTAKID'));

  it('covers query, headers and body', () => {
    const request = signed({ body: 'A=1' });
    expect(verify(request)).toBe('TESTAKID');
    const changed = { ...request, url: new URL('/?JobId=job-2', 'http://emulator') };
    const swapped = { ...request, headers: { ...request.headers, 'x-acs-action': 'GetMediaConvertJob' } };
    const refilled = { ...request, body: Buffer.from('A=2') };
    for (const bad of [changed, swapped, refilled]) expect(() => verify(bad)).toThrow(/signature|x-acs-content-sha256/);
  });

  it('must bind action, date and body', () => {
    const signing = names.filter((name) => name !== 'x-acs-action');
    expect(() => verify(signed({ signing }))).toThrow('must be signed: x-acs-action');
  });

  it('lives fifteen minutes either way', () => {
    expect(verify(signed(), now + minutes(14))).toBe('TESTAKID');
    expect(verify(signed(), now - minutes(14))).toBe('TESTAKID');
    expect(() => verify(signed(), now + minutes(16))).toThrow('expired');
    expect(() => verify(signed(), now - minutes(16))).toThrow('expired');
  });
});

/** Sheet section 3, the table of test vectors; the first is the vendor's own example with its typo put right. */
it.each([
  ['https://www.example.com/your/callback', '1519375990', 'test123', 'c72b60894140fa98920f1279219b7ed4'],
  ['https://tracker.example.com/ims/callback', '1786000000', 'RotateMe123', '8f059321ef64823bf059a7dc4b1b0aee'],
])('the callback signature for %s', (address, timestamp, key, digest) => {
  expect(callbackSignature(address, timestamp, key)).toBe(digest);
});
