import { startEmulator, type Emulator, type EmulatorOptions, type SubmitOptions } from './emulator.js';
import { callbackSignature } from './ims-callback.js';
import { startReceiver, sleep, until } from './support/receiver.js';

const account = {
  accessKeyId: 'AK',
  accessKeySecret: 'SECRET',
  userId: '1000000000000042',
  callbackAuthKey: 'RotateMe123',
};
const DONE_AT_ONCE = { queueMs: 0, durationMs: 1_000 } as const;

let stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(stops.map((stop) => stop()));
  stops = [];
});

async function play(options: Partial<EmulatorOptions> = {}, answer?: Parameters<typeof startReceiver>[0]) {
  const receiver = await startReceiver(answer);
  const emulator = await startEmulator({ accounts: [account], timeScale: 0.02, ...options });
  stops.push(emulator.stop, receiver.stop);
  return { emulator, receiver };
}

function producing(emulator: Emulator, notifyAddress: string, more: Partial<SubmitOptions> = {}) {
  return emulator.submit({
    api: 'alibaba-ims/media-producing',
    notifyAddress,
    outcome: 'succeeded',
    ...DONE_AT_ONCE,
    ...more,
  });
}

it('a finished job calls back once, signed, in the vendor’s envelope', async () => {
  const { emulator, receiver } = await play();
  const job = producing(emulator, receiver.url, { userData: { videoId: 'v1' } });
  await until(() => emulator.callbacks.where({ status: 200 }).length === 1);
  await sleep(60);

  expect(receiver.deliveries).toHaveLength(1);
  const { headers, body, path, at } = receiver.deliveries[0] as (typeof receiver.deliveries)[number];
  expect(path).toBe('/callbacks/media-cn/token');
  expect(at).toBeGreaterThanOrEqual(job.endsAt.getTime());
  expect(headers['content-type']).toBe('application/json;charset=utf-8');
  const timestamp = String(headers['x-ice-timestamp']);
  expect(timestamp).toMatch(/^\d{10}$/);
  expect(headers['x-ice-signature']).toBe(callbackSignature(receiver.url, timestamp, 'RotateMe123'));
  expect(body).toMatchObject({
    EventType: 'ProduceMediaComplete',
    UserId: 1000000000000042,
    EventTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    MessageBody: { JobId: job.vendorJobId, Status: 'Success' },
  });
  expect(JSON.parse(job.userData)).toEqual({ NotifyAddress: receiver.url, videoId: 'v1' });
});

it('an account without a callback key sends no signature', async () => {
  const { emulator, receiver } = await play({ accounts: [{ accessKeyId: 'AK', accessKeySecret: 'SECRET' }] });
  producing(emulator, receiver.url);
  await until(() => receiver.deliveries.length === 1);
  expect(Object.keys(receiver.deliveries[0]?.headers ?? {}).filter((name) => name.startsWith('x-ice'))).toEqual([]);
});

it.each([201, 204, 302, 500])('an answer of %i gets three tries and no more', async (status) => {
  const { emulator, receiver } = await play({}, (_, response) => {
    response.writeHead(status, { location: '/elsewhere' }).end();
  });
  producing(emulator, receiver.url);
  await until(() => emulator.callbacks.entries.length === 3);
  await sleep(80);
  expect(receiver.deliveries).toHaveLength(3);
  expect(receiver.deliveries.every(({ path }) => path === '/callbacks/media-cn/token')).toBe(true);
  expect(new Set(receiver.deliveries.map(({ text }) => text)).size).toBe(1);
  expect(emulator.callbacks.entries.map((entry) => [entry.attempt, entry.status])).toEqual([
    [1, status],
    [2, status],
    [3, status],
  ]);
  const times = emulator.callbacks.entries.map(({ at }) => at) as [number, number, number];
  expect(times[1] - times[0]).toBeGreaterThanOrEqual(18);
  expect(times[2] - times[1]).toBeGreaterThanOrEqual(18);
});

it('a second try that is answered 200 is the last', async () => {
  let tries = 0;
  const { emulator, receiver } = await play({}, (_, response) => {
    response.writeHead((tries += 1) === 2 ? 200 : 503).end();
  });
  producing(emulator, receiver.url);
  await until(() => emulator.callbacks.where({ status: 200 }).length === 1);
  await sleep(80);
  expect(receiver.deliveries).toHaveLength(2);
});

it('a receiver slower than the limit has failed, whatever it answers later', async () => {
  const { emulator, receiver } = await play({ callbackTimeoutMs: 100 }, (_, response) => {
    setTimeout(() => response.end('ok'), 200);
  });
  producing(emulator, receiver.url);
  await until(() => emulator.callbacks.where({ error: 'timeout' }).length === 3);
  expect(receiver.deliveries).toHaveLength(3);
});

it('a receiver that is down loses the callback after three tries', async () => {
  const { emulator, receiver } = await play();
  await receiver.stop();
  producing(emulator, receiver.url);
  await until(() => emulator.callbacks.where({ error: 'ECONNREFUSED' }).length === 3);
});

it('a queue name is no HTTP address', async () => {
  const { emulator } = await play();
  producing(emulator, 'ice-callback-demo');
  await sleep(80);
  expect(emulator.callbacks.total).toBe(0);
});

describe('faults', () => {
  const FAULTS = ['dropped', 'doubled', 'delayed', 'reordered', 'forged'] as const;

  it('none happens at rate 0', async () => {
    const { emulator, receiver } = await play();
    for (let count = 0; count < 30; count++) producing(emulator, receiver.url);
    await until(() => emulator.callbacks.where({ status: 200 }).length === 30);
    await sleep(40);
    expect(receiver.deliveries).toHaveLength(30);
    expect(emulator.callbacks.entries.filter((entry) => FAULTS.some((fault) => entry[fault]))).toEqual([]);
  });

  it('dropped: nothing is sent', async () => {
    const { emulator, receiver } = await play({ faults: { dropped: 1 } });
    producing(emulator, receiver.url);
    await until(() => emulator.callbacks.where({ dropped: true, attempt: 0 }).length === 1);
    await sleep(60);
    expect(receiver.deliveries).toHaveLength(0);
  });

  it('doubled: the same body comes twice', async () => {
    const { emulator, receiver } = await play({ faults: { doubled: 1 } });
    producing(emulator, receiver.url);
    await until(() => emulator.callbacks.where({ status: 200 }).length === 2);
    expect(receiver.deliveries[0]?.text).toBe(receiver.deliveries[1]?.text);
    expect(emulator.callbacks.where({ doubled: true })).toHaveLength(1);
  });

  it('delayed: it comes so much later', async () => {
    const { emulator, receiver } = await play({ faults: { delayed: 1, delayMs: 5_000 } });
    const job = producing(emulator, receiver.url);
    await until(() => emulator.callbacks.where({ delayed: true, status: 200 }).length === 1);
    expect(receiver.deliveries).toHaveLength(1);
    expect((receiver.deliveries[0]?.at ?? 0) - job.endsAt.getTime()).toBeGreaterThanOrEqual(99);
  });

  it('reordered: the later one comes first', async () => {
    const { emulator, receiver } = await play({ faults: { reordered: 1 } });
    const early = producing(emulator, receiver.url, { durationMs: 500 });
    const late = producing(emulator, receiver.url, { durationMs: 2_000 });
    await until(() => emulator.callbacks.where({ status: 200 }).length === 2);
    const order = receiver.deliveries.map(({ body }) => (body['MessageBody'] as { JobId: string }).JobId);
    expect(order).toEqual([late.vendorJobId, early.vendorJobId]);
    expect(emulator.callbacks.where({ reordered: true })).toMatchObject([{ jobId: early.vendorJobId }]);
  });

  it('reordered: one that nothing overtakes still comes', async () => {
    const { emulator, receiver } = await play({ faults: { reordered: 1 } });
    producing(emulator, receiver.url);
    await until(() => receiver.deliveries.length === 1);
  });

  it.each([
    ['succeeded', 'Fail'],
    ['failed', 'Success'],
  ] as const)('forged: a job that is going to be %s is claimed to be a %s while it runs', async (outcome, claimed) => {
    const { emulator, receiver } = await play({ faults: { forged: 1 } });
    const job = producing(emulator, receiver.url, { outcome, durationMs: 10_000 });
    await until(() => receiver.deliveries.length === 2);
    const [forged, real] = receiver.deliveries;
    expect(forged?.at).toBeLessThan(job.endsAt.getTime());
    expect(forged?.body['MessageBody']).toMatchObject({ JobId: job.vendorJobId, Status: claimed });
    expect(forged?.headers['x-ice-signature']).toHaveLength(32);
    expect(real?.body['MessageBody']).not.toMatchObject({ Status: claimed });
    expect(emulator.callbacks.where({ forged: true })).toHaveLength(1);
  });
});
