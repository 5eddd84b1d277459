import { startEmulator, type Emulator, type EmulatorOptions, type SubmitOptions } from './emulator.js';
import { callbackSignature } from './ims-callback.js';
import { startReceiver, until } from './support/receiver.js';
import { VirtualTimers } from './support/virtual-timers.js';

const account = {
  accessKeyId: 'AK',
  accessKeySecret: 'SECRET',
  userId: '1000000000000042',
  callbackAuthKey: 'RotateMe123',
};
const DONE_AT_ONCE = { queueMs: 0, durationMs: 1_000 } as const;

/** When the callback of such a job is sent, scaled. */
const SENT_MS = 22;
/** Between two attempts, scaled. */
const GAP_MS = 20;
/** Whatever still waits for its time comes. */
const LONG_MS = 60_000;

let stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(stops.map((stop) => stop()));
  stops = [];
});

async function play(options: Partial<EmulatorOptions> = {}, answer?: Parameters<typeof startReceiver>[0]) {
  const receiver = await startReceiver(answer);
  const timers = new VirtualTimers();
  const emulator = await startEmulator({ accounts: [account], timeScale: 0.02, timers, ...options });
  stops.push(emulator.stop, receiver.stop);
  /** So many attempts have been answered, or given up. */
  const settled = (count: number) =>
    until(() => emulator.callbacks.entries.filter(({ status, error }) => status ?? error).length === count);
  return { emulator, receiver, timers, settled };
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
  const { emulator, receiver, timers } = await play();
  const job = producing(emulator, receiver.url, { userData: { videoId: 'v1' } });
  await timers.pass(SENT_MS);
  await until(() => emulator.callbacks.where({ status: 200 }).length === 1);
  await timers.pass(LONG_MS);
  expect(emulator.callbacks.total).toBe(1);

  expect(receiver.deliveries).toHaveLength(1);
  const { headers, body, path } = receiver.deliveries[0] as (typeof receiver.deliveries)[number];
  expect(path).toBe('/callbacks/media-cn/token');
  expect(emulator.callbacks.entries[0]?.at).toBeGreaterThanOrEqual(job.endsAt.getTime());
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
  const { emulator, receiver, timers } = await play({
    accounts: [{ accessKeyId: 'AK', accessKeySecret: 'SECRET' }],
  });
  producing(emulator, receiver.url);
  await timers.pass(SENT_MS);
  await until(() => receiver.deliveries.length === 1);
  expect(Object.keys(receiver.deliveries[0]?.headers ?? {}).filter((name) => name.startsWith('x-ice'))).toEqual([]);
});

it.each([201, 204, 302, 500])('an answer of %i gets three tries and no more', async (status) => {
  const { emulator, receiver, timers, settled } = await play({}, (_, response) => {
    response.writeHead(status, { location: '/elsewhere' }).end();
  });
  producing(emulator, receiver.url);
  await timers.pass(SENT_MS);
  for (const attempt of [1, 2, 3]) {
    await settled(attempt);
    await timers.pass(GAP_MS);
  }
  await timers.pass(LONG_MS);
  expect(emulator.callbacks.total).toBe(3);
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
  const { emulator, receiver, timers, settled } = await play({}, (_, response) => {
    response.writeHead((tries += 1) === 2 ? 200 : 503).end();
  });
  producing(emulator, receiver.url);
  await timers.pass(SENT_MS);
  await settled(1);
  await timers.pass(GAP_MS);
  await until(() => emulator.callbacks.where({ status: 200 }).length === 1);
  await timers.pass(LONG_MS);
  expect(emulator.callbacks.total).toBe(2);
  expect(receiver.deliveries).toHaveLength(2);
});

it('a receiver slower than the limit has failed, whatever it answers later', async () => {
  const late: (() => void)[] = [];
  const { emulator, receiver, timers, settled } = await play({ callbackTimeoutMs: 100 }, (_, response) => {
    late.push(() => response.end('ok'));
  });
  producing(emulator, receiver.url);
  await timers.pass(SENT_MS);
  for (const attempt of [1, 2, 3]) {
    await until(() => late.length === attempt);
    await timers.pass(99);
    expect(emulator.callbacks.entries.at(-1)).not.toHaveProperty('error');
    await timers.pass(1);
    await settled(attempt);
    late.at(-1)?.();
    await timers.pass(GAP_MS);
  }
  await timers.pass(LONG_MS);
  expect(emulator.callbacks.where({ error: 'timeout' })).toHaveLength(3);
  expect(emulator.callbacks.total).toBe(3);
  expect(receiver.deliveries).toHaveLength(3);
});

it('a receiver that is down loses the callback after three tries', async () => {
  const { emulator, receiver, timers, settled } = await play();
  await receiver.stop();
  producing(emulator, receiver.url);
  await timers.pass(SENT_MS);
  for (const attempt of [1, 2, 3]) {
    await settled(attempt);
    await timers.pass(GAP_MS);
  }
  await timers.pass(LONG_MS);
  expect(emulator.callbacks.where({ error: 'ECONNREFUSED' })).toHaveLength(3);
  expect(emulator.callbacks.total).toBe(3);
});

it('a queue name is no HTTP address', async () => {
  const { emulator, timers } = await play();
  producing(emulator, 'ice-callback-demo');
  await timers.pass(LONG_MS);
  expect(emulator.callbacks.total).toBe(0);
});

describe('faults', () => {
  const FAULTS = ['dropped', 'doubled', 'delayed', 'reordered', 'forged'] as const;

  it('none happens at rate 0', async () => {
    const { emulator, receiver, timers } = await play();
    for (let count = 0; count < 30; count++) producing(emulator, receiver.url);
    await timers.pass(SENT_MS);
    await until(() => emulator.callbacks.where({ status: 200 }).length === 30);
    await timers.pass(LONG_MS);
    expect(emulator.callbacks.total).toBe(30);
    expect(receiver.deliveries).toHaveLength(30);
    expect(emulator.callbacks.entries.filter((entry) => FAULTS.some((fault) => entry[fault]))).toEqual([]);
  });

  it('dropped: nothing is sent', async () => {
    const { emulator, receiver, timers } = await play({ faults: { dropped: 1 } });
    producing(emulator, receiver.url);
    await timers.pass(SENT_MS);
    await until(() => emulator.callbacks.where({ dropped: true, attempt: 0 }).length === 1);
    await timers.pass(LONG_MS);
    expect(emulator.callbacks.total).toBe(1);
    expect(receiver.deliveries).toHaveLength(0);
  });

  it('doubled: the same body comes twice', async () => {
    const { emulator, receiver, timers } = await play({ faults: { doubled: 1 } });
    producing(emulator, receiver.url);
    await timers.pass(SENT_MS);
    await until(() => emulator.callbacks.where({ status: 200 }).length === 2);
    expect(receiver.deliveries[0]?.text).toBe(receiver.deliveries[1]?.text);
    expect(emulator.callbacks.where({ doubled: true })).toHaveLength(1);
  });

  it('delayed: it comes so much later', async () => {
    const { emulator, receiver, timers } = await play({ faults: { delayed: 1, delayMs: 5_000 } });
    const job = producing(emulator, receiver.url);
    await timers.pass(SENT_MS + 100);
    await until(() => emulator.callbacks.where({ delayed: true, status: 200 }).length === 1);
    expect(receiver.deliveries).toHaveLength(1);
    expect((emulator.callbacks.entries[0]?.at ?? 0) - job.endsAt.getTime()).toBeGreaterThanOrEqual(99);
  });

  it('reordered: the later one comes first', async () => {
    const { emulator, receiver, timers } = await play({ faults: { reordered: 1 } });
    const early = producing(emulator, receiver.url, { durationMs: 500 });
    const late = producing(emulator, receiver.url, { durationMs: 2_000 });
    await timers.pass(42);
    await until(() => emulator.callbacks.where({ status: 200 }).length === 2);
    const order = receiver.deliveries.map(({ body }) => (body['MessageBody'] as { JobId: string }).JobId);
    expect(order).toEqual([late.vendorJobId, early.vendorJobId]);
    expect(emulator.callbacks.where({ reordered: true })).toMatchObject([{ jobId: early.vendorJobId }]);
  });

  it('reordered: one that nothing overtakes still comes', async () => {
    const { emulator, receiver, timers } = await play({ faults: { reordered: 1 } });
    producing(emulator, receiver.url);
    await timers.pass(SENT_MS + 99);
    expect(emulator.callbacks.total).toBe(0);
    await timers.pass(1);
    await until(() => receiver.deliveries.length === 1);
  });

  it.each([
    ['succeeded', 'Fail'],
    ['failed', 'Success'],
  ] as const)('forged: a job that is going to be %s is claimed to be a %s while it runs', async (outcome, claimed) => {
    const { emulator, receiver, timers, settled } = await play({ faults: { forged: 1 } });
    const job = producing(emulator, receiver.url, { outcome, durationMs: 10_000 });
    await timers.pass(199);
    await settled(1);
    await timers.pass(3);
    await until(() => receiver.deliveries.length === 2);
    const [forged, real] = receiver.deliveries;
    expect(emulator.callbacks.entries[0]?.at).toBeLessThan(job.endsAt.getTime());
    expect(forged?.body['MessageBody']).toMatchObject({ JobId: job.vendorJobId, Status: claimed });
    expect(forged?.headers['x-ice-signature']).toHaveLength(32);
    expect(real?.body['MessageBody']).not.toMatchObject({ Status: claimed });
    expect(emulator.callbacks.where({ forged: true })).toHaveLength(1);
  });
});
