import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { APIS } from '../kinds/kinds.js';
import { askHuawei } from '../support/huawei-client.js';
import { ask } from '../support/ims-client.js';
import { until } from '../support/receiver.js';
import { startClouds, type Clouds } from './clouds.js';
import type { Registration, TrackerApi } from './tracker-api.js';

type Configured = { name: string; endpoint: string; accessKeyId: string; accessKeySecret: string; projectId?: string };

const folder = mkdtempSync(path.join(tmpdir(), 'callsheet-clouds-'));
const running: Clouds[] = [];
afterAll(async () => {
  await Promise.all(running.map((clouds) => clouds.stop()));
  rmSync(folder, { recursive: true });
});

async function start(jobsPerMinute: number) {
  const clouds = await startClouds(folder, { seed: running.length + 1, jobsPerMinute });
  running.push(clouds);
  const registered: Registration[] = [];
  const api = { register: async (jobs: Registration[]) => void registered.push(...jobs) } as TrackerApi;
  clouds.openTo({ url: 'http://127.0.0.1:9', api }, () => {});
  const { accounts } = clouds.configuration('http://127.0.0.1:9') as { accounts: Configured[] };
  const truths = () => [...clouds.truths.values()];
  return { clouds, registered, truths, accounts };
}

it('jobs of every kind come back after a restart, and all of their subjobs', async () => {
  const first = await start(6_000);
  await until(
    () =>
      APIS.every((api) => first.truths().some((truth) => truth.api === api)) &&
      first.truths().filter(({ unannounced }) => unannounced).length > 3 &&
      first.truths().some(({ api, expectedStatus }) => api.includes('batch') && expectedStatus === 'partially_failed'),
  );
  await first.clouds.stop();
  const played = first.truths();
  const gone = played.slice(0, 3);
  gone.forEach(({ vendorJobId }) => first.clouds.settled(vendorJobId));

  const second = await start(0.001);
  expect(second.clouds.resumed).toBe(played.length - gone.length);
  const byId = (truth: { vendorJobId: string }) => truth.vendorJobId;
  const unfinished = played.filter((truth) => !gone.includes(truth));
  expect(unfinished.every(({ vendorJobId }) => second.clouds.truths.has(vendorJobId))).toBe(true);

  // Who was announced is announced again, as before; the others are for the listing to find.
  const unannounced = unfinished.filter((truth) => truth.unannounced).map(byId);
  const announced = second.registered.map(byId);
  expect(announced.filter((id) => unannounced.includes(id))).toEqual([]);
  expect(announced).toEqual(expect.arrayContaining(unfinished.map(byId).filter((id) => !unannounced.includes(id))));
  const labelsIn = (jobs: Registration[]) => new Map(jobs.map((job) => [job.vendorJobId, job.labels]));
  for (const { api, vendorJobId } of unfinished.filter(({ api: name }) => name === 'huawei-mpc/editing')) {
    const labels = { tenant: expect.any(String), videoId: expect.any(String) };
    expect({ api, labels: labelsIn(first.registered).get(vendorJobId) }).toEqual({ api, labels });
    expect(labelsIn(second.registered).get(vendorJobId)).toEqual(labelsIn(first.registered).get(vendorJobId));
  }

  for (const truth of unfinished.filter(({ api }) => api === 'huawei-mpc/editing')) {
    expect(await clipStatus(second, truth.vendorJobId)).toBe(truth.expectedStatus);
  }
  for (const truth of unfinished.filter(({ api }) => api === 'alibaba-ims/batch-media-producing')) {
    expect(await batchStatus(second, truth.vendorJobId)).toBe(truth.expectedStatus);
  }
});

type Started = Awaited<ReturnType<typeof start>>;

/** Read as the tracker would. The clouds misbehave now and then: whoever asks again is answered. */
async function clipStatus({ accounts }: Started, vendorJobId: string): Promise<string> {
  const account = accounts.find(({ projectId }) => projectId !== undefined) as Configured;
  const job = await persistently(
    async () => (await askHuawei(placeOf(account), account, [vendorJobId])).body.job_array[0],
  );
  return job.status.toLowerCase();
}

async function batchStatus({ clouds, accounts, registered }: Started, vendorJobId: string): Promise<string> {
  const name = registered.find((job) => job.vendorJobId === vendorJobId)?.account ?? 'media-cn';
  const account = accounts.find((candidate) => candidate.name === name) as Configured;
  const get = async (action: string, id: string): Promise<any> =>
    (await persistently(() => ask(placeOf(account), account, action, id))).document;

  const { EditingBatchJob } = await get('GetBatchMediaProducingJob', vendorJobId);
  const words: string[] = [];
  for (const { JobId, Status } of EditingBatchJob.SubJobList) {
    // Values are untidy here and there.
    const id = JobId.trim();
    expect(clouds.isSubjob(id)).toBe(true);
    expect((await get('GetMediaProducingJob', id)).MediaProducingJob.Status).toBe(Status);
    words.push(Status);
  }
  const some = words.includes('Success');
  const failed = words.includes('Failed') || EditingBatchJob.Status === 'Failed' || (!some && words.length === 0);
  return failed ? (some ? 'partially_failed' : 'failed') : 'succeeded';
}

const placeOf = ({ endpoint }: Configured) => ({ port: Number(new URL(endpoint).port) });

async function persistently<T>(call: () => Promise<T>): Promise<T> {
  return call().catch(() => persistently(call));
}
