import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { v7 as uuidv7 } from 'uuid';
import { startEmulator, type Emulator, type SubmitOptions } from '../../emulator/emulator.js';
import { SqlPool } from '../../src/database/sql-pool.js';
import { EVENT_BODIES } from '../../src/jobs/event-schemas.js';
import { Deliverer } from '../../src/delivery/deliverer.js';
import { CurrentSettings } from '../../src/settings/current-settings.js';
import { WebhooksFile } from '../../src/settings/webhook-settings.js';
import { EventData } from '../../src/webhooks/event-data.js';
import { batchDocument, newId, type Part } from '../support/alerting.js';
import { eventually } from '../support/eventually.js';
import { startHttpReceiver, status, type HttpReceiver, type ReceivedRequest } from '../support/http-receiver.js';
import { startTracker, testAccount, TOKEN, VENDOR_ACCOUNT, type TestTracker } from '../support/tracker.js';

const PRODUCING = 'alibaba-ims/media-producing';
const BATCH = 'alibaba-ims/batch-media-producing';
const secretOf = (name: string) => `whsec_${Buffer.alloc(32, `AKSECRETFINDME-${name}`).toString('base64')}`;
const [OLD, NEW] = [secretOf('old'), secretOf('new')];
const ENDS = ['job.succeeded', 'job.failed', 'job.partially_failed'];

/** What an endpoint does with a request: throws unless it is signed with the secret. */
const verified = ({ body, headers }: ReceivedRequest, secret = OLD): any =>
  new Webhook(secret).verify(body, headers as Record<string, string>);

describe('webhooks', () => {
  let emulator: Emulator;
  let tracker: TestTracker;
  let server: HttpReceiver;
  let name: string;
  let made = 0;

  beforeAll(async () => {
    emulator = await startEmulator({ seed: 63, timeScale: 0.01, accounts: [VENDOR_ACCOUNT] });
    const claims = testAccount('http://127.0.0.1:9', { name: 'claims', credentials: null });
    tracker = await startTracker({
      emulator,
      accounts: [testAccount(emulator.url), claims],
      // What failed is not tried again while a test looks at it.
      intervals: { deliverySweep: 3_600_000 },
    });
  });
  afterAll(async () => {
    await tracker.stop();
    await emulator.stop();
  });
  beforeEach(async () => {
    server = await startHttpReceiver();
    name = `orders-${++made}`;
  });
  afterEach(async () => {
    configure([]);
    await server.stop();
  });

  /** As a reload does. */
  const configure = (endpoints: object[], allowPrivateAddresses = ['127.0.0.1']) => {
    const current = tracker.app.get(CurrentSettings);
    const secrets = endpoints.map((endpoint) => ({ name, url: server.url, secrets: [OLD], ...endpoint }));
    current.replace({
      ...current.value,
      webhooks: WebhooksFile.parse({ allowPrivateAddresses, endpoints: secrets }),
    });
  };
  /** A job that has ended, tracked from now on; answers its id. */
  const track = async (order: Partial<SubmitOptions> = {}, labels: Record<string, string> = {}): Promise<string> => {
    const { vendorJobId, api } = emulator.submit({ api: PRODUCING, queueMs: 0, durationMs: 0, ...order });
    const { body } = await tracker.post('/v1/jobs', {
      account: 'media-cn',
      api,
      vendorJobId,
      callbackExpected: false,
      labels,
    });
    return body.id;
  };
  const trackBatch = (parts: readonly Part[]) => {
    const vendorJobId = newId();
    return track({ api: BATCH, vendorJobId, document: batchDocument(vendorJobId, parts) });
  };
  /** What came so far, verified and held against the contract. */
  const told = (secret = OLD): any[] =>
    server.received.map((request) => {
      const body = verified(request, secret);
      expect(EVENT_BODIES.get(body.type)?.safeParse(body)).toMatchObject({ success: true });
      return body;
    });
  const typesOf = (bodies: readonly any[]) => bodies.map(({ type }) => type);
  /** Everything about some jobs, up to their ends. */
  const toldToTheEnd = (jobs = 1) =>
    eventually(() => {
      const bodies = told();
      expect(bodies.filter(({ type }) => ENDS.includes(type))).toHaveLength(jobs);
      return bodies;
    });
  const deliveries = async (query = ''): Promise<any[]> =>
    (await tracker.get(`/v1/endpoints/${name}/deliveries${query}`)).body.data;
  const logged = (expected: readonly object[], query = '') =>
    eventually(async () => expect(await deliveries(query)).toMatchObject(expected));
  /** As if the wait for the next attempt had passed. */
  const waitNoLonger = async () => {
    await tracker.rows(`UPDATE deliveries SET next_attempt_at = now() WHERE status = 'pending' AND lease IS NULL`);
    await tracker.app.get(Deliverer).sweep();
  };

  it('tell of a file and of the end of its job, as the API shows them', async () => {
    configure([{}]);
    const id = await track({ outcome: 'succeeded', name: 'spring-sale' }, { tenant: 'acme' });
    const [ready, end] = await toldToTheEnd();
    expect(typesOf(told())).toEqual(['output.ready', 'job.succeeded']);

    const shown = (await tracker.get(`/v1/jobs/${id}`)).body;
    const { outputs, subjobs: _subjobs, notes: _notes, ...item } = shown;
    expect(end.data).toEqual({ sequence: expect.any(Number), job: item });
    expect(ready.data).toEqual({ sequence: expect.any(Number), job: item, subjob: null, output: outputs[0] });
    expect(item).toMatchObject({ status: 'succeeded', confirmed: true, labels: { tenant: 'acme' } });
    const { body } = await tracker.get(`/v1/jobs/${id}/history`);
    for (const { timestamp, data } of [ready, end]) {
      expect(body.data.find(({ sequence }: any) => sequence === data.sequence).recordedAt).toBe(timestamp);
    }

    await logged([
      { type: 'job.succeeded', jobId: id, status: 'delivered', attempts: 1, lastStatus: 200, lastError: null },
      { type: 'output.ready', jobId: id, status: 'delivered', answer: 'ok' },
    ]);
    expect((await deliveries()).map((one) => one.id).reverse()).toEqual(
      server.received.map(({ headers }) => headers['webhook-id']),
    );
    const metrics = (await tracker.get('/metrics')).text;
    expect(metrics).toContain(`callsheet_webhook_events_total{endpoint="${name}",type="job.succeeded"} 1`);
    expect(metrics).toContain(`callsheet_deliveries_total{channel="endpoint/${name}",result="delivered"} 2`);
    expect(metrics).toContain(`callsheet_deliveries_waiting{channel="endpoint/${name}"} 0`);
  });

  it('tell of each part of a batch that failed, of each file, and then of its end', async () => {
    configure([{}]);
    const id = await trackBatch([{ error: ['A', 'no clip'] }, {}, { error: ['B', 'no sound'] }]);
    const bodies = await toldToTheEnd();
    expect(typesOf(bodies)).toEqual(['subjob.failed', 'subjob.failed', 'output.ready', 'job.partially_failed']);
    const sequences = bodies.map(({ data }) => data.sequence);
    expect(sequences).toEqual([...sequences].sort((a, b) => a - b));
    for (const { data } of bodies) {
      expect(data.job).toMatchObject({ id, subjobCounts: { total: 3, succeeded: 1, failed: 2, skipped: 0 } });
    }

    const { subjobs } = (await tracker.get(`/v1/jobs/${id}`)).body;
    const withoutOutputs = ({ outputs: _, ...subjob }: any) => subjob;
    const failed = bodies.slice(0, 2).map(({ data }) => data.subjob);
    const byPath = (a: any, b: any) => (a.path < b.path ? -1 : 1);
    expect(failed.sort(byPath)).toEqual(
      subjobs
        .filter((subjob: any) => subjob.status === 'failed')
        .map(withoutOutputs)
        .sort(byPath),
    );
    expect(failed.map(({ error }) => error.message).sort()).toEqual(['no clip', 'no sound']);
    const succeeded = subjobs.find((subjob: any) => subjob.status === 'succeeded');
    expect(bodies[2].data).toMatchObject({ subjob: withoutOutputs(succeeded), output: succeeded.outputs[0] });
  });

  it('tell of the files of parts with their streams, and not of one that another has replaced meanwhile', async () => {
    configure([{ events: ['output.ready', 'job.succeeded'] }]);
    const id = await track({ api: 'alibaba-ims/media-convert', outcome: 'succeeded', outputs: 2, groups: 1 });
    const ready = (await toldToTheEnd()).filter(({ type }) => type === 'output.ready');
    const { subjobs } = (await tracker.get(`/v1/jobs/${id}`)).body;
    const files = subjobs.flatMap(({ outputs, ...subjob }: any) => outputs.map((output: any) => ({ subjob, output })));
    expect(files.length).toBeGreaterThan(2);
    expect(files[0].output.streams.length).toBeGreaterThan(0);
    const byId = (a: any, b: any) => (a.output.id < b.output.id ? -1 : 1);
    const told = ready.map(({ data: { subjob, output } }) => ({ subjob, output }));
    expect(told.sort(byId)).toEqual(files.sort(byId));

    const [{ subjob, output }] = files;
    const about = { type: 'output.ready', jobId: id, sequence: 1, at: new Date(), subjobId: subjob.id } as const;
    const events = ['oss://bucket/before.mp4', output.url].map((file) => ({ ...about, file }));
    const data = await tracker.app.get(SqlPool).transaction((client) => tracker.app.get(EventData).of(client, events));
    expect(data).toEqual([null, expect.objectContaining({ subjob, output })]);
  });

  it('tell each endpoint of its events about its jobs alone', async () => {
    const acme = { name: `${name}-acme`, url: `${server.url}/acme`, filter: { label: 'tenant:acme' } };
    const ends = { name: `${name}-ends`, url: `${server.url}/ends`, events: ['job.succeeded'] };
    const failures = { name: `${name}-bad`, url: `${server.url}/bad`, filter: { status: 'failed,partially_failed' } };
    configure([acme, ends, failures]);
    const [mine, other, failed] = [
      await track({ outcome: 'succeeded' }, { tenant: 'acme' }),
      await track({ outcome: 'succeeded' }, { tenant: 'other' }),
      await track({ outcome: 'failed' }),
    ];
    await eventually(() => expect(server.received).toHaveLength(5));
    const at = (place: string) =>
      server.received
        .filter(({ url }) => url === place)
        .map((request) => `${verified(request).type} ${verified(request).data.job.id}`)
        .sort();
    expect(at('/acme')).toEqual([`job.succeeded ${mine}`, `output.ready ${mine}`]);
    expect(at('/ends')).toEqual([`job.succeeded ${mine}`, `job.succeeded ${other}`].sort());
    expect(at('/bad')).toEqual([`job.failed ${failed}`]);
  });

  it('are signed with every secret while one is being replaced', async () => {
    configure([{ secrets: [NEW, OLD], events: ['job.succeeded'] }]);
    await track({ outcome: 'succeeded' });
    await toldToTheEnd();
    const [request] = server.received;
    for (const secret of [OLD, NEW]) expect(verified(request!, secret).type).toBe('job.succeeded');
    expect(() => verified(request!, secretOf('other'))).toThrow();

    configure([{ secrets: [NEW], events: ['job.succeeded'] }]);
    await track({ outcome: 'succeeded' });
    await eventually(() => expect(server.received).toHaveLength(2));
    expect(verified(server.received[1]!, NEW).type).toBe('job.succeeded');
    expect(() => verified(server.received[1]!, OLD)).toThrow();
  });

  it('that fail come again as they were, before what happened to the job since, and after other jobs', async () => {
    configure([{}]);
    let first: string | null = null;
    server.answer((response, request) => {
      first ??= verified(request).data.job.id;
      const again = server.received.filter(({ headers }) => headers['webhook-id'] === request.headers['webhook-id']);
      const fails = verified(request).data.job.id === first && again.length === 1;
      // Later than this test, also where another event wakes the sender.
      response.writeHead(fails ? 500 : 204, fails ? { 'retry-after': '3600' } : {}).end();
    });
    const id = await trackBatch([{ error: ['A', 'no clip'] }, {}]);
    await eventually(() => expect(server.received).toHaveLength(1));
    const other = await track({ outcome: 'succeeded' });
    await eventually(() => expect(told().filter(({ data }) => data.job.id === other)).toHaveLength(2));
    expect(told().filter(({ data }) => data.job.id === id)).toHaveLength(1);
    expect(await deliveries(`?jobId=${id}&status=pending`)).toHaveLength(3);
    expect((await tracker.get('/v1/endpoints')).body.data).toMatchObject([
      { name, waiting: 3, waitingSince: expect.any(String), lastError: 'answered 500' },
    ]);

    await eventually(async () => {
      await waitNoLonger();
      expect(typesOf(told()).filter((type) => ENDS.includes(type))).toHaveLength(3);
    });
    const mine = server.received.filter((request) => verified(request).data.job.id === id);
    const attempts = ['subjob.failed', 'output.ready', 'job.partially_failed'].flatMap((type) => [type, type]);
    expect(mine.map((request) => verified(request).type)).toEqual(attempts);
    for (let i = 0; i < mine.length; i += 2) {
      expect(mine[i + 1]?.body).toBe(mine[i]?.body);
      expect(mine[i + 1]?.headers['webhook-id']).toBe(mine[i]?.headers['webhook-id']);
    }
    await logged(
      Array.from({ length: 3 }, () => ({ status: 'delivered', attempts: 2 })),
      `?jobId=${id}`,
    );
  });

  it.each(['127.0.0.1', 'localhost'])('reach no private address, as that of %s, unless it is allowed', async (host) => {
    let connections = 0;
    const inside = createServer((request, response) => request.resume().on('end', () => response.writeHead(204).end()));
    inside.on('connection', () => connections++);
    await new Promise<void>((listening) => inside.listen(0, '127.0.0.1', listening));
    const endpoint = { url: `http://${host}:${(inside.address() as AddressInfo).port}/`, events: ['job.failed'] };
    try {
      configure([endpoint], []);
      await track({ outcome: 'failed' });
      const refused = /^(127\.0\.0\.1|localhost \(.+\)) is a private, loopback, link-local or reserved address; allow/;
      await logged([{ status: 'pending', lastStatus: null, lastError: expect.stringMatching(refused) }]);
      const tried = (await tracker.post(`/v1/endpoints/${name}/test`)).body;
      expect(tried).toMatchObject({ delivered: false, error: expect.stringMatching(refused) });
      expect(connections).toBe(0);

      configure([endpoint], [host]);
      await waitNoLonger();
      await logged([{ status: 'delivered', lastStatus: 204, lastError: null }]);
      expect(connections).toBe(1);
    } finally {
      inside.closeAllConnections();
      await new Promise((closed) => inside.close(closed));
    }
  });

  it('follow no redirect, least of all to the metadata of the cloud', async () => {
    configure([{ events: ['job.failed'] }]);
    server.answer(status(307, { location: 'http://169.254.169.254/latest/meta-data/' }));
    await track({ outcome: 'failed' });
    const lastError =
      'answered 307, a redirect to http://169.254.169.254/latest/meta-data/; redirects are not followed';
    await logged([{ status: 'pending', attempts: 1, lastStatus: 307, lastError }]);
    expect(server.received).toHaveLength(1);
  });

  it('are sent again by hand, one or all that were given up, as the same events', async () => {
    configure([{ events: ['job.failed'] }]);
    server.answer(status(410, {}, 'gone'));
    const id = await track({ outcome: 'failed' });
    await logged([{ status: 'undelivered', lastStatus: 410, lastError: 'answered 410: gone', answer: 'gone' }]);
    const [given] = await deliveries('?status=undelivered');
    server.answer(null);
    const answer = await tracker.post(`/v1/endpoints/${name}/deliveries/${given.id}/redeliver`);
    expect(answer).toMatchObject({ status: 202, body: { id: given.id, type: 'job.failed', jobId: id } });
    await logged([{ id: given.id, status: 'delivered' }]);
    expect(server.received.map(({ body }) => body)).toEqual([server.received[0]?.body, server.received[0]?.body]);
    expect(server.received[1]?.headers['webhook-id']).toBe(given.id);

    server.answer(status(410));
    const since = new Date().toISOString();
    await track({ outcome: 'failed' });
    await logged([{ status: 'undelivered' }, { status: 'delivered' }]);
    expect(await deliveries('?status=undelivered')).toMatchObject([{ status: 'undelivered' }]);
    expect(await deliveries('?status=delivered,pending')).toMatchObject([{ id: given.id, status: 'delivered' }]);
    server.answer(null);
    const redeliver = `/v1/endpoints/${name}/redeliver`;
    const [later] = await deliveries();
    const afterwards = new Date(Date.parse(later.createdAt) + 1).toISOString();
    expect((await tracker.post(`${redeliver}?createdAfter=${afterwards}`)).body).toEqual({ redelivered: 0 });
    expect(await tracker.post(`${redeliver}?createdAfter=${since}`)).toMatchObject({
      status: 202,
      body: { redelivered: 1 },
    });
    await logged([{ status: 'delivered' }, { status: 'delivered' }]);

    const page = (await tracker.get(`/v1/endpoints/${name}/deliveries?limit=1`)).body;
    expect(page.data).toMatchObject([{ id: later.id }]);
    expect(await deliveries(`?limit=1&cursor=${page.nextCursor}`)).toMatchObject([{ id: given.id }]);
    expect((await tracker.post(`/v1/endpoints/${name}/deliveries/${uuidv7()}/redeliver`)).status).toBe(404);
    const nobody = await tracker.get('/v1/endpoints/nobody/deliveries');
    expect(nobody).toMatchObject({ status: 404, body: { detail: 'There is no endpoint nobody in the settings' } });
  });

  it('can be tried: a test event goes out at once, and what came back is shown', async () => {
    configure([{ url: `${server.url}/in?token=AKSECRETFINDME-query`, filter: { account: 'media-cn' } }]);
    server.answer((response, { url }) => response.end(`${url} ${OLD}`));
    const answer = await tracker.post(`/v1/endpoints/${name}/test`);
    expect(answer).toMatchObject({ status: 200, body: { delivered: true, status: 200, error: null } });
    expect(answer.body.answer).toBe('/in?token=*** ***');
    expect(told()).toEqual([{ type: 'endpoint.test', timestamp: expect.any(String), data: { endpoint: name } }]);
    expect((await tracker.get('/v1/endpoints')).body.data).toEqual([
      {
        name,
        url: `${server.url}/in`,
        events: ['job.succeeded', 'job.failed', 'job.partially_failed', 'subjob.failed', 'output.ready'],
        filter: { account: ['media-cn'] },
        waiting: 0,
        waitingSince: null,
        lastError: null,
      },
    ]);
    const { key } = (await tracker.post('/v1/keys', { name: 'reader', scope: 'read' })).body;
    for (const route of ['test', 'redeliver', `deliveries/${uuidv7()}/redeliver`]) {
      expect((await tracker.post(`/v1/endpoints/${name}/${route}`, undefined, key)).status).toBe(403);
    }
    expect((await tracker.get(`/v1/endpoints/${name}/deliveries`, key)).status).toBe(200);
  });

  it('tell nobody of what a callback claims, unless callbacks are all there is', async () => {
    configure([{}]);
    const callBack = (vendorJobId: string, account: string) =>
      tracker.callback(
        {
          EventType: 'ProduceMediaComplete',
          EventTime: '2026-03-02T10:49:45Z',
          MessageBody: { JobId: vendorJobId, Status: 'Success', MediaURL: 'https://b.example/forged.mp4' },
        },
        { address: tracker.notifyAddress.replace('media-cn', account) },
      );
    await callBack('forged', 'media-cn');
    await eventually(async () =>
      expect(
        await tracker.rows(`SELECT FROM job_receipts k JOIN receipts r ON r.id = k.receipt_id
                              JOIN jobs j ON j.id = k.job_id WHERE j.vendor_job_id = 'forged' AND r.via = 'poll'`),
      ).not.toEqual([]),
    );
    // As if the minute that a claim waits for an answer had passed.
    await eventually(async () => {
      await tracker.rows('UPDATE parked_events SET due_at = now()');
      expect(await tracker.rows('SELECT FROM outbox')).toEqual([]);
      expect(await tracker.rows('SELECT FROM parked_events')).toEqual([]);
    });
    await callBack('claimed', 'claims');
    const bodies = await toldToTheEnd();
    expect(bodies.map(({ type, data }) => `${type} ${data.job.vendorJobId} ${data.job.confirmed}`)).toEqual([
      'output.ready claimed false',
      'job.succeeded claimed false',
    ]);
  });

  it('hold no secret of ours, whatever a vendor repeats', async () => {
    configure([{}]);
    const echoed = `cannot call ${TOKEN} with ${OLD}`;
    await track({ outcome: 'succeeded', userData: { NotifyAddress: tracker.notifyAddress, echoed } });
    await toldToTheEnd();
    const stored = await tracker.rows(`SELECT payload::text FROM deliveries WHERE channel = $1`, [`endpoint/${name}`]);
    for (const text of [...server.received.map(({ body }) => body), JSON.stringify(stored)]) {
      expect(text).toContain('cannot call *** with ***');
      expect(text).not.toContain(TOKEN);
      expect(text).not.toContain(OLD);
    }
  });
});
