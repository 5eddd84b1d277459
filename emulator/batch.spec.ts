import { startEmulator, type Emulator, type EmulatorOptions, type SubmitOptions } from './emulator.js';
import { ask, refused } from './support/ims-client.js';
import { startReceiver, until } from './support/receiver.js';
import { VirtualTimers } from './support/virtual-timers.js';

const account = { accessKeyId: 'AK', accessKeySecret: 'SECRET' };
let timers: VirtualTimers;
let stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(stops.map((stop) => stop()));
  stops = [];
});

async function start(options: Partial<EmulatorOptions> = {}) {
  timers = new VirtualTimers();
  const emulator = await startEmulator({ accounts: [account], timers, ...options });
  stops.push(emulator.stop);
  return emulator;
}
const batch = (emulator: Emulator, order: Partial<SubmitOptions> = {}) =>
  emulator.submit({ api: 'alibaba-ims/batch-media-producing', ...order });
const answered = async (emulator: Emulator, vendorJobId: string): Promise<Record<string, any>> =>
  (await ask(emulator, account, 'GetBatchMediaProducingJob', vendorJobId)).document['EditingBatchJob'] as object;
const subjobsOf = (emulator: Emulator, { vendorJobId }: { vendorJobId: string }) =>
  emulator.jobs().filter(({ parent }) => parent === vendorJobId);

it('the subjobs of a batch are jobs that can be asked for one by one', async () => {
  const emulator = await start();
  const job = batch(emulator, { queueMs: 0, durationMs: 0, outcome: 'partially_failed', subjobs: 4 });
  await timers.pass(5);
  const answer = await answered(emulator, job.vendorJobId);
  expect(answer).toMatchObject({ Status: 'Finished', JobId: job.vendorJobId });
  expect(job.parent).toBeUndefined();
  expect(answer['SubJobList']).toHaveLength(4);
  for (const { JobId, Status, MediaURL, ErrorCode } of answer['SubJobList']) {
    expect(emulator.job(JobId)).toMatchObject({ parent: job.vendorJobId, api: 'alibaba-ims/media-producing' });
    const { MediaProducingJob } = (await ask(emulator, account, 'GetMediaProducingJob', JobId)).document as any;
    expect(MediaProducingJob).toMatchObject({ JobId, Status, MediaURL, UserData: job.userData });
    expect(MediaProducingJob.Code).toBe(ErrorCode);
    expect(MediaProducingJob.CompleteTime).toMatch(/Z$/);
    expect(JSON.parse(MediaProducingJob.SubJobMaterials)).toHaveProperty('Title');
  }
  expect(
    subjobsOf(emulator, job)
      .map(({ expectedStatus }) => expectedStatus)
      .sort(),
  ).toEqual(job.expectedSubjobs.map(({ status }) => status).sort());
  expect(await refused(ask(emulator, account, 'GetMediaProducingJob', job.vendorJobId))).toMatchObject({
    code: 'JobNotFound',
  });
});

it('nobody knows a subjob before its batch begins, nor while the batch is hidden', async () => {
  const emulator = await start({ timeScale: 0.01 });
  const job = batch(emulator, { queueMs: 10_000, durationMs: 600_000, outcome: 'succeeded', hidden: true });
  const [first] = subjobsOf(emulator, job);
  const get = () => ask(emulator, account, 'GetMediaProducingJob', first?.vendorJobId);
  expect(await refused(get())).toMatchObject({ code: 'JobNotFound' });
  job.hidden = false;
  expect(await refused(get())).toMatchObject({ code: 'JobNotFound' });
  await timers.pass(99);
  expect(await refused(get())).toMatchObject({ code: 'JobNotFound' });
  await timers.pass(1);
  expect(await get()).toMatchObject({ status: 200 });
  job.hidden = true;
  expect(await refused(get())).toMatchObject({ code: 'JobNotFound' });
});

it('the batch is over when its last subjob is', async () => {
  const emulator = await start({ timeScale: 0.01 });
  for (const openSubjobs of [0, 2]) {
    const job = batch(emulator, { queueMs: 0, durationMs: 60_000, outcome: 'succeeded', subjobs: 5, openSubjobs });
    const ends = subjobsOf(emulator, job).map(({ endsAt }) => endsAt.getTime());
    expect(Math.max(...ends, job.lastWordAt.getTime())).toBe(job.endsAt.getTime());
    expect(ends.filter((end) => end > job.lastWordAt.getTime())).toHaveLength(openSubjobs);
    expect(job.statusAt(job.lastWordAt)).toBe(openSubjobs > 0 ? 'running' : 'succeeded');
    expect(job.statusAt(job.endsAt)).toBe('succeeded');
  }
});

it('calls back when it is finished, and so do its subjobs if they do at all', async () => {
  const receiver = await startReceiver();
  stops.push(receiver.stop);
  const emulator = await start({ timeScale: 0.01 });
  const order = {
    notifyAddress: receiver.url,
    queueMs: 0,
    durationMs: 10_000,
    outcome: 'succeeded',
    subjobs: 3,
  } as const;
  const silent = batch(emulator, { ...order, subjobCallbacks: false });
  const loud = batch(emulator, { ...order, subjobCallbacks: true, openSubjobs: 1 });
  await timers.pass(110);
  await until(() => emulator.callbacks.where({ status: 200 }).length === 5);
  await timers.pass(60_000);
  expect(emulator.callbacks.where({ jobId: silent.vendorJobId })).toMatchObject([
    { eventType: 'BatchProduceMediaComplete' },
  ]);
  const parts = subjobsOf(emulator, loud).map(({ vendorJobId }) => vendorJobId);
  const heard = emulator.callbacks.where({ eventType: 'ProduceMediaComplete' }).map(({ jobId }) => jobId);
  expect([...heard].sort()).toEqual([...parts].sort());
  expect(emulator.callbacks.total).toBe(5);
  // The open one is still at work when the batch says that it is finished.
  expect(emulator.callbacks.entries.at(-1)?.eventType).toBe('ProduceMediaComplete');
});

it('a forged callback comes before the true one, open subjobs or not', async () => {
  const receiver = await startReceiver();
  stops.push(receiver.stop);
  const emulator = await start({ timeScale: 0.01, faults: { forged: 1 } });
  const order = { notifyAddress: receiver.url, queueMs: 0, durationMs: 20_000, outcome: 'succeeded' } as const;
  const jobs = Array.from({ length: 12 }, () => batch(emulator, { ...order, openSubjobs: 1, subjobCallbacks: false }));
  await timers.pass(210);
  await until(() => emulator.callbacks.where({ status: 200 }).length === 24);
  for (const { vendorJobId: jobId } of jobs) {
    const [first, second] = emulator.callbacks.where({ jobId });
    expect([first?.forged, second?.forged]).toEqual([true, undefined]);
  }
});

it('a third of the batches have subjobs that call back', async () => {
  const emulator = await start();
  const jobs = Array.from({ length: 90 }, () =>
    batch(emulator, { notifyAddress: 'http://127.0.0.1:9/', durationMs: 1e9, outcome: 'succeeded' }),
  );
  const loud = jobs.filter((job) => subjobsOf(emulator, job).some(({ notifyAddress }) => notifyAddress !== undefined));
  expect(loud.length).toBeGreaterThan(15);
  expect(loud.length).toBeLessThan(45);
});

it('a batch of a thousand is quickly submitted and quickly answered', async () => {
  const emulator = await start();
  const order = { queueMs: 0, durationMs: 0, outcome: 'partially_failed' } as const;
  /** Of the processor and not by the clock, because the machine may be busy. */
  const costOf = async (subjobs: number): Promise<number> => {
    const before = process.cpuUsage();
    const job = batch(emulator, { ...order, subjobs });
    expect((await answered(emulator, job.vendorJobId))['SubJobList']).toHaveLength(subjobs);
    return process.cpuUsage(before).user;
  };
  await costOf(100);
  let cheap = 0;
  for (let count = 0; count < 10; count++) cheap += await costOf(100);
  // As much as ten of a hundred, and not as a hundred of them.
  expect(await costOf(1_000)).toBeLessThan(5 * cheap);
  expect(emulator.jobs()).toHaveLength(11 * 101 + 1_001);
});

it('a given document brings no subjobs, but they can be given too', async () => {
  const emulator = await start();
  const document = {
    EditingBatchJob: { JobId: 'b', Status: 'Finished', SubJobList: [{ JobId: 's', Status: 'Success' }] },
  };
  const job = batch(emulator, { vendorJobId: 'b', document });
  expect(emulator.jobs()).toHaveLength(1);
  const part = { MediaProducingJob: { JobId: 's', Status: 'Success' } };
  const order = { api: 'alibaba-ims/media-producing', vendorJobId: 's', document: part } as const;
  expect(emulator.submit({ ...order, parent: job.vendorJobId }).parent).toBe('b');
  expect((await ask(emulator, account, 'GetMediaProducingJob', 's')).document).toMatchObject(part);
  expect(() => emulator.submit({ ...order, vendorJobId: 't', parent: 'nobody' })).toThrow('no such batch');
  expect(() => batch(emulator, { document: part })).toThrow('no document of');
});
