import { readFileSync } from 'node:fs';
import path from 'node:path';
import { startEmulator, type EmulatedJob, type Emulator } from '../../emulator/emulator.js';
import { NO_FAULTS } from '../../emulator/faults.js';
import { dueNow } from '../support/due-now.js';
import { eventually } from '../support/eventually.js';
import { HUAWEI_VENDOR_ACCOUNT, huaweiAccount, startTracker, type TestTracker } from '../support/tracker.js';

const API = 'huawei-mpc/editing';
const SAMPLE = JSON.parse(
  readFileSync(path.join(import.meta.dirname, '../fixtures/huawei-mpc-editing/vendor-sample.payload.json'), 'utf8'),
);

describe('jobs of Huawei MPC', () => {
  let emulator: Emulator;
  let tracker: TestTracker;

  beforeAll(async () => {
    emulator = await startEmulator({ seed: 41, timeScale: 0.01, accounts: [HUAWEI_VENDOR_ACCOUNT] });
    tracker = await startTracker({ emulator, accounts: [huaweiAccount(emulator.url)] });
  });
  afterAll(async () => {
    await tracker.stop();
    await emulator.stop();
  });
  afterEach(() => emulator.setFaults(NO_FAULTS));

  const register = async (vendorJobIds: string[]): Promise<string[]> => {
    const jobs = vendorJobIds.map((vendorJobId) => ({ account: 'clips-cn', api: API, vendorJobId }));
    const { body } = await tracker.post('/v1/jobs/batch', { jobs });
    return body.results.map(({ job }: { job: { id: string } }) => job.id);
  };
  const show = async (id: string) => (await tracker.get(`/v1/jobs/${id}`)).body;
  const budget = async () => (await tracker.get('/v1/accounts')).body.data[0].budgets[0];
  let submitted = 1000;
  const playing = (status: string): EmulatedJob => {
    const vendorJobId = String((submitted += 1));
    const document = { job_array: [{ job_id: vendorJobId, status, create_time: '20261121023000' }] };
    return emulator.submit({ api: API, vendorJobId, document });
  };

  it("makes the vendor's sample the two jobs it should be, out of one answer", async () => {
    for (const { job_id: vendorJobId } of SAMPLE.job_array)
      emulator.submit({ api: API, vendorJobId, document: SAMPLE });
    const [done = '', running = ''] = await register(['30647', '30648']);

    await eventually(async () => expect(await show(done)).toMatchObject({ status: 'succeeded', confirmed: true }));
    expect(await show(done)).toMatchObject({
      account: 'clips-cn',
      api: API,
      vendorJobId: '30647',
      name: 'demo',
      vendorStatus: 'SUCCEEDED',
      via: 'poll',
      progress: 100,
      error: null,
      callbackExpected: false,
      vendorCreatedAt: '2026-11-21T02:30:00.000Z',
      vendorFinishedAt: '2026-11-21T02:31:31.000Z',
      nextPollAt: null,
      subjobs: [],
      outputs: [
        {
          url: 'obs://example-bucket/out/clip.mp4',
          format: 'MP4',
          durationMs: 60_186,
          sizeBytes: 8_388_608,
          width: 1280,
          height: 720,
          streams: [
            { type: 'video', codec: 'H264', width: 1280, fps: 25, durationMs: 60_186, bitrateBps: 1_000_000 },
            { type: 'audio', codec: 'AAC', sampleRateHz: 48_000, channels: 2, durationMs: 60_160, bitrateBps: 128_000 },
          ],
        },
      ],
      notes: [],
    });
    const { body } = await tracker.get(`/v1/jobs?q=${encodeURIComponent('obs://example-bucket/out/clip.mp4')}`);
    expect(body.data.map(({ id }: { id: string }) => id)).toEqual([done]);

    await eventually(async () => expect(await show(running)).toMatchObject({ status: 'running', progress: 40 }));
    expect((await show(running)).nextPollAt).not.toBeNull();
  });

  it('knows every word of the vendor, in any case', async () => {
    const meanings = {
      queued: ['INIT', 'WAITING', 'NEED_TO_BE_AUDIT'],
      running: ['PREPROCESSING', 'PROCESSING', 'TRANSCODING'],
      succeeded: ['SUCCEED', 'SUCCEEDED', 'succeeded'],
      failed: ['FAILED', 'failed'],
      canceled: ['CANCELED', 'CANCELLED', 'Canceled'],
    };
    const words = Object.entries(meanings).flatMap(([status, all]) => all.map((word) => ({ status, word })));
    const ids = await register(words.map(({ word }) => playing(word).vendorJobId));
    await eventually(async () => {
      const rows = await tracker.rows('SELECT id, status, vendor_status FROM jobs WHERE id = ANY ($1)', [ids]);
      const seen = new Map(rows.map((row) => [row['id'], { status: row['status'], word: row['vendor_status'] }]));
      expect(ids.map((id) => seen.get(id))).toEqual(words);
    });
  });

  it('keeps a word that nobody knows, and goes on asking', async () => {
    const [id = ''] = await register([playing('LEVITATING').vendorJobId]);
    await eventually(async () => expect(await show(id)).toMatchObject({ vendorStatus: 'LEVITATING' }));
    expect(await show(id)).toMatchObject({ status: 'queued', nextPollAt: expect.any(String) });
  });

  it.each([
    ['leaves out', 0],
    ['calls NO_TASK', 1],
  ])('waits the grace out for a job that the answer %s, then it is lost, until it is found', async (_, noTask) => {
    emulator.setFaults({ noTask });
    const hidden = emulator.submit({ api: API, queueMs: 0, durationMs: 1, outcome: 'succeeded', hidden: true });
    const [id = ''] = await register([hidden.vendorJobId]);
    await eventually(async () => expect((await tracker.get(`/v1/jobs/${id}/receipts`)).body.data).not.toHaveLength(0));
    expect(await show(id)).toMatchObject({ status: 'queued', confirmed: false });

    await tracker.rows(`UPDATE jobs SET created_at = now() - interval '15 minutes' WHERE id = $1`, [id]);
    await tracker.post(`/v1/jobs/${id}/refresh`);
    await eventually(async () => expect(await show(id)).toMatchObject({ status: 'lost', nextPollAt: null }));

    hidden.hidden = false;
    await tracker.post(`/v1/jobs/${id}/refresh`);
    await eventually(async () => expect(await show(id)).toMatchObject({ status: 'succeeded', confirmed: true }));
  });

  it('brings every job to its end though the vendor misbehaves', async () => {
    emulator.setFaults({
      throttled: 0.03,
      serverError: 0.05,
      htmlPage: 0.02,
      reset: 0.02,
      unknownWord: 0.1,
      dirtyValues: 0.3,
    });
    const jobs = Array.from({ length: 24 }, () => emulator.submit({ api: API, durationMs: 30_000 }));
    const vendorJobIds = jobs.map(({ vendorJobId }) => vendorJobId);
    const ids = await register(vendorJobIds);
    await eventually(
      async () => {
        await dueNow(tracker, vendorJobIds);
        const rows = await tracker.rows('SELECT id, status, confirmed, next_poll_at FROM jobs WHERE id = ANY ($1)', [
          ids,
        ]);
        const ends = new Map(rows.map(({ id, ...end }) => [id, end]));
        expect(ids.map((id) => ends.get(id))).toEqual(
          jobs.map(({ expectedStatus: status }) => ({ status, confirmed: true, next_poll_at: null })),
        );
      },
      { intervalMs: 250 },
    );
    const failed = jobs.findIndex(({ expectedError }) => expectedError !== undefined);
    if (failed !== -1) expect(await show(ids[failed] ?? '')).toMatchObject({ error: jobs[failed]?.expectedError });
  });

  it.each<[string, Parameters<Emulator['setFaults']>[0], string, string]>([
    ['key', { refuseKeys: [HUAWEI_VENDOR_ACCOUNT.accessKeyId] }, 'APIGW.0301', 'account'],
    ['secret', { wrongSecrets: [HUAWEI_VENDOR_ACCOUNT.accessKeyId] }, 'APIGW.0301', 'account'],
    ['clock', { clockSkewMs: 3_600_000 }, 'APIGW.0303', 'account'],
    ['permission', { forbiddenActions: ['ListEditingJobs'] }, 'PDP.0001', 'api'],
  ])('pauses when the vendor does not like our %s, and goes on when it does', async (_, faults, code, scope) => {
    emulator.setFaults(faults);
    const [id = ''] = await register([playing('SUCCEEDED').vendorJobId]);
    await eventually(async () => expect(await budget()).toMatchObject({ paused: { code, scope } }));
    expect(await show(id)).toMatchObject({ status: 'queued' });
    expect((await tracker.get('/v1/accounts')).text).not.toContain('AKSECRETFINDME');

    emulator.setFaults(NO_FAULTS);
    await eventually(
      async () => {
        // A minute later, as far as the budget knows; once more when an answer of before has paused it again.
        await tracker.rows('UPDATE budgets SET probe_at = now() WHERE probe_at > now()');
        expect(await show(id)).toMatchObject({ status: 'succeeded' });
        expect(await budget()).toMatchObject({ paused: null });
      },
      { intervalMs: 100 },
    );
  });
});
