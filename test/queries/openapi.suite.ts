import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { v7 as uuidv7 } from 'uuid';
import { EVENT_TYPES } from '../../src/settings/webhook-settings.js';
import { makeAlert, makeJob, makeReceipt, startQueriesApp, type QueriesApp } from '../support/queries-app.js';

type Operation = { responses: Record<string, { content?: Record<string, { schema: object; example?: unknown }> }> };

describe('the contract', () => {
  let tracker: QueriesApp;
  let document: { paths: Record<string, Record<string, Operation>>; webhooks: object };
  let ajv: Ajv2020;
  const routes = new Set<string>();
  const answered = new Set<string>();

  beforeAll(async () => {
    tracker = await startQueriesApp((method, url) => routes.add(`${method} ${url.replaceAll(/:(\w+)/g, '{$1}')}`));
    document = (await tracker.get('/openapi.json', null)).body;
    ajv = new Ajv2020({ strict: false, allErrors: true });
    // The two packages disagree about their own module format.
    (addFormats as unknown as (to: Ajv2020) => void)(ajv);
    ajv.addSchema({ $id: 'contract', ...document });
  });
  afterAll(() => tracker.stop());

  const operations = () =>
    Object.entries(document.paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, operation })),
    );
  const pointer = (...parts: string[]) =>
    parts.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/');

  /** Calls, and holds the answer against what the contract says of it. */
  async function checked(method: string, path: string, real: string, body?: unknown) {
    const answer = await tracker.call(method, real, { body });
    answered.add(`${method} ${path}`);
    const type = answer.headers.get('content-type')?.split(';')[0] ?? '';
    const response = document.paths[path]?.[method.toLowerCase()]?.responses[String(answer.status)];
    if (!response) throw new Error(`${method} ${path} does not document ${answer.status}: ${answer.text}`);
    if (answer.status === 204) return answer;
    const at = pointer(
      'paths',
      path,
      method.toLowerCase(),
      'responses',
      String(answer.status),
      'content',
      type,
      'schema',
    );
    const valid = ajv.validate({ $ref: `contract#/${at}` }, answer.body ?? answer.text);
    expect([`${method} ${path} ${answer.status}`, valid ? [] : ajv.errors]).toEqual([expect.any(String), []]);
    return answer;
  }

  it('names every route of /v1, and no route that is not there', () => {
    const real = [...routes].filter((route) => !route.startsWith('HEAD') && !route.startsWith('OPTIONS'));
    const documented = operations().map(({ name }) => name);
    const ofApi = (names: string[]) => names.filter((name) => name.includes(' /v1/')).sort();
    expect(ofApi(real).length).toBeGreaterThan(15);
    expect(ofApi(documented)).toEqual(ofApi(real));
    // The vendors' door is not a part of this app.
    const others = documented.filter((name) => !name.includes(' /v1/') && !name.includes('/callbacks/'));
    expect(others).not.toHaveLength(0);
    for (const name of others) expect(real).toContain(name);
  });

  it('names every event that endpoints are sent', () => {
    expect(Object.keys(document.webhooks)).toEqual([...EVENT_TYPES, 'endpoint.test']);
  });

  it('has examples that keep to it', () => {
    let seen = 0;
    for (const { name, operation } of operations()) {
      const [method = '', path = ''] = name.split(' ');
      for (const [status, response] of Object.entries(operation.responses)) {
        const content = response.content?.['application/json'];
        if (content?.example === undefined) continue;
        seen++;
        const at = pointer(
          'paths',
          path,
          method.toLowerCase(),
          'responses',
          status,
          'content',
          'application/json',
          'schema',
        );
        const valid = ajv.validate({ $ref: `contract#/${at}` }, content.example);
        expect([name, valid ? [] : ajv.errors]).toEqual([name, []]);
      }
    }
    expect(seen).toBeGreaterThan(8);
  });

  it('lets no answer say more than is written down', () => {
    expect(ajv.validate({ $ref: 'contract#/components/schemas/Fault' }, { code: null, message: null })).toBe(true);
    expect(ajv.validate({ $ref: 'contract#/components/schemas/Fault' }, { code: null, message: null, x: 1 })).toBe(
      false,
    );
  });

  it('holds for the answers of every operation of /v1', async () => {
    const { prisma } = tracker;
    const job = await makeJob(prisma, {
      status: 'partially_failed',
      errorCode: 'E',
      vendorErrorMessage: 'said the vendor',
      userData: { a: [1, null] },
      userDataRaw: '{"a":[1,null]}',
      labels: { tenant: 'acme' },
      terminalAt: new Date(),
      vendorCreatedAt: new Date(),
      registered: true,
    });
    const [subjobId, outputId] = [uuidv7(), uuidv7()];
    const part = { jobId: job.id, kind: 'output', position: 0 };
    await prisma.subjob.createMany({
      data: [
        { ...part, id: subjobId, path: 'output/0', status: 'succeeded' },
        { ...part, id: uuidv7(), path: 'output/1', status: 'running', vendorErrorCode: 'X', errorCode: 'X' },
      ],
    });
    await prisma.output.createMany({
      data: [
        {
          id: outputId,
          jobId: job.id,
          subjobId,
          slot: 'output/0#0',
          sizeBytes: 9_007_199_254_740_991n,
          durationMs: 1n,
        },
        { id: uuidv7(), jobId: job.id, slot: '#0' },
      ],
    });
    await prisma.stream.createMany({
      data: (['video', 'audio', 'subtitle'] as const).map((type, position) => ({
        outputId,
        position,
        jobId: job.id,
        type,
        fps: 29.97,
        raw: {},
      })),
    });
    const receiptId = await makeReceipt(prisma, '{"a":1}');
    await prisma.jobReceipt.create({ data: { jobId: job.id, receiptId, number: 1, askedAt: new Date() } });
    await prisma.historyEvent.create({
      data: {
        jobId: job.id,
        sequence: 1,
        recordedAt: new Date(),
        kind: 'job.status',
        from: 'queued',
        to: 'running',
        via: 'poll',
        receiptId,
      },
    });
    await prisma.budget.create({
      data: {
        account: 'media-cn',
        api: job.api,
        tokens: 1,
        rate: 2.5,
        pausedAt: new Date(),
        pauseCode: 'C',
        pauseScope: 'api',
      },
    });

    const none = uuidv7();
    await checked('GET', '/v1/jobs', '/v1/jobs?label=tenant:acme');
    await checked('GET', '/v1/jobs', '/v1/jobs?limit=0');
    const created = await checked('POST', '/v1/jobs', '/v1/jobs', {
      account: 'media-cn',
      api: job.api,
      vendorJobId: 'new-1',
    });
    expect(created.status).toBe(201);
    expect(
      (await checked('POST', '/v1/jobs', '/v1/jobs', { account: 'media-cn', api: job.api, vendorJobId: 'new-1' }))
        .status,
    ).toBe(200);
    await checked('POST', '/v1/jobs', '/v1/jobs', { account: 'nobody' });
    await checked('POST', '/v1/jobs/batch', '/v1/jobs/batch', {
      jobs: [{ account: 'media-cn', api: job.api, vendorJobId: 'new-2' }, 7],
    });
    await checked('GET', '/v1/jobs/{id}', `/v1/jobs/${job.id}`);
    await checked('GET', '/v1/jobs/{id}', `/v1/jobs/${none}`);
    await checked('PATCH', '/v1/jobs/{id}', `/v1/jobs/${job.id}`, { labels: { tenant: null } });
    await checked('POST', '/v1/jobs/{id}/close', `/v1/jobs/${job.id}/close`);
    await checked('POST', '/v1/jobs/{id}/refresh', `/v1/jobs/${job.id}/refresh`);
    const claims = await makeJob(prisma, { account: 'claims' });
    expect((await checked('POST', '/v1/jobs/{id}/refresh', `/v1/jobs/${claims.id}/refresh`)).status).toBe(409);
    await checked('GET', '/v1/jobs/{id}/history', `/v1/jobs/${job.id}/history`);
    await checked('GET', '/v1/jobs/{id}/document', `/v1/jobs/${job.id}/document`);
    await checked('GET', '/v1/jobs/{id}/receipts', `/v1/jobs/${job.id}/receipts`);
    await checked('GET', '/v1/subjobs', '/v1/subjobs');
    await checked('GET', '/v1/lookup', `/v1/lookup?ref=${job.vendorJobId}`);
    await checked('GET', '/v1/receipts', '/v1/receipts');
    await checked('GET', '/v1/receipts/{id}', `/v1/receipts/${receiptId}`);
    await checked('POST', '/v1/receipts/{id}/replay', `/v1/receipts/${receiptId}/replay`);
    await checked('POST', '/v1/receipts/{id}/replay', `/v1/receipts/${none}/replay`);
    await checked('GET', '/v1/accounts', '/v1/accounts');
    const hour = new Date('2026-11-21T08:00:00Z');
    await prisma.callbackHealth.create({ data: { account: 'media-cn', api: job.api, hour, due: 3, late: 0, lost: 1 } });
    await checked('GET', '/v1/callback-health', '/v1/callback-health?from=2026-11-21');
    await checked('GET', '/v1/receivers', '/v1/receivers');
    await checked('POST', '/v1/receivers/{name}/test', '/v1/receivers/on-call/test');
    await checked('POST', '/v1/receivers/{name}/test', '/v1/receivers/nobody/test');
    const delivery = { channel: 'receiver/on-call', groupKey: uuidv7(), dedupKey: 'a/1', payload: { reason: 'grew' } };
    const { id: notification } = await prisma.delivery.create({ data: { id: uuidv7(), ...delivery } });
    await checked('GET', '/v1/notifications', `/v1/notifications?alert=${delivery.groupKey}&status=pending`);
    await checked('POST', '/v1/notifications/{id}/redeliver', `/v1/notifications/${notification}/redeliver`);
    await checked('GET', '/v1/endpoints', '/v1/endpoints');
    await checked('POST', '/v1/endpoints/{name}/test', '/v1/endpoints/orders/test');
    await checked('POST', '/v1/endpoints/{name}/test', '/v1/endpoints/nobody/test');
    const sent = { channel: 'endpoint/orders', groupKey: job.id, dedupKey: `${job.id}/1`, status: 'undelivered' };
    const payload = { type: 'job.failed', timestamp: new Date().toISOString(), data: {} };
    const { id: event } = await prisma.delivery.create({ data: { id: uuidv7(), ...sent, payload } });
    const deliveries = '/v1/endpoints/{name}/deliveries';
    await checked('GET', deliveries, `/v1/endpoints/orders/deliveries?jobId=${job.id}&status=undelivered,pending`);
    await checked('GET', deliveries, '/v1/endpoints/orders/deliveries?status=lost');
    await checked('POST', '/v1/endpoints/{name}/redeliver', '/v1/endpoints/orders/redeliver?createdAfter=2026-11-21');
    await checked('POST', `${deliveries}/{id}/redeliver`, `/v1/endpoints/orders/deliveries/${event}/redeliver`);
    await checked('POST', `${deliveries}/{id}/redeliver`, `/v1/endpoints/orders/deliveries/${none}/redeliver`);
    const alert = await makeAlert(prisma, { jobId: job.id });
    await checked('GET', '/v1/alerts', '/v1/alerts?status=open,silenced&account=media-cn');
    await checked('GET', '/v1/alerts', '/v1/alerts?status=loud');
    await checked('GET', '/v1/alerts/{id}', `/v1/alerts/${alert}`);
    await checked('GET', '/v1/alerts/{id}', `/v1/alerts/${none}`);
    await checked('GET', '/v1/alerts/{id}/history', `/v1/alerts/${alert}/history`);
    await checked('POST', '/v1/alerts/{id}/acknowledge', `/v1/alerts/${alert}/acknowledge`);
    await checked('POST', '/v1/alerts/{id}/resolve', `/v1/alerts/${alert}/resolve`);
    expect((await checked('POST', '/v1/alerts/{id}/acknowledge', `/v1/alerts/${alert}/acknowledge`)).status).toBe(409);
    await checked('POST', '/v1/alerts/{id}/reopen', `/v1/alerts/${alert}/reopen`);
    await checked('GET', '/v1/rules', '/v1/rules');
    const silence = await checked('POST', '/v1/silences', '/v1/silences', {
      filter: { account: 'media-cn' },
      endsAt: new Date(Date.now() + 3_600_000).toISOString(),
      reason: 'a bucket is being moved',
    });
    await checked('GET', '/v1/silences', '/v1/silences?inForce=true');
    await checked('GET', '/v1/silences/{id}', `/v1/silences/${silence.body.id}`);
    await checked('DELETE', '/v1/silences/{id}', `/v1/silences/${silence.body.id}`);
    const key = await checked('POST', '/v1/keys', '/v1/keys', { name: 'a', scope: 'read' });
    await checked('GET', '/v1/keys', '/v1/keys');
    await checked('DELETE', '/v1/keys/{id}', `/v1/keys/${key.body.id}`);
    await checked('GET', '/health/live', '/health/live');
    await checked('GET', '/health/ready', '/health/ready');
    await checked('GET', '/metrics', '/metrics');
    await checked('GET', '/docs', '/docs');

    const all = operations().map(({ name }) => name);
    expect(all.filter((name) => name.includes(' /v1/') && !answered.has(name))).toEqual([]);
  });

  it('has a page that fetches nothing from elsewhere', async () => {
    const page = await tracker.get('/docs', null);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'self'");
    expect(page.text).not.toMatch(/https?:\/\//);
    const files = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)];
    expect(files).not.toHaveLength(0);
    for (const [, file] of files) {
      expect([file, (await tracker.get(String(file), null)).status]).toEqual([file, 200]);
    }
    expect((await tracker.get('/docs/package.json', null)).status).toBe(404);
  });
});
