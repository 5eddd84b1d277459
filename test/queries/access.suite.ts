import { Logger } from '@nestjs/common';
import { eventually } from '../support/eventually.js';
import {
  ADMIN_KEY,
  makeJob,
  makeReceipt,
  SECRET,
  startQueriesApp,
  TOKEN,
  type QueriesApp,
} from '../support/queries-app.js';

describe('who may do what', () => {
  let tracker: QueriesApp;
  beforeAll(async () => {
    tracker = await startQueriesApp();
  });
  afterAll(() => tracker.stop());

  it('asks for a key everywhere under /v1, and nowhere else', async () => {
    for (const path of ['/v1/jobs', '/v1/receipts', '/v1/accounts', '/v1/subjobs', '/v1/lookup?ref=x', '/v1/keys']) {
      const answer = await tracker.get(path, null);
      expect([path, answer.status]).toEqual([path, 401]);
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
      expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
      expect(answer.body).toMatchObject({ status: 401, title: 'Unauthorized', type: 'urn:callsheet:problem:no_key' });
    }
    for (const path of ['/health/live', '/health/ready', '/metrics', '/openapi.json', '/docs']) {
      expect([path, (await tracker.get(path, null)).status]).toEqual([path, 200]);
    }
  });

  it('knows no key but its own', async () => {
    for (const key of ['x', `${ADMIN_KEY}x`, ADMIN_KEY.slice(1), 'y'.repeat(5000)]) {
      expect((await tracker.get('/v1/jobs', key)).status).toBe(401);
    }
    expect(
      (await tracker.call('GET', '/v1/jobs', { key: null, headers: { authorization: `Basic ${ADMIN_KEY}` } })).status,
    ).toBe(401);
  });

  it('gives each scope what it includes', async () => {
    const [read, write] = [await tracker.keyOf('read'), await tracker.keyOf('write')];
    const job = await makeJob(tracker.prisma);
    const change = { labels: { a: 'b' } };

    expect((await tracker.get('/v1/jobs', read.key)).status).toBe(200);
    const refused = await tracker.call('PATCH', `/v1/jobs/${job.id}`, { key: read.key, body: change });
    expect(refused.status).toBe(403);
    expect(refused.body.detail).toBe('This needs a key of scope write; this one has read');
    expect((await tracker.call('PATCH', `/v1/jobs/${job.id}`, { key: write.key, body: change })).status).toBe(200);
    expect((await tracker.get('/v1/keys', write.key)).status).toBe(403);
    expect((await tracker.get('/v1/keys')).status).toBe(200);
  });

  it('shows a key once, keeps its hash, and revokes it', async () => {
    const { id, key } = await tracker.keyOf('read');
    const rows = await tracker.prisma.apiKey.findMany();
    expect(JSON.stringify(rows)).not.toContain(key);
    expect((await tracker.get('/v1/keys')).text).not.toContain(key);
    expect((await tracker.get('/v1/jobs', key)).status).toBe(200);

    expect((await tracker.call('DELETE', `/v1/keys/${id}`)).status).toBe(204);
    expect((await tracker.get('/v1/jobs', key)).status).toBe(401);
    expect((await tracker.call('DELETE', `/v1/keys/${id}`)).status).toBe(404);
  });

  it('notices within seconds that another replica revoked a key', async () => {
    const { id, key } = await tracker.keyOf('read');
    expect((await tracker.get('/v1/jobs', key)).status).toBe(200);
    await tracker.prisma.apiKey.update({ where: { id }, data: { revokedAt: new Date() } });
    await eventually(async () => expect((await tracker.get('/v1/jobs', key)).status).toBe(401));
  });

  it('writes down who changed what', async () => {
    const lines: string[] = [];
    Logger.overrideLogger({ log: (line: string) => lines.push(line), error: () => {}, warn: () => {} });
    const job = await makeJob(tracker.prisma);
    await tracker.post(`/v1/jobs/${job.id}/close`, undefined, (await tracker.keyOf('write')).key);
    await tracker.get(`/v1/jobs/${job.id}`);
    Logger.overrideLogger(false);
    expect(lines).toContain(`write key: POST /v1/jobs/:id/close ${job.id}`);
    expect(lines.filter((line) => line.includes('GET'))).toEqual([]);
  });

  describe('secrets', () => {
    const address = `https://callsheet.example.com/callbacks/media-cn/${TOKEN}`;
    let jobId: string;
    let receiptId: string;
    beforeAll(async () => {
      const userDataRaw = JSON.stringify({ NotifyAddress: address, note: SECRET });
      const vendorJobId = 'with-secrets';
      const answer = { RequestId: 'r', Job: { JobId: vendorJobId, State: 'Success', UserData: userDataRaw } };
      receiptId = await makeReceipt(tracker.prisma, JSON.stringify(answer), {
        via: 'poll',
        api: 'alibaba-ims/media-convert',
        asked: [vendorJobId],
      });
      const userData = JSON.parse(userDataRaw);
      const labels = { a: TOKEN };
      const raw = { vendorJobId, userDataRaw, userData, labels, documentReceiptId: receiptId };
      jobId = (await makeJob(tracker.prisma, raw)).id;
      await tracker.prisma.jobReceipt.create({ data: { jobId, receiptId, number: 1, askedAt: new Date() } });
    });

    it('hides callback tokens from everybody, but for receipts and accounts asked for by admin', async () => {
      const read = (await tracker.keyOf('read')).key;
      for (const path of [`/v1/jobs/${jobId}`, '/v1/jobs', `/v1/jobs/${jobId}/document`, `/v1/lookup?ref=${TOKEN}`]) {
        for (const key of [read, ADMIN_KEY]) {
          expect((await tracker.get(path, key)).text).not.toContain(TOKEN);
        }
      }
      const { document } = (await tracker.get(`/v1/jobs/${jobId}/document`)).body;
      expect(document.UserData).toContain('/callbacks/media-cn/***');
      expect((await tracker.get(`/v1/jobs/${jobId}`)).body.userData.NotifyAddress).toBe(address.replace(TOKEN, '***'));
      for (const path of [`/v1/receipts/${receiptId}`, '/v1/accounts']) {
        expect((await tracker.get(path, read)).text).not.toContain(TOKEN);
        expect((await tracker.get(path)).text).toContain(TOKEN);
      }
    });

    it('hides credentials from admin too, also in errors', async () => {
      for (const path of [
        `/v1/jobs/${jobId}`,
        `/v1/receipts/${receiptId}`,
        '/v1/accounts',
        `/v1/jobs?${SECRET}=1`,
        `/v1/${SECRET}`,
      ]) {
        const { text } = await tracker.get(path);
        expect(text).not.toContain(SECRET);
        expect(text).not.toContain(ADMIN_KEY);
      }
      expect((await tracker.get(`/v1/jobs?${SECRET}=1`)).body.errors[0].path).toBe('***');
    });

    it('finds a token in a body that is no text', async () => {
      const id = await makeReceipt(tracker.prisma, Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(address)]));
      const bytes = async (key: string) =>
        Buffer.from((await tracker.get(`/v1/receipts/${id}`, key)).body.body, 'base64').toString('latin1');
      expect(await bytes((await tracker.keyOf('read')).key)).toMatch(/media-cn\/\*\*\*$/);
      expect(await bytes(ADMIN_KEY)).toContain(TOKEN);
    });
  });
});
