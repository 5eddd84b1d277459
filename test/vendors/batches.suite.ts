import { startEmulator, type EmulatedJob, type Emulator, type SubmitOptions } from '../../emulator/emulator.js';
import { eventually } from '../support/eventually.js';
import { vendorSample } from '../support/fixtures.js';
import { startTracker, VENDOR_ACCOUNT, type TestTracker } from '../support/tracker.js';

const BATCH = 'alibaba-ims/batch-media-producing';
const PRODUCING = 'alibaba-ims/media-producing';

describe('quick video batches', () => {
  let emulator: Emulator;
  let tracker: TestTracker;

  beforeAll(async () => {
    emulator = await startEmulator({ seed: 41, timeScale: 0.01, accounts: [VENDOR_ACCOUNT] });
    tracker = await startTracker({ emulator });
  });
  afterAll(async () => {
    await tracker.stop();
    await emulator.stop();
  });

  const submit = (order: Partial<SubmitOptions> = {}): EmulatedJob =>
    emulator.submit({ api: BATCH, queueMs: 0, durationMs: 10_000, subjobCallbacks: false, ...order });
  const register = async (vendorJobId: string, api = BATCH): Promise<string> =>
    (await tracker.post('/v1/jobs', { account: 'media-cn', api, vendorJobId, callbackExpected: false })).body.id;
  const view = async (id: string) => (await tracker.get(`/v1/jobs/${id}`)).body;
  const ended = async (id: string, batch: EmulatedJob) => {
    await eventually(async () => {
      const rows = await tracker.rows('SELECT status, confirmed FROM jobs WHERE id = $1', [id]);
      expect(rows).toEqual([{ status: batch.expectedStatus, confirmed: true }]);
    });
    const job = await view(id);
    expect(job).toMatchObject({ status: batch.expectedStatus, confirmed: true });
    return job;
  };
  const asked = (jobId: string) => emulator.requests.where({ jobId, action: 'GetMediaProducingJob' });

  it("reads the vendor's own sample to its last field", async () => {
    const document = vendorSample(BATCH);
    const vendorJobId = document.EditingBatchJob.JobId;
    emulator.submit({ api: BATCH, vendorJobId, document, queueMs: 0, durationMs: 0 });
    const id = await register(vendorJobId);
    await eventually(async () => expect((await view(id)).status).toBe('succeeded'));
    expect(await view(id)).toMatchObject({
      vendorStatus: 'Finished',
      error: null,
      vendorError: { code: 'InvalidMaterial.NotFound' },
      userData: { NotifyAddress: 'http://xx.xx.xxx' },
      vendorCreatedAt: '2024-06-13T08:47:07.000Z',
      vendorFinishedAt: '2024-06-13T08:57:07.000Z',
      subjobCounts: { total: 1, succeeded: 1 },
      subjobs: [
        {
          path: 'batch_item/****8e81933d44e3ae69e2f81485****',
          kind: 'batch_item',
          status: 'succeeded',
          error: null,
          vendorError: { code: 'InvalidMaterial.NotFound' },
          outputs: [
            { url: 'http:/xxx.oss-cn-shanghai.aliyuncs.com/xxx_0.mp4', mediaId: '****1470b11171ee9d19e7e6c66a****' },
          ],
        },
      ],
    });
    expect((await tracker.get(`/v1/jobs/${id}/document`)).text).toContain('MaxDuration');
    // The subjob, its project, its media and its file all lead to the batch.
    for (const ref of [
      '****8e81933d44e3ae69e2f81485****',
      '****7cc47fe04eaa81bd853acb6a****',
      'http:/xxx.oss-cn-shanghai.aliyuncs.com/xxx_0.mp4',
    ]) {
      const { body } = await tracker.get(`/v1/lookup?ref=${encodeURIComponent(ref)}`);
      expect(body.data.map((job: { id: string }) => job.id)).toEqual([id]);
    }
  });

  it('ends as its subjobs do, whichever way', async () => {
    const orders: Partial<SubmitOptions>[] = [
      { outcome: 'succeeded', subjobs: 3 },
      { outcome: 'partially_failed', subjobs: 4 },
      { outcome: 'failed', subjobs: 2 },
      { batchError: true },
      { outcome: 'partially_failed', subjobs: 5, openSubjobs: 2 },
      { outcome: 'succeeded', subjobs: 3, missingSubjobs: 2 },
    ];
    const batches = orders.map((order) => submit(order));
    const ids = await Promise.all(batches.map(({ vendorJobId }) => register(vendorJobId)));
    for (const [i, batch] of batches.entries()) {
      const job = await ended(ids[i] ?? '', batch);
      expect(Object.fromEntries(job.subjobs.map((part: any) => [part.path, part.status]))).toEqual(
        Object.fromEntries(batch.expectedSubjobs.map(({ path, status }) => [path, status])),
      );
    }
    // An error of the batch itself, and no subjobs.
    expect(await view(ids[3] ?? '')).toMatchObject({
      status: 'failed',
      error: { code: expect.any(String) },
      subjobs: [],
    });
  });

  it('asks for each failed subjob once, and takes its times from the answer', async () => {
    const batch = submit({ outcome: 'partially_failed', subjobs: 6 });
    const id = await register(batch.vendorJobId);
    await ended(id, batch);
    await eventually(async () => {
      const { subjobs } = await view(id);
      const failed = subjobs.filter((part: any) => part.status === 'failed');
      expect(failed.length).toBeGreaterThan(0);
      for (const part of failed) {
        expect(part).toMatchObject({
          error: { code: expect.any(String), message: expect.any(String) },
          vendorCreatedAt: expect.any(String),
          vendorFinishedAt: expect.any(String),
        });
        expect(asked(part.vendorSubjobId)).toHaveLength(1);
      }
      const succeeded = subjobs.filter((part: any) => part.status === 'succeeded');
      expect(succeeded.length).toBeGreaterThan(0);
      for (const part of succeeded) {
        expect(asked(part.vendorSubjobId)).toHaveLength(0);
      }
    });
    // What they are jobs of is told, and nobody meets them in a list.
    const { subjobs } = await view(id);
    const failed = subjobs.find((part: any) => part.status === 'failed').vendorSubjobId;
    const rows = await tracker.rows('SELECT parent_job_id, status, next_poll_at FROM jobs WHERE vendor_job_id = $1', [
      failed,
    ]);
    expect(rows).toEqual([{ parent_job_id: id, status: 'failed', next_poll_at: null }]);
    // Its id leads to the batch.
    expect((await tracker.get(`/v1/jobs?q=${failed}`)).body.data).toMatchObject([{ id }]);
    // Unless somebody asks for one by name.
    await register(failed, PRODUCING);
    expect(await tracker.job(failed)).toMatchObject({ parentJobId: id, status: 'failed' });
  });

  it('knows the subjobs that called back before anybody had heard of their batch', async () => {
    const batch = submit({
      outcome: 'partially_failed',
      subjobs: 3,
      subjobCallbacks: true,
      notifyAddress: tracker.notifyAddress,
    });
    const parts = batch.expectedSubjobs.map(({ path }) => path.replace('batch_item/', ''));
    // The batch's own callback would announce it too.
    const known = () =>
      tracker.rows('SELECT vendor_job_id, parent_job_id FROM jobs WHERE vendor_job_id = ANY ($1)', [parts]);
    await eventually(async () => expect(await known()).toHaveLength(3));
    await eventually(async () => expect(await tracker.job(batch.vendorJobId)).toBeDefined());
    const id = (await tracker.job(batch.vendorJobId)).id;
    await ended(id, batch);
    await eventually(async () => expect((await known()).map((row) => row['parent_job_id'])).toEqual([id, id, id]));
    const listed = (await tracker.get('/v1/jobs?limit=200')).body.data.map((job: any) => job.vendorJobId);
    expect(listed).toContain(batch.vendorJobId);
    for (const part of parts) expect(listed).not.toContain(part);
  });

  it('follows a subjob that calls back while its batch runs', async () => {
    const batch = submit({ outcome: 'succeeded', subjobs: 2, durationMs: 600_000 });
    const id = await register(batch.vendorJobId);
    await eventually(async () => expect((await view(id)).subjobs).toHaveLength(2));
    const [part] = (await view(id)).subjobs;
    const vendorJobId = part.vendorSubjobId;
    await tracker.callback({
      EventType: 'ProduceMediaComplete',
      EventTime: new Date().toISOString().replace(/\.\d+/, ''),
      MessageBody: { JobId: vendorJobId, Status: 'Success' },
    });
    await eventually(async () => {
      const rows = await tracker.rows('SELECT parent_job_id FROM jobs WHERE vendor_job_id = $1', [vendorJobId]);
      expect(rows).toEqual([{ parent_job_id: id }]);
    });
    await tracker.post(`/v1/jobs/${id}/close`);
  });

  it('applies and reads a batch of 1,000 subjobs', async () => {
    const batch = submit({ outcome: 'partially_failed', subjobs: 1000 });
    const id = await register(batch.vendorJobId);
    const job = await ended(id, batch);
    expect(job.subjobCounts.total).toBe(1000);
    expect(job.subjobs.map((part: any) => part.position)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    expect(Object.fromEntries(job.subjobs.map((part: any) => [part.path, part.status]))).toEqual(
      Object.fromEntries(batch.expectedSubjobs.map(({ path, status }) => [path, status])),
    );
  });
});
