import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Vendor } from '../src/domain/vendor.js';
import type { VendorQuery } from '../src/vendors/vendor-client.js';
import { connect } from '../src/vendors/vendors.js';
import { retryAfterMs, SILENCE_MS } from '../src/vendors/http.js';

const PROJECT = '0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f';
const CREDENTIALS = { accessKeyId: 'AKSECRETFINDMEid', accessKeySecret: 'AKSECRETFINDMEsecret' };
const QUERIES: Record<Vendor, VendorQuery> = {
  'alibaba-ims': { action: 'GetMediaProducingJob', parameters: { JobId: '30647' } },
  'huawei-mpc': { action: '/v2/{project_id}/editing/jobs', parameters: { job_id: ['9', '10'] } },
};
const VENDORS = Object.keys(QUERIES) as Vendor[];

let server: Server;
let answer: RequestListener;
let requests: IncomingMessage[];

beforeAll(async () => {
  server = createServer((request, response) => {
    requests.push(request);
    answer(request, response);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
});
beforeEach(() => (requests = []));
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
});

const says = (status: number, body: unknown, headers: Record<string, string> = {}): RequestListener => {
  return (_, response) => {
    response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
  };
};

function client(vendor: Vendor, change: { silenceMs?: number } = {}) {
  const { port } = server.address() as AddressInfo;
  return connect(vendor, {
    endpoint: `http://127.0.0.1:${port}`,
    region: 'cn-north-4',
    credentials: CREDENTIALS,
    projectId: PROJECT,
    proxies: { http: null, https: null, except: '' },
    ...change,
  });
}

const ask = (vendor: Vendor, change: { silenceMs?: number } = {}) => client(vendor, change).call(QUERIES[vendor]);
const failure = async (vendor: Vendor, change: { silenceMs?: number } = {}): Promise<any> => {
  const error = await ask(vendor, change).then(
    () => {
      throw new Error('the call succeeded');
    },
    (refusal: unknown) => refusal,
  );
  // Wherever the message ends up, it must tell no key and no header.
  expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toMatch(/FINDME|authorization|signature/i);
  return error;
};

describe.each(VENDORS)('a call to %s', (vendor) => {
  it('keeps the bytes of the answer', async () => {
    const body = '\n{"a" :  12345678901234567890, "b": "\\u0000é"}\n';
    answer = says(200, body);
    expect(await ask(vendor)).toEqual({ httpStatus: 200, body: Buffer.from(body) });
  });

  it.each([
    ['a page', 200, '<html>maintenance</html>', 'transient'],
    ['a page', 502, '<html>Bad Gateway</html>', 'transient'],
    ['a page', 403, '<html>your proxy says no</html>', 'transient'],
    ['a page', 401, '<html>your proxy says no</html>', 'transient'],
    ['a page', 429, '<html>too many</html>', 'throttled'],
    ['a list', 200, '[]', 'transient'],
    ['nothing', 200, '', 'transient'],
    ['nothing', 204, '', 'transient'],
  ])('takes %s with HTTP %i for no answer: %s: %s', async (_, status, body, kind) => {
    answer = says(status, body);
    expect(await failure(vendor)).toMatchObject({
      kind,
      code: 'NotAnAnswer',
      message: expect.stringMatching(/^HTTP \d+ with/),
    });
  });

  it('follows no redirect', async () => {
    answer = says(302, '', { location: '/elsewhere' });
    expect(await failure(vendor)).toMatchObject({ kind: 'transient', code: 'NotAnAnswer' });
    expect(requests).toHaveLength(1);
  });

  it('is transient when the connection is cut, or none can be made', async () => {
    answer = (request) => request.socket.destroy();
    expect(await failure(vendor)).toMatchObject({ kind: 'transient' });
    answer = (_, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('{"job', () => response.destroy());
    };
    expect(await failure(vendor)).toMatchObject({ kind: 'transient' });
    const nobody = connect(vendor, {
      endpoint: 'http://127.0.0.1:9',
      region: 'x',
      credentials: CREDENTIALS,
      projectId: PROJECT,
      proxies: { http: null, https: null, except: '' },
    });
    await expect(nobody.call(QUERIES[vendor])).rejects.toMatchObject({ kind: 'transient', code: 'ECONNREFUSED' });
    expect(await nobody.clockSkewMs()).toBeNull();
  });

  it('is transient when the answer has no end', async () => {
    answer = (_, response) => {
      response.writeHead(200);
      const more = () => {
        while (response.write(Buffer.alloc(65_536, 32)) && !response.destroyed);
      };
      response.on('drain', more);
      more();
    };
    expect(await failure(vendor)).toMatchObject({ kind: 'transient', code: 'AnswerTooLarge' });
  });

  it('waits no longer than the vendor may take for its first byte', async () => {
    answer = () => undefined;
    const silent = await failure(vendor, { silenceMs: 100 });
    expect(silent).toMatchObject({ kind: 'transient', code: 'UND_ERR_HEADERS_TIMEOUT' });
    expect(requests).toHaveLength(1);
    // A job is leased for 20 s while it is asked about.
    expect(SILENCE_MS).toBeLessThan(20_000);
  });

  it("knows how far the vendor's clock is away", async () => {
    answer = says(403, '', { date: new Date(Date.now() - 600_000).toUTCString() });
    expect(Math.round(((await client(vendor).clockSkewMs()) ?? 0) / 60_000)).toBe(10);
    expect(requests[0]?.method).toBe('HEAD');
  });
});

describe('an error of Huawei MPC', () => {
  const errorIs = async (status: number, body: unknown, headers?: Record<string, string>) => {
    answer = says(status, body, headers);
    return failure('huawei-mpc');
  };

  it('keeps its code and its words', async () => {
    expect(
      await errorIs(400, { error_code: 'MPC.10202', error_msg: 'Invalid request parameter: job_id.' }),
    ).toMatchObject({
      kind: 'refused',
      code: 'MPC.10202',
      message: 'Invalid request parameter: job_id.',
    });
  });

  it('is bounded, and tells no key though the gateway does', async () => {
    const { kind, message } = await errorIs(401, {
      error_code: 'APIGW.0301',
      error_msg: `Incorrect IAM authentication information: ${CREDENTIALS.accessKeyId} not exist ${'x'.repeat(5000)}`,
    });
    expect(kind).toBe('credentials');
    expect(message).toMatch(/^Incorrect IAM authentication information: \*\*\* not exist x+$/);
    expect(message.length).toBe(300);
  });

  it.each([
    [{}, 'HTTP 500', 'HTTP 500'],
    [{ error_code: 7, error_msg: {} }, 'HTTP 500', 'HTTP 500'],
    [{ error_code: 'MPC.10212' }, 'MPC.10212', 'MPC.10212'],
  ])('may say little: %j', async (body, code, message) => {
    expect(await errorIs(500, body)).toMatchObject({ kind: 'transient', code, message });
  });

  it('tells when to come back', async () => {
    const throttled = { error_code: 'APIG.0308', error_msg: 'The throttling threshold has been reached' };
    expect(await errorIs(429, throttled, { 'retry-after': '3' })).toMatchObject({
      kind: 'throttled',
      retryAfterMs: 3000,
    });
    expect(await errorIs(429, throttled)).toMatchObject({ kind: 'throttled', retryAfterMs: null });
  });

  it.each([
    ['7', 7000],
    ['Sat, 21 Nov 2026 02:46:48 GMT', 10_000],
    ['Sat, 21 Nov 2026 02:46:28 GMT', null],
    ['0', null],
    ['soon', null],
    ['99999999', 3_600_000],
  ])('asks with Retry-After %s to wait %s ms', (value, expected) => {
    expect(retryAfterMs({ 'retry-after': value }, Date.parse('2026-11-21T02:46:38Z'))).toBe(expected);
  });
});

describe('an error of Alibaba IMS', () => {
  it('is an answer when it says that there is no such job', async () => {
    const body = { RequestId: 'r', Code: 'JobNotFound', Message: 'The specified job not found' };
    answer = says(404, body);
    expect(await ask('alibaba-ims')).toEqual({ httpStatus: 404, body: Buffer.from(JSON.stringify(body)) });
  });

  it('keeps its code, its words and the request they are about', async () => {
    answer = says(
      400,
      { RequestId: 'R-1', Code: 'Throttling.User', Message: 'Request was denied.' },
      { 'x-acs-retry-after': '2' },
    );
    expect(await failure('alibaba-ims')).toMatchObject({
      kind: 'throttled',
      code: 'Throttling.User',
      message: 'Request was denied. (request R-1)',
      retryAfterMs: 2000,
    });
  });

  it('may say little', async () => {
    answer = says(500, {});
    expect(await failure('alibaba-ims')).toMatchObject({ kind: 'transient', code: 'HTTP 500', message: 'HTTP 500' });
  });
});

describe('what is sent', () => {
  it('to Huawei MPC names the project twice and every job once, and leaves the list of jobs alone', async () => {
    answer = says(200, {});
    const ids = ['9', '10'];
    await client('huawei-mpc').call({ action: QUERIES['huawei-mpc'].action, parameters: { job_id: ids } });
    expect(ids).toEqual(['9', '10']);
    expect(requests[0]).toMatchObject({
      method: 'GET',
      url: `/v2/${PROJECT}/editing/jobs?job_id=10&job_id=9`,
      headers: {
        'x-project-id': PROJECT,
        'x-sdk-date': expect.stringMatching(/^\d{8}T\d{6}Z$/),
        authorization: expect.stringMatching(/^SDK-HMAC-SHA256 Access=AKSECRETFINDMEid, SignedHeaders=.*host/),
      },
    });
  });

  it('to Alibaba IMS is a POST without a body', async () => {
    answer = says(200, {});
    await ask('alibaba-ims');
    expect(requests[0]).toMatchObject({
      method: 'POST',
      url: '/?JobId=30647',
      headers: { 'x-acs-action': 'GetMediaProducingJob', 'content-length': '0' },
    });
  });
});
