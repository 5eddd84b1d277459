import { startEmulator, type Emulator, type Faults } from './emulator.js';
import { askHuawei } from './support/huawei-client.js';
import { VirtualTimers } from './support/virtual-timers.js';

const account = { accessKeyId: 'HWAK', accessKeySecret: 'HWSECRET', projectId: '0123456789abcdef0123456789abcdef' };
const other = { accessKeyId: 'OTHER', accessKeySecret: 'OTHERSECRET', projectId: 'ffff456789abcdef0123456789abcdef' };
const RUNNING = { queueMs: 0, durationMs: 3_600_000 } as const;
const DONE = { queueMs: 0, durationMs: 0, outcome: 'succeeded' } as const;

let emulator: Emulator;
let timers: VirtualTimers;
const start = async (faults: Partial<Faults> = {}, seed = 1) => {
  timers = new VirtualTimers();
  emulator = await startEmulator({ accounts: [account, other], faults, seed, timers });
};
afterEach(() => emulator.stop());

const get = (ids: string[], change?: Parameters<typeof askHuawei>[3]) => askHuawei(emulator, account, ids, change);
const clip = (more: object = {}) =>
  emulator.submit({ api: 'huawei-mpc/editing', accessKeyId: 'HWAK', ...RUNNING, ...more });
const idsIn = ({ body }: Awaited<ReturnType<typeof get>>) =>
  body.job_array.map((job: { job_id: string }) => job.job_id);

it('one call tells of ten jobs, in an order of its own', async () => {
  await start();
  const jobs = Array.from({ length: 10 }, () => clip());
  const ids = jobs.map(({ vendorJobId }) => vendorJobId);
  const answer = await get(ids);
  expect(answer.status).toBe(200);
  expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}-\d{13}-\S+$/);
  expect(Object.keys(answer.body)).toEqual(['job_array']);
  expect([...idsIn(answer)].sort()).toEqual([...ids].sort());
  expect(idsIn(answer)).not.toEqual([...ids].sort());
  expect(idsIn(await get(ids))).toEqual(idsIn(answer));
  expect(answer.body.job_array).toEqual(expect.arrayContaining([expect.objectContaining({ status: 'PROCESSING' })]));
  for (const id of ids) expect(id).toMatch(/^\d+$/);

  const sorted = [...ids].sort();
  expect(emulator.requests.entries[0]).toMatchObject({
    action: 'ListEditingJobs',
    accessKeyId: 'HWAK',
    jobId: sorted.join(),
    jobIds: sorted,
    status: 200,
    outcome: 'ok',
  });
});

it('two jobs never come as they were asked for', async () => {
  await start();
  for (let count = 0; count < 10; count++) {
    const ids = [clip().vendorJobId, clip().vendorJobId].sort();
    expect(idsIn(await get(ids))).toEqual(ids.toReversed());
  }
});

it.each([
  ['no id', []],
  ['more than ten', Array.from({ length: 11 }, (_, place) => String(place + 1))],
  ['one that is no number among good ones', ['1', 'abc', '2']],
])('%s: the whole call is wrong', async (_, ids) => {
  await start();
  expect(await get(ids)).toMatchObject({
    status: 400,
    body: { error_code: 'MPC.10202', error_msg: expect.stringContaining('job_id') },
  });
});

it('an id may be illegal although it looks like any other', async () => {
  const illegalIds = new Set<string>();
  await start({ illegalIds });
  const [good, bad] = [clip().vendorJobId, clip().vendorJobId];
  illegalIds.add(bad);
  expect(await get([good, bad])).toMatchObject({ status: 400, body: { error_code: 'MPC.10202' } });
  expect(idsIn(await get([good]))).toEqual([good]);
});

it('what it does not know is left out, or marked', async () => {
  await start();
  const mine = clip();
  const hidden = clip({ hidden: true });
  const young = clip({ jobNotFoundForMs: 3_600_000 });
  const foreign = clip({ accessKeyId: 'OTHER' });
  const others = [hidden, young, foreign].map(({ vendorJobId }) => vendorJobId);
  const ids = [mine.vendorJobId, ...others, '4711'];
  expect(idsIn(await get(ids))).toEqual([mine.vendorJobId]);

  emulator.setFaults({ noTask: 1 });
  const { body } = await get(ids);
  expect(body.job_array).toHaveLength(5);
  for (const job_id of [...others, '4711']) expect(body.job_array).toContainEqual({ job_id, status: 'NO_TASK' });
  hidden.hidden = false;
  emulator.setFaults({ noTask: 0 });
  expect([...idsIn(await get(ids))].sort()).toEqual([mine, hidden].map((job) => job.vendorJobId).sort());
});

describe('the gate', () => {
  it.each([
    ['an unknown key', { ...account, accessKeyId: 'NOBODY' }, {}, 401, 'APIGW.0301'],
    ['a wrong secret', { ...account, accessKeySecret: 'WRONG' }, {}, 401, 'APIGW.0301'],
    ['no signature', account, { unsigned: true }, 401, 'APIGW.0301'],
    ['an old request', account, { at: Date.now() - 16 * 60_000 }, 401, 'APIGW.0303'],
    ['the project of somebody else', account, { project: other.projectId }, 400, 'MPC.10208'],
    [
      'a project in the path only',
      account,
      { project: other.projectId, headers: { 'x-project-id': account.projectId } },
      400,
      'MPC.10208',
    ],
    ['a project in the header only', account, { headers: { 'x-project-id': other.projectId } }, 400, 'MPC.10208'],
    ['another method', account, { method: 'DELETE' }, 400, 'MPC.10204'],
  ] as const)('refuses %s', async (_, who, change, status, code) => {
    await start();
    const { vendorJobId } = clip();
    const answer = await askHuawei(emulator, who, [vendorJobId], change);
    expect(answer).toMatchObject({ status, body: { error_code: code, error_msg: expect.any(String) } });
    expect(Object.keys(answer.body)).toEqual(['error_code', 'error_msg']);
    expect(emulator.requests.entries.at(-1)).toMatchObject({ status, outcome: code });
  });

  it('takes the project’s header in both spellings', async () => {
    await start();
    const { vendorJobId } = clip();
    const headers = { 'x-project-id': '', 'x-project_id': account.projectId };
    expect(await get([vendorJobId], { headers })).toMatchObject({ status: 200 });
  });

  it('opens when the right secret is the right one again', async () => {
    const wrongSecrets = new Set(['HWAK']);
    await start({ wrongSecrets });
    const { vendorJobId } = clip();
    expect(await get([vendorJobId])).toMatchObject({ status: 401, body: { error_code: 'APIGW.0301' } });
    wrongSecrets.clear();
    expect(await get([vendorJobId])).toMatchObject({ status: 200 });
  });

  it('does not let pass what the policy forbids, nor more than the limit', async () => {
    await start({ forbiddenActions: ['ListEditingJobs'] });
    const { vendorJobId } = clip();
    expect(await get([vendorJobId])).toMatchObject({
      status: 403,
      body: { error_code: 'PDP.0001', error_msg: "Policy doesn't allow mpc:editingTask:view to be performed." },
    });
    emulator.setFaults({ forbiddenActions: [], limitPerSecond: 100 / 60, limitBurst: 3 });
    const answers = await Promise.all(Array.from({ length: 8 }, () => get([vendorJobId])));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(3);
    expect(
      answers.filter(({ body }) => body.error_code === 'APIG.0308' && body.error_msg.includes('throttling')),
    ).toHaveLength(5);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 429]));
  });
});

it.each([
  ['throttled', 429, 'APIG.0308'],
  ['serverError', expect.any(Number), 'MPC.10212'],
] as const)('%s happens at rate 1, and ends when switched off', async (fault, status, code) => {
  await start({ [fault]: 1 });
  const { vendorJobId } = clip();
  expect(await get([vendorJobId])).toMatchObject({ status, body: { error_code: code } });
  emulator.setFaults({ [fault]: 0 });
  expect(await get([vendorJobId])).toMatchObject({ status: 200 });
});

it('what a call meets is decided by the seed', async () => {
  const outcomes = async () => {
    await start({ throttled: 0.5 }, 5);
    const ids = [clip().vendorJobId, clip().vendorJobId];
    for (let turn = 0; turn < 12; turn++) await get(ids);
    await emulator.stop();
    return emulator.requests.entries.map(({ outcome }) => outcome);
  };
  const first = await outcomes();
  expect(new Set(first)).toEqual(new Set(['ok', 'APIG.0308']));
  expect(await outcomes()).toEqual(first);
});

it('an unknown word replaces a status that is not final, and only such a one', async () => {
  await start({ unknownWord: 1 });
  const [running, done] = [clip(), clip(DONE)];
  await timers.pass(5);
  const { body } = await get([running.vendorJobId, done.vendorJobId]);
  const statusOf = (id: string) => body.job_array.find((job: { job_id: string }) => job.job_id === id).status;
  expect(['WAITING', 'PROCESSING', 'SUCCEEDED', 'FAILED']).not.toContain(statusOf(running.vendorJobId));
  expect(statusOf(done.vendorJobId)).toBe('SUCCEEDED');
});

it('dirty values are as loosely typed as the vendor’s examples, and say the same', async () => {
  await start({ dirtyValues: 1 });
  const job = clip(DONE);
  await timers.pass(5);
  const [dirty] = (await get([job.vendorJobId])).body.job_array;
  const { job_array: [clean = {}] = [] } = job.answer() as { job_array?: Record<string, unknown>[] };
  expect(dirty).toMatchObject({
    job_id: Number(job.vendorJobId),
    create_time: Number(clean['create_time']),
    progress: '100',
    status: 'SUCCEEDED',
    error_code: 'MPC.10218',
    output: clean['output'],
  });
  expect((await get([job.vendorJobId])).body.job_array).toEqual([dirty]);
});

it('fields can be left out, added and made something else', async () => {
  await start({ changedFields: { drop: ['progress'], add: { priority: 3 }, retype: ['status', 'nowhere'] } });
  const { vendorJobId } = clip();
  const [job] = (await get([vendorJobId])).body.job_array;
  expect(job).toMatchObject({ job_id: vendorJobId, priority: 3, status: { value: 'PROCESSING' } });
  expect(job).not.toHaveProperty('progress');
  expect(job).not.toHaveProperty('nowhere');
});

it('a document of one’s own is found by its id, or is the only one', async () => {
  await start();
  const document = {
    job_array: [
      { job_id: '1', status: 'FAILED' },
      { job_id: '30647', status: 'SUCCEEDED', odd: true },
    ],
  };
  const named = clip({ vendorJobId: '30647', document });
  const only = clip({ vendorJobId: '99', document: { job_array: [{ job_id: 99, status: 'WAITING' }] } });
  const { body } = await get([named.vendorJobId, only.vendorJobId]);
  expect(body.job_array).toContainEqual({ job_id: '30647', status: 'SUCCEEDED', odd: true });
  expect(body.job_array).toContainEqual({ job_id: 99, status: 'WAITING' });
});

it('a clip belongs to an account with a project', async () => {
  await start();
  expect(emulator.submit({ api: 'huawei-mpc/editing' }).accessKeyId).toBe('HWAK');
  expect(emulator.accountsFor('huawei-mpc/editing').map(({ accessKeyId }) => accessKeyId)).toEqual(['HWAK', 'OTHER']);
  emulator.setAccounts([{ accessKeyId: 'AK', accessKeySecret: 'S' }]);
  expect(() => emulator.submit({ api: 'huawei-mpc/editing' })).toThrow('projectId');
  expect(() => emulator.submit({ api: 'huawei-mpc/editing', accessKeyId: 'AK' })).toThrow('projectId');
});
