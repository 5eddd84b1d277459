import { startEmulator, type Emulator, type Faults, type SubmitOptions } from './emulator.js';
import { IMS_KINDS } from './kinds/kinds.js';
import { ask, refused } from './support/ims-client.js';
import { VirtualTimers } from './support/virtual-timers.js';

const account = { accessKeyId: 'AK', accessKeySecret: 'SECRET' };
const other = { accessKeyId: 'OTHER', accessKeySecret: 'OTHERSECRET' };
const DAY_MS = 86_400_000;
const DONE = { queueMs: 0, durationMs: 0, outcome: 'succeeded' } as const;

const LISTS = [
  ['alibaba-ims/media-producing', 'ListMediaProducingJobs', 'MediaProducingJobList', 'MaxResults', 'NextToken', 10],
  [
    'alibaba-ims/batch-media-producing',
    'ListBatchMediaProducingJobs',
    'EditingBatchJobList',
    'MaxResults',
    'NextToken',
    10,
  ],
  ['alibaba-ims/media-convert', 'ListMediaConvertJobs', 'Jobs', 'PageSize', 'NextPageToken', 20],
  ['alibaba-ims/dynamic-image', 'ListDynamicImageJobs', 'Jobs', 'PageSize', 'NextPageToken', 20],
  ['alibaba-ims/snapshot', 'ListSnapshotJobs', 'Jobs', 'PageSize', 'NextPageToken', 20],
] as const;

let emulator: Emulator;
let timers: VirtualTimers;
const start = async (faults: Partial<Faults> = {}) => {
  timers = new VirtualTimers();
  emulator = await startEmulator({ accounts: [account, other], faults, timers });
};
afterEach(() => emulator.stop());

const list = async (action: string, parameters: Record<string, string> = {}) =>
  (await ask(emulator, account, action, parameters)).document;
const time = (at: number) => `${new Date(at).toISOString().slice(0, 19)}Z`;
const idsIn = (jobs: unknown) => (jobs as { JobId: string }[]).map(({ JobId }) => JobId.trim());
const producing = (order: Partial<SubmitOptions> = {}) =>
  emulator.submit({ api: 'alibaba-ims/media-producing', ...order });

describe.each(LISTS)('%s', (api, action, key, size, token, usual) => {
  const submit = (order: Partial<SubmitOptions> = {}) =>
    emulator.submit({ api, subjobs: 3, outcome: 'succeeded', ...order });

  it(`${action} gives page after page, newest first, and shifts nothing`, async () => {
    await start();
    const jobs = Array.from({ length: 25 }, () => submit());
    submit({ accessKeyId: 'OTHER' });
    submit({ hidden: true });
    const seen: string[] = [];
    const lengths: number[] = [];
    for (let next = ''; ;) {
      const page = await list(action, { [size]: '7', [token]: next });
      seen.push(...idsIn(page[key]));
      lengths.push((page[key] as unknown[]).length);
      next = page[token] as string;
      if (next === '') break;
      // Whoever is submitted meanwhile is on no later page.
      await timers.pass(2);
      submit();
    }
    expect(lengths).toEqual([7, 7, 7, 4]);
    expect([...seen].sort()).toEqual(jobs.map(({ vendorJobId }) => vendorJobId).sort());
    const at = (id: string) => emulator.job(id)?.submittedAt.getTime() ?? NaN;
    expect(seen.map(at)).toEqual(seen.map(at).sort((a, b) => b - a));
    expect(idsIn((await list(action))[key])).toHaveLength(usual);
    expect((await list(action, { [size]: '100' }))[token]).toBe('');
  });

  it('refuses pages that are too large and tokens that are none', async () => {
    await start();
    for (const wrong of [{ [size]: '101' }, { [size]: '0' }, { [size]: 'many' }, { [token]: 'abc' }]) {
      expect(await refused(list(action, wrong))).toMatchObject({ code: 'InvalidParameter', statusCode: 400 });
    }
  });

  it('is filtered by status and by id', async () => {
    await start();
    const done = submit(DONE);
    const running = submit({ queueMs: 0, durationMs: 3_600_000 });
    await timers.pass(5);
    const word = (job: typeof done) => job.word(new Date(timers.now()));
    expect(idsIn((await list(action, { Status: word(done) }))[key])).toEqual([done.vendorJobId]);
    expect(idsIn((await list(action, { Status: word(running) }))[key])).toEqual([running.vendorJobId]);
    const byId = api === 'alibaba-ims/media-producing' ? 'Keyword' : 'JobId';
    expect(idsIn((await list(action, { [byId]: running.vendorJobId }))[key])).toEqual([running.vendorJobId]);
  });

  it('is filtered by the time of creation, in whole seconds', async () => {
    await start();
    const job = submit();
    const at = job.submittedAt.getTime();
    const [from, to] = size === 'MaxResults' ? ['StartTime', 'EndTime'] : ['StartOfCreateTime', 'EndOfCreateTime'];
    const found = async (begin: number, end: number) =>
      idsIn((await list(action, { [from]: time(begin), [to]: time(end) }))[key]).length;
    expect(await found(at, at)).toBe(1);
    expect(await found(at + 1_000, at + 60_000)).toBe(0);
    expect(await found(at - 60_000, at - 1_000)).toBe(0);
    expect(await refused(list(action, { [from]: 'yesterday' }))).toMatchObject({ code: 'InvalidParameter' });
  });

  it('says of a job what Get says, but for the details', async () => {
    await start({ dirtyValues: 1 });
    const { vendorJobId } = submit({ ...DONE, outputs: 2, groups: 1 });
    await timers.pass(5);
    const kind = IMS_KINDS.find((candidate) => candidate.api === api);
    const whole = (await ask(emulator, account, kind?.getAction ?? '', vendorJobId)).document[kind?.root ?? ''];
    const [listed = {}] = (await list(action))[key] as Record<string, unknown>[];
    const missing = Object.keys(whole as object).filter((field) => !(field in listed));
    expect(missing.sort()).toEqual(
      {
        'alibaba-ims/media-producing': ['Progress', 'Timeline'],
        'alibaba-ims/batch-media-producing': ['SubJobList'],
        'alibaba-ims/media-convert': ['OutputDetails', 'OutputGroupDetails', 'Percent'],
        'alibaba-ims/dynamic-image': ['Code', 'Message', 'OutputUrl', 'TemplateConfig', 'UserData'],
        'alibaba-ims/snapshot': ['Code', 'Message', 'TemplateConfig', 'UserData'],
      }[api],
    );
    if (api === 'alibaba-ims/dynamic-image' || api === 'alibaba-ims/snapshot')
      expect(listed['Input']).toEqual({ Type: 'OSS', Media: expect.any(String) });
    else expect(whole).toMatchObject(listed);
  });

  it('holds fewer jobs than were asked for where its pages are smaller', async () => {
    await start({ largestPage: 2 });
    const jobs = Array.from({ length: 3 }, () => submit());
    const first = await list(action, { [size]: '100' });
    const second = await list(action, { [size]: '100', [token]: String(first[token]) });
    expect([first, second].map((page) => idsIn(page[key]).length)).toEqual([2, 1]);
    expect(second[token]).toBe('');
    const seen = [first, second].flatMap((page) => idsIn(page[key]));
    expect(seen.sort()).toEqual(jobs.map(({ vendorJobId }) => vendorJobId).sort());
  });

  it('can be forbidden', async () => {
    await start({ forbiddenActions: [action] });
    expect(await refused(list(action))).toMatchObject({ code: 'Forbidden.RAM' });
  });
});

it('producing jobs are listed for at most thirty days', async () => {
  await start();
  const range = (from: number, to?: number) =>
    list('ListMediaProducingJobs', { StartTime: time(from), ...(to !== undefined && { EndTime: time(to) }) });
  const now = timers.now();
  expect(await range(now - 30 * DAY_MS, now)).toMatchObject({ MediaProducingJobList: [] });
  expect(await refused(range(now - 31 * DAY_MS, now))).toMatchObject({ code: 'InvalidParameter', statusCode: 400 });
  expect(await refused(range(now - 31 * DAY_MS))).toMatchObject({ code: 'InvalidParameter' });
  expect(await range(now - 90 * DAY_MS, now - 70 * DAY_MS)).toMatchObject({ MediaProducingJobList: [] });
  const batches = { StartTime: time(now - 300 * DAY_MS), EndTime: time(now) };
  expect(await list('ListBatchMediaProducingJobs', batches)).toMatchObject({ EditingBatchJobList: [] });
});

it('one of the lists tells its page size as text', async () => {
  await start();
  expect(await list('ListMediaProducingJobs', { MaxResults: '5' })).toMatchObject({ MaxResults: '5' });
  expect(await list('ListBatchMediaProducingJobs', { MaxResults: '5' })).toMatchObject({ MaxResults: 5 });
  expect(await list('ListMediaConvertJobs')).not.toHaveProperty('PageSize');
});

it('the subjobs of batches are producing jobs like others, and can be had by their batch', async () => {
  await start();
  const alone = producing();
  const batches = [1, 2].map(() => emulator.submit({ api: 'alibaba-ims/batch-media-producing', ...DONE, subjobs: 3 }));
  await timers.pass(5);
  const [first] = batches;
  const mine = first?.expectedSubjobs.map(({ path }) => path.replace('batch_item/', '')) ?? [];
  const all = idsIn((await list('ListMediaProducingJobs'))['MediaProducingJobList']);
  expect(all).toHaveLength(7);
  expect(all).toEqual(expect.arrayContaining([alone.vendorJobId, ...mine]));
  const found = await list('ListMediaProducingJobs', { MasterJobId: first?.vendorJobId ?? '' });
  expect(idsIn(found['MediaProducingJobList']).sort()).toEqual([...mine].sort());
});

it('can be asked for oldest first', async () => {
  await start();
  const first = producing();
  await timers.pass(2);
  const second = producing();
  const ids = [first.vendorJobId, second.vendorJobId];
  const page = await list('ListMediaProducingJobs', { SortBy: 'CreationTime:Asc', MaxResults: '1' });
  expect(idsIn(page['MediaProducingJobList'])).toEqual([ids[0]]);
  const next = { SortBy: 'CreationTime:Asc', NextToken: String(page['NextToken']) };
  expect(idsIn((await list('ListMediaProducingJobs', next))['MediaProducingJobList'])).toEqual([ids[1]]);
});

describe('GetEventCallback', () => {
  it('tells the settings of the account, its key in clear', async () => {
    const events = ['ProduceMediaComplete', 'MediaConvertComplete'];
    const url = 'https://tracker.example.com/callbacks/media-cn/token';
    emulator = await startEmulator({
      accounts: [
        { ...account, callbackAuthKey: 'RotateMe123', eventCallback: { url, events } },
        { ...other, eventCallback: { queueName: 'ice-callback-jobs', authSwitch: 'off' } },
      ],
    });
    expect((await ask(emulator, account, 'GetEventCallback')).document).toEqual({
      RequestId: expect.any(String),
      CallbackType: 'HTTP',
      CallbackURL: url,
      EventTypeList: 'ProduceMediaComplete,MediaConvertComplete',
      AuthSwitch: 'on',
      AuthKey: 'RotateMe123',
      CallbackQueueName: '',
    });
    expect((await ask(emulator, other, 'GetEventCallback')).document).toMatchObject({
      CallbackType: 'MNS',
      CallbackQueueName: 'ice-callback-jobs',
      AuthSwitch: 'off',
    });
  });

  it('is empty where nothing was set', async () => {
    await start();
    const { RequestId: _, ...settings } = (await ask(emulator, account, 'GetEventCallback')).document;
    expect(new Set(Object.values(settings))).toEqual(new Set(['']));
    expect(Object.keys(settings)).toHaveLength(6);
  });
});
