import { startEmulator, type Api, type Emulator, type Faults } from '../../emulator/emulator.js';
import { APIS } from '../../emulator/kinds/kinds.js';
import { dueNow } from '../support/due-now.js';
import { eventually } from '../support/eventually.js';
import { vendorSample } from '../support/fixtures.js';
import { queueStores } from '../support/queue-stores.js';
import {
  HUAWEI_VENDOR_ACCOUNT,
  huaweiAccount,
  startTracker,
  testAccount,
  VENDOR_ACCOUNT,
  type TestTracker,
} from '../support/tracker.js';

describe.each(queueStores)('from callback and poll to history, queues on $name', (store) => {
  let emulator: Emulator;
  let tracker: TestTracker;

  beforeAll(async () => {
    emulator = await startEmulator({ seed: 11, timeScale: 0.01, accounts: [VENDOR_ACCOUNT, HUAWEI_VENDOR_ACCOUNT] });
    tracker = await startTracker({ store, accounts: [testAccount(emulator.url), huaweiAccount(emulator.url)] });
  });
  afterAll(async () => {
    await tracker.stop();
    await emulator.stop();
  });

  it("makes the vendor's sample of a producing job the job it should be", async () => {
    const document = vendorSample('alibaba-ims/media-producing');
    const vendorJobId = document.MediaProducingJob.JobId;
    emulator.submit({ api: 'alibaba-ims/media-producing', vendorJobId, document });
    const answer = await tracker.callback({
      EventType: 'ProduceMediaComplete',
      EventTime: '2020-12-23T13:33:53Z',
      MessageBody: { JobId: vendorJobId, Status: 'Fail' },
    });
    expect(answer).toEqual({ status: 200, text: 'ok' });

    const job = await eventually(async () => {
      const found = await tracker.job(vendorJobId);
      expect(found).toMatchObject({ status: 'failed', confirmed: true });
      return found;
    });
    expect(job).toMatchObject({
      account: 'media-cn',
      api: 'alibaba-ims/media-producing',
      vendorStatus: 'Failed',
      via: 'poll',
      progress: 0,
      templateId: '****6e76134d739cc3e85d3e****',
      error: { code: 'ExceededMaximumValue', message: 'The specified "Width_Height" has exceeded maximum value.' },
      userData: { NotifyAddress: 'http://xx.xx.xxx', Key: 'Valuexxx' },
      vendorCreatedAt: '2020-12-23T13:33:40.000Z',
      vendorFinishedAt: '2020-12-23T13:33:52.000Z',
      nextPollAt: null,
      outputs: [],
      subjobs: [],
      subjobCounts: { total: 0 },
    });
    // No output row under a failed job, and yet its file, media and project lead to it.
    for (const ref of [
      '****0cc6ba49eab379332c5b****',
      '****fddd7748b58bf1d47e95****',
      document.MediaProducingJob.MediaURL,
    ]) {
      const { body } = await tracker.get(`/v1/lookup?ref=${encodeURIComponent(ref)}`);
      expect(body.data.map((found: { id: string }) => found.id)).toEqual([job.id]);
    }
    // What has no column stays findable in the vendor's own object.
    expect((await tracker.get(`/v1/jobs/${job.id}/document`)).body).toEqual({ document: document.MediaProducingJob });
    expect((await tracker.history(job.id)).map(({ kind, from, to, via }) => [kind, from, to, via])).toEqual([
      ['job.registered', null, 'queued', 'callback'],
      ['job.status', 'queued', 'failed', 'callback'],
      ['job.status', 'failed', 'failed', 'poll'],
    ]);
  });

  it("makes the vendor's sample of a convert job the job it should be, parts, files and streams", async () => {
    const document = vendorSample('alibaba-ims/media-convert');
    const vendorJobId = document.Job.JobId;
    emulator.submit({ api: 'alibaba-ims/media-convert', vendorJobId, document });
    await tracker.callback({
      EventType: 'MediaConvertComplete',
      MessageBody: { JobId: vendorJobId, State: 'Complete' },
    });

    const job = await eventually(async () => {
      const found = await tracker.job(vendorJobId);
      expect(found).toMatchObject({ status: 'succeeded', confirmed: true });
      return found;
    });
    expect(job).toMatchObject({
      name: 'job-1-20241205-102045',
      vendorStatus: 'Complete',
      pipelineId: '83500cb2a3b94fabb0956e38d64bd16d',
      error: null,
      vendorError: { code: 'InvalidParameter.ResourceContentBad', message: 'The resource operated InputFile is bad' },
      userData: { videoId: 'ddd333' },
      userDataRaw: '{"videoId":"ddd333"}',
      vendorCreatedAt: '2024-12-07T13:01:07.000Z',
      subjobCounts: { total: 3, succeeded: 3 },
    });
    expect(
      job.subjobs.map(({ path, kind, status, vendorSubjobId }: any) => [path, kind, status, vendorSubjobId]),
    ).toEqual([
      ['output/0', 'output', 'succeeded', '******4215e042b3966ca5441e******'],
      ['output_group/0', 'output_group', 'succeeded', '******22dad741d086a50325f9******'],
      // The sample carries one TaskId twice; two places are two parts.
      ['output_group/0/output/0', 'output', 'succeeded', '******4215e042b3966ca5441e******'],
    ]);
    const [output, group, inGroup] = job.subjobs;
    expect(inGroup.parentId).toBe(group.id);
    expect(output.outputs).toEqual([
      expect.objectContaining({
        url: 'oss://bucket/path/to/video.mp4',
        mediaId: '9066406c306771f0bfa35107e0c90102',
        format: 'hls,applehttp',
        durationMs: 403_040,
        sizeBytes: 31_737,
        bitrateBps: 888_563,
        width: 848,
        height: 478,
      }),
    ]);
    const [video, audio] = output.outputs[0].streams;
    expect(video).toMatchObject({
      type: 'video',
      index: 0,
      codec: 'h264',
      fps: 25,
      bitrateBps: 888_563,
      frames: 10_040,
    });
    expect(video.raw).toEqual(document.Job.OutputDetails[0].Result.OutFileMeta.VideoStreamInfoList[0]);
    // "0.f" is nothing, and what was said is kept.
    expect(audio).toMatchObject({
      type: 'audio',
      index: 1,
      codec: 'aac',
      bitrateBps: null,
      sampleRateHz: 44_100,
      channels: 2,
    });
    expect(audio.raw.Bitrate).toBe('0.f');
    expect(job.notes).toEqual([
      expect.stringMatching(/OutputDetails\[0\].*Bitrate: "0\.f" is not a number/),
      expect.stringMatching(/OutputGroupDetails\[0\].*Bitrate: "0\.f" is not a number/),
    ]);
  });

  it("makes the vendor's sample of an animated image the job it should be, ids with newlines included", async () => {
    const document = vendorSample('alibaba-ims/dynamic-image');
    const vendorJobId = document.DynamicImageJob.JobId.trim();
    emulator.submit({ api: 'alibaba-ims/dynamic-image', vendorJobId, document });
    const { body } = await tracker.post('/v1/jobs', {
      account: 'media-cn',
      api: 'alibaba-ims/dynamic-image',
      vendorJobId,
    });
    const job = await eventually(async () => {
      const found = (await tracker.get(`/v1/jobs/${body.id}`)).body;
      expect(found).toMatchObject({ status: 'succeeded', confirmed: true });
      return found;
    });
    expect(job).toMatchObject({
      vendorJobId,
      name: 'SampleJob',
      vendorStatus: 'Success',
      error: null,
      vendorError: {
        code: 'ResourceNotFound',
        message: 'The specified resource for "CustomTemplate" could not be found.',
      },
      userData: { sampleParam: 'sampleValue' },
      outputs: [
        expect.objectContaining({
          url: 'http://test-bucket.oss-cn-shanghai.aliyuncs.com/output.gif',
          format: 'gif',
          width: 1920,
          height: 1080,
        }),
      ],
      notes: [],
    });
  });

  it('brings every job to its end, with callbacks and without', async () => {
    const isHuawei = (api: Api) => api.startsWith('huawei-mpc/');
    const jobs = Array.from({ length: 24 }, (_, i) => {
      const api = APIS[i % APIS.length] ?? 'alibaba-ims/media-convert';
      return emulator.submit({
        api,
        accessKeyId: (isHuawei(api) ? HUAWEI_VENDOR_ACCOUNT : VENDOR_ACCOUNT).accessKeyId,
        durationMs: 30_000 + i * 5_000,
        ...(i % 3 === 0 ? {} : { notifyAddress: tracker.notifyAddress }),
      });
    });
    const registered = await tracker.post('/v1/jobs/batch', {
      jobs: jobs.map(({ api, vendorJobId }) => ({
        account: isHuawei(api) ? huaweiAccount('').name : 'media-cn',
        api,
        vendorJobId,
      })),
    });
    expect(registered.body.results.map(({ status }: { status: number }) => status)).toEqual(jobs.map(() => 201));
    await eventually(() => expectSameEnds(tracker, jobs));
  });

  it('brings every job to its end when every callback is dropped and the vendor misbehaves', async () => {
    const bad: Partial<Faults> = {
      dropped: 1,
      throttled: 0.05,
      serverError: 0.1,
      htmlPage: 0.05,
      reset: 0.05,
      unknownWord: 0.1,
      dirtyValues: 0.3,
    };
    const good = { ...emulator.faults };
    emulator.setFaults(bad);
    const jobs = Array.from({ length: 12 }, (_, i) =>
      emulator.submit({
        api: i % 2 === 0 ? 'alibaba-ims/media-producing' : 'alibaba-ims/media-convert',
        durationMs: 30_000,
        notifyAddress: tracker.notifyAddress,
      }),
    );
    for (const { api, vendorJobId } of jobs) {
      await tracker.post('/v1/jobs', { account: 'media-cn', api, vendorJobId, callbackExpected: false });
    }
    await askUntilSameEnds(tracker, jobs);
    emulator.setFaults(good);
  });

  it('loses nothing when the queue store is wiped in the middle of a run', async () => {
    const all: ReturnType<Emulator['jobs']> = [];
    for (let wipes = 0; wipes < 4; wipes++) {
      const jobs = Array.from({ length: 5 }, (_, i) =>
        emulator.submit({
          api: i % 2 === 0 ? 'alibaba-ims/media-producing' : 'alibaba-ims/media-convert',
          durationMs: 100_000 + i * 30_000,
          notifyAddress: i % 3 === 0 ? tracker.notifyAddress : undefined,
        }),
      );
      all.push(...jobs);
      for (const { api, vendorJobId } of jobs) {
        await tracker.post('/v1/jobs', { account: 'media-cn', api, vendorJobId, callbackExpected: false });
      }
      // The beat has come back since the last time.
      await eventually(() =>
        expect(jobs.flatMap(({ vendorJobId: jobId }) => emulator.requests.where({ jobId }))).not.toHaveLength(0),
      );
      await tracker.wipeQueues();
    }
    // What the store lost comes back when its lease is over.
    await askUntilSameEnds(tracker, all);
  });
});

/** As `expectSameEnds`, without waiting for the time of the next look. */
async function askUntilSameEnds(tracker: TestTracker, jobs: ReturnType<Emulator['jobs']>): Promise<void> {
  const vendorJobIds = jobs.map(({ vendorJobId }) => vendorJobId);
  await eventually(
    async () => {
      await dueNow(tracker, vendorJobIds);
      await expectSameEnds(tracker, jobs);
    },
    { intervalMs: 250 },
  );
}

/** Every job ended as the vendor says it did, by a Get answer, with as many succeeded and failed parts. */
async function expectSameEnds(tracker: TestTracker, jobs: ReturnType<Emulator['jobs']>): Promise<void> {
  const rows = await tracker.rows<{
    vendor_job_id: string;
    status: string;
    confirmed: boolean;
    next_poll_at: Date | null;
  }>('SELECT vendor_job_id, status, confirmed, next_poll_at FROM jobs WHERE vendor_job_id = ANY ($1)', [
    jobs.map((job) => job.vendorJobId),
  ]);
  const ends = new Map(rows.map((row) => [row.vendor_job_id, [row.status, row.confirmed, row.next_poll_at]]));
  expect(jobs).not.toHaveLength(0);
  for (const job of jobs) expect(ends.get(job.vendorJobId)).toEqual([job.expectedStatus, true, null]);
}
