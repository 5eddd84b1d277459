import { startEmulator, type Emulator, type Faults } from './emulator.js';
import type { ImsKind } from './kinds/ims-kind.js';
import { IMS_KINDS } from './kinds/kinds.js';
import { burstOf } from './rate-limit.js';
import { ask, refused } from './support/ims-client.js';
import { until } from './support/receiver.js';
import { VirtualTimers } from './support/virtual-timers.js';

const account = { accessKeyId: 'AK', accessKeySecret: 'SECRET' };
const RUNNING = { queueMs: 0, durationMs: 3_600_000 } as const;
const DONE = { queueMs: 0, durationMs: 0 } as const;

let emulator: Emulator;
let timers: VirtualTimers;
const start = async (faults: Partial<Faults>, timeScale = 1) => {
  timers = new VirtualTimers();
  emulator = await startEmulator({ accounts: [account], faults, timeScale, timers });
};
afterEach(() => emulator.stop());

const get = (jobId: string, action = 'GetMediaConvertJob') => ask(emulator, account, action, jobId);
const convert = (more: object = {}) => emulator.submit({ api: 'alibaba-ims/media-convert', ...RUNNING, ...more });

it('without faults a hundred calls are a hundred clean answers', async () => {
  await start({});
  const job = convert();
  for (let count = 0; count < 100; count++) {
    expect(await get(job.vendorJobId)).toMatchObject({ status: 200, document: { Job: { State: 'Running' } } });
  }
  expect(emulator.requests.where({ outcome: 'ok', status: 200 })).toHaveLength(100);
});

it.each([
  ['throttled', { name: 'ThrottlingError', code: 'Throttling.User', statusCode: 400 }, 400],
  [
    'serverError',
    { name: 'ServerError', code: expect.stringMatching(/^(InternalError|ServiceUnavailable)$/) },
    undefined,
  ],
  ['htmlPage', { name: 'SyntaxError' }, 502],
  ['reset', { code: 'ECONNRESET' }, 0],
] as const)('%s happens at rate 1, and ends when switched off', async (fault, error, status) => {
  await start({ [fault]: 1 });
  const { vendorJobId } = convert();
  expect(await refused(get(vendorJobId))).toMatchObject(error);
  if (status !== undefined) expect(emulator.requests.entries[0]).toMatchObject({ status });
  emulator.setFaults({ [fault]: 0 });
  expect(await get(vendorJobId)).toMatchObject({ status: 200 });
});

it('slow: the answer takes its time', async () => {
  await start({ slow: 1, slowMs: 150 });
  const { vendorJobId } = convert();
  const answered = get(vendorJobId).then(() => timers.now());
  await until(() => emulator.requests.entries[0]?.slow === true);
  const before = timers.now();
  await timers.pass(149);
  expect(emulator.requests.entries[0]?.status).toBeUndefined();
  await timers.pass(1);
  expect((await answered) - before).toBeGreaterThanOrEqual(149);
});

it('an unknown word replaces a status that is not final, and only such a one', async () => {
  await start({ unknownWord: 1 });
  const known = ['Inited', 'Running', 'Complete', 'Error', 'Cancelled'];
  const [running, done] = [convert(), convert({ ...DONE, outcome: 'succeeded' })];
  await timers.pass(5);
  const state = async (jobId: string) => (await get(jobId)).document['Job'] as { State: string };
  expect(known).not.toContain((await state(running.vendorJobId)).State);
  expect((await state(done.vendorJobId)).State).toBe('Complete');
});

it('dirty values are the seeds’ own, the same each time, and say the same', async () => {
  await start({ dirtyValues: 1 });
  const job = convert({ ...DONE, outcome: 'succeeded', outputs: 3, groups: 1 });
  const produced = emulator.submit({ api: 'alibaba-ims/media-producing', ...DONE, outcome: 'succeeded' });
  await timers.pass(5);

  const dirty = (await get(job.vendorJobId)).document['Job'] as Record<string, unknown>;
  const again = (await get(job.vendorJobId)).document['Job'];
  const clean = job.answer()['Job'] as Record<string, unknown>;
  expect(again).toEqual(dirty);
  expect(dirty).toMatchObject({ State: 'Complete', Code: 'InvalidParameter.ResourceContentBad', Percent: 0 });
  expect(dirty['CreateTime']).toBe(`${clean['CreateTime']}\n`);
  expect(dirty['ClientToken']).toBe(`${clean['ClientToken']} `);
  expect(JSON.stringify(dirty)).toContain('"Bitrate":"0.f"');
  expect(dirty['Config']).toMatchObject({ JobName: job.name });
  expect(tidied(dirty)).toEqual(tidied(clean));

  const { MediaProducingJob } = (await get(produced.vendorJobId, 'GetMediaProducingJob')).document;
  expect(MediaProducingJob).toMatchObject({ Status: 'Success', Duration: expect.any(String), Progress: '100' });
});

it('a final answer means what the job expects, with every content fault on', async () => {
  await start({ dirtyValues: 1, unknownWord: 1, doubled: 1, forged: 1 });
  const jobs = Array.from({ length: 60 }, (_, count) =>
    emulator.submit({ api: count % 3 ? 'alibaba-ims/media-convert' : 'alibaba-ims/media-producing', ...DONE }),
  );
  await timers.pass(5);
  for (const job of jobs) {
    const { getAction, root } = IMS_KINDS.find(({ api }) => api === job.api) as ImsKind;
    const { document } = await get(job.vendorJobId, getAction);
    const { Status, State, OutputDetails = [], OutputGroupDetails = [] } = document[root] as Answered;
    const leaves = [...OutputDetails, ...OutputGroupDetails.flatMap(({ Outputs = [] }) => Outputs)];
    const words = [...leaves, ...OutputGroupDetails].map((detail) => detail.Status);
    const word = Status ?? State ?? '';
    const made = leaves.some((leaf) => leaf.Status === 'Success');
    const broken = words.includes('Failed') || ['Error', 'Failed'].includes(word);
    const read = word === 'Cancelled' ? 'canceled' : !broken ? 'succeeded' : made ? 'partially_failed' : 'failed';
    expect([job.vendorJobId, read]).toEqual([job.vendorJobId, job.expectedStatus]);
  }
  expect(new Set(jobs.map((job) => job.expectedStatus)).size).toBeGreaterThan(2);
});
type Detail = { Status: string; Outputs?: Detail[] };
type Answered = { Status?: string; State?: string; OutputDetails?: Detail[]; OutputGroupDetails?: Detail[] };

it('a job is not found right after its submission, or while it is hidden', async () => {
  await start({ jobNotFoundForMs: 10_000 }, 0.01);
  const [young, hidden] = [convert(), convert({ hidden: true, jobNotFoundForMs: 0 })];
  expect(await refused(get(young.vendorJobId))).toMatchObject({ code: 'JobNotFound', statusCode: 404 });
  await timers.pass(99);
  expect(await refused(get(young.vendorJobId))).toMatchObject({ code: 'JobNotFound' });
  await timers.pass(1);
  expect(await get(young.vendorJobId)).toMatchObject({ status: 200 });

  expect(await refused(get(hidden.vendorJobId))).toMatchObject({ code: 'JobNotFound' });
  hidden.hidden = false;
  expect(await get(hidden.vendorJobId)).toMatchObject({ status: 200 });
});

it('keys are refused and actions forbidden by name', async () => {
  await start({ refuseKeys: new Set(['AK']) });
  const { vendorJobId } = convert();
  expect(await refused(get(vendorJobId))).toMatchObject({ code: 'InvalidAccessKeyId.NotFound', statusCode: 404 });
  emulator.setFaults({ refuseKeys: [], forbiddenActions: ['GetMediaConvertJob'] });
  expect(await refused(get(vendorJobId))).toMatchObject({
    code: 'Forbidden.RAM',
    statusCode: 403,
    accessDeniedDetail: { AuthAction: 'ice:GetMediaConvertJob' },
  });
  emulator.setFaults({ forbiddenActions: [] });
  expect(await get(vendorJobId)).toMatchObject({ status: 200 });
});

it('more calls than the limit are throttled, and the log shows that no more came through', async () => {
  await start({ limitPerSecond: 20, limitBurst: 5 });
  const { vendorJobId } = convert();
  await Promise.allSettled(Array.from({ length: 40 }, () => get(vendorJobId)));
  const times = (outcome: string) => emulator.requests.where({ outcome }).map(({ at }) => at);
  expect(times('ok').length).toBeGreaterThanOrEqual(5);
  expect(times('Throttling.User').length).toBeGreaterThan(15);
  // The bucket and the log read the clock a moment apart.
  expect(burstOf(times('ok'), 20)).toBeLessThan(6);
  expect(
    burstOf(
      emulator.requests.entries.map(({ at }) => at),
      20,
    ),
  ).toBeGreaterThan(20);
});

it('a secret may be the wrong one for a while', async () => {
  const wrongSecrets = new Set(['AK']);
  await start({ wrongSecrets });
  const { vendorJobId } = convert();
  expect(await refused(get(vendorJobId))).toMatchObject({ code: 'SignatureDoesNotMatch', statusCode: 403 });
  wrongSecrets.delete('AK');
  expect(await get(vendorJobId)).toMatchObject({ status: 200 });
});

it('a clock that is ahead shows in every answer, and refuses what seems old', async () => {
  const minutes = (count: number) => count * 60_000;
  await start({ clockSkewMs: minutes(10) });
  const { vendorJobId } = convert();
  const ahead = (date: string | null | undefined) => (Date.parse(date ?? '') - Date.now()) / 60_000;
  expect(ahead((await get(vendorJobId)).headers['date'])).toBeCloseTo(10, 0);
  emulator.setFaults({ clockSkewMs: minutes(16) });
  expect(await refused(get(vendorJobId))).toMatchObject({ code: 'InvalidTimeStamp.Expired', statusCode: 400 });
  for (const path of ['/', '/nowhere', '/v2/p/editing/jobs']) {
    const { headers } = await fetch(emulator.url + path, { method: 'HEAD' });
    expect(ahead(headers.get('date'))).toBeCloseTo(16, 0);
  }
  emulator.setFaults({ clockSkewMs: -minutes(16) });
  expect(await refused(get(vendorJobId))).toMatchObject({ code: 'InvalidTimeStamp.Expired' });
  emulator.setFaults({ clockSkewMs: 0 });
  expect(await get(vendorJobId)).toMatchObject({ status: 200 });
});

it('fields of a job can be left out, added and made something else', async () => {
  await start({ changedFields: { drop: ['Percent'], add: { Grade: 'A' }, retype: ['State'] } });
  const { Job } = (await get(convert().vendorJobId)).document;
  expect(Job).toMatchObject({ State: { value: 'Running' }, Grade: 'A', OutputDetails: expect.any(Array) });
  expect(Job).not.toHaveProperty('Percent');
});

it('a finished batch may name errors that do not matter', async () => {
  await start({ dirtyValues: 1 });
  const job = emulator.submit({ api: 'alibaba-ims/batch-media-producing', ...DONE, outcome: 'succeeded', subjobs: 3 });
  const failed = emulator.submit({ api: 'alibaba-ims/batch-media-producing', ...DONE, batchError: true });
  await timers.pass(5);
  const batch = async (jobId: string) =>
    (await get(jobId, 'GetBatchMediaProducingJob')).document['EditingBatchJob'] as Record<string, any>;
  const dirty = await batch(job.vendorJobId);
  expect(JSON.parse(dirty['Extend'])).toHaveProperty('ErrorCode');
  expect(dirty['CompleteTime']).toMatch(/Z\n$/);
  for (const entry of dirty['SubJobList']) {
    expect(entry).toMatchObject({ Status: 'Success', ErrorCode: expect.any(String), Duration: expect.any(String) });
    expect(entry).not.toHaveProperty('Code');
  }
  // Here the error is all there is, so it must be the true one.
  const { Extend } = await batch(failed.vendorJobId);
  expect(JSON.parse(Extend)).toMatchObject({ ErrorMessage: failed.expectedError?.message });
});

it('what is no fault, no rate, no list or no number is refused', async () => {
  await start({});
  const wrong: [unknown, string][] = [
    [{ droped: 1 }, 'no such fault: droped'],
    [{ dropped: 50 }, 'dropped'],
    [{ noTask: 2 }, 'noTask'],
    [{ wrongSecrets: 'AK' }, 'not a list: wrongSecrets'],
    [{ clockSkewMs: Infinity }, 'clockSkewMs'],
    [{ changedFields: { rename: ['State'] } }, 'no such change of fields: rename'],
  ];
  for (const [change, message] of wrong) expect(() => emulator.setFaults(change as never)).toThrow(message);
});

/** What a reader that trims, and looks at nothing but status, names, files and times, is left with. */
function tidied(value: unknown): unknown {
  if (typeof value === 'string') return value.trim();
  if (Array.isArray(value)) return value.map(tidied);
  if (typeof value !== 'object' || value === null) return value;
  const ignored = ['Code', 'Message', 'Percent', 'Bitrate'];
  const fields = Object.entries(value).filter(([key]) => !ignored.includes(key));
  return Object.fromEntries(fields.map(([key, field]) => [key, tidied(field)]));
}
