import { connect } from 'node:net';
import { startEmulator, type Emulator } from './emulator.js';
import { APIS } from './kinds/kinds.js';
import { burstOf } from './rate-limit.js';
import { ask, refused } from './support/ims-client.js';
import { until } from './support/receiver.js';
import { startTraffic } from './traffic.js';

const account = { accessKeyId: 'AK', accessKeySecret: 'SECRET' };
const clips = { accessKeyId: 'HWAK', accessKeySecret: 'HWSECRET', projectId: '0123456789abcdef0123456789abcdef' };
let running: Emulator[] = [];
afterEach(async () => {
  await Promise.all(running.map((emulator) => emulator.stop()));
  running = [];
});

async function start(seed: number, timeScale = 1) {
  const emulator = await startEmulator({ accounts: [account, clips], seed, timeScale });
  running.push(emulator);
  return emulator;
}

async function story(seed: number) {
  const emulator = await start(seed);
  for (let count = 0; count < 30; count++) emulator.submit({ api: APIS[count % APIS.length] ?? APIS[0] });
  return emulator.jobs().map((job) => ({
    id: job.vendorJobId,
    userData: job.userData,
    status: job.expectedStatus,
    subjobs: job.expectedSubjobs,
    runsFor: job.endsAt.getTime() - job.submittedAt.getTime(),
    ends: JSON.stringify(job.document(job.endsAt)).replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|"20\d{12}"/g, 'T'),
  }));
}

it('one seed tells one story, another seed another', async () => {
  const [once, again, other] = [await story(7), await story(7), await story(8)];
  expect(again).toEqual(once);
  expect(other).not.toEqual(once);
  expect(once.length).toBeGreaterThan(30);
  expect(new Set(once.map(({ id }) => id)).size).toBe(once.length);
  expect(once.every(({ id }) => /^([0-9a-f]{32}|\d{5,16})$/.test(id))).toBe(true);
});

it('what a request meets is decided by the seed, not by what is asked in between', async () => {
  const outcomes = async (between: number) => {
    const emulator = await start(3);
    emulator.setFaults({ throttled: 0.5 });
    const [watched, noise] = [emulator.submit({ api: APIS[0] }), emulator.submit({ api: APIS[0] })];
    for (let turn = 0; turn < 12; turn++) {
      for (let count = 0; count < between; count++)
        await ask(emulator, account, 'GetMediaProducingJob', noise.vendorJobId).catch(() => {});
      await ask(emulator, account, 'GetMediaProducingJob', watched.vendorJobId).catch(() => {});
    }
    return emulator.requests.where({ jobId: watched.vendorJobId }).map(({ outcome }) => outcome);
  };
  const alone = await outcomes(0);
  expect(new Set(alone)).toEqual(new Set(['ok', 'Throttling.User']));
  expect(await outcomes(2)).toEqual(alone);
});

it('the mix is lively: every outcome occurs, success most of all', async () => {
  const emulator = await start(1);
  const jobs = APIS.flatMap((api) => Array.from({ length: 100 }, () => emulator.submit({ api })));
  const share = (status: string) => jobs.filter((job) => job.expectedStatus === status).length / jobs.length;
  expect(share('succeeded')).toBeGreaterThan(0.7);
  for (const status of ['failed', 'partially_failed', 'canceled']) expect(share(status)).toBeGreaterThan(0);
  expect(emulator.jobs().filter((job) => job.parent === undefined)).toHaveLength(jobs.length);
});

it('the time scale shortens the life of a job', async () => {
  const emulator = await start(1, 0.01);
  const job = emulator.submit({ api: 'alibaba-ims/media-convert', queueMs: 2_000, durationMs: 8_000 });
  expect(job.startsAt.getTime() - job.submittedAt.getTime()).toBe(20);
  expect(job.endsAt.getTime() - job.submittedAt.getTime()).toBe(100);
  expect([job.submittedAt, job.startsAt, job.endsAt].map((at) => job.statusAt(at))).toEqual([
    'queued',
    'running',
    job.expectedStatus,
  ]);
});

it('an id is submitted once, and only for an account there is', async () => {
  const emulator = await start(1);
  emulator.submit({ api: APIS[0], vendorJobId: 'one' });
  expect(() => emulator.submit({ api: APIS[0], vendorJobId: 'one' })).toThrow('already');
  expect(() => emulator.submit({ api: APIS[0], accessKeyId: 'nobody' })).toThrow('no such account');
});

it('traffic submits jobs of every kind, some with a callback address and some without', async () => {
  const emulator = await start(1);
  const seen: string[] = [];
  const traffic = startTraffic(emulator, {
    jobsPerMinute: 60_000,
    notifyAddress: 'http://127.0.0.1:9/callbacks/a/b',
    callbackShare: 0.5,
    onSubmit: (job) => seen.push(job.vendorJobId),
  });
  await until(() => traffic.submitted >= 60);
  traffic.stop();
  const jobs = emulator.jobs().filter(({ parent }) => parent === undefined);
  expect(traffic.submitted).toBe(jobs.length);
  expect(seen).toEqual(jobs.map((job) => job.vendorJobId));
  expect(new Set(jobs.map((job) => job.api))).toEqual(new Set(APIS));
  expect(new Set(jobs.map((job) => job.notifyAddress === undefined))).toEqual(new Set([true, false]));
  for (const { api, accessKeyId, notifyAddress } of jobs) {
    const huawei = api === 'huawei-mpc/editing';
    expect(accessKeyId).toBe(huawei ? 'HWAK' : 'AK');
    if (huawei) expect(notifyAddress).toBeUndefined();
  }
});

it('while it is down connections are refused, and afterwards it is where it was', async () => {
  const emulator = await start(1);
  const job = emulator.submit({ api: 'alibaba-ims/media-producing', queueMs: 0, durationMs: 60_000 });
  const get = () => ask(emulator, account, 'GetMediaProducingJob', job.vendorJobId);
  emulator.setFaults({ slow: 1, slowMs: 60_000 });
  const cut = refused(get());
  await until(() => emulator.requests.total === 1);
  emulator.setFaults({ slow: 0 });

  await Promise.all([emulator.down(), emulator.down()]);
  expect(await cut).toMatchObject({ code: 'ECONNRESET' });
  expect(await knock(emulator)).toBe('ECONNREFUSED');
  await Promise.all([emulator.up(), emulator.up()]);
  expect(await get()).toMatchObject({ status: 200 });

  await Promise.all([emulator.down(), emulator.up(), emulator.down()]);
  expect(await knock(emulator)).toBe('ECONNREFUSED');
  await emulator.stop();
  await emulator.up();
  expect(await knock(emulator)).toBe('ECONNREFUSED');
});

function knock({ port }: Emulator): Promise<string> {
  return new Promise((answered) => {
    const socket = connect(port, '127.0.0.1', () => answered('open'));
    socket.on('error', ({ code = '' }: NodeJS.ErrnoException) => answered(code)).unref();
  });
}

it('burstOf finds the burst a budget of so many per second would have needed', () => {
  expect(burstOf([], 10)).toBe(0);
  expect(burstOf([0, 100, 200, 300], 10)).toBeCloseTo(1);
  expect(burstOf([0, 0, 0], 10)).toBeCloseTo(3);
  expect(burstOf([0, 1_000, 1_000, 1_000], 1)).toBeCloseTo(3);
  expect(burstOf([5_000, 0, 10_000], 1)).toBeCloseTo(1);
});
