import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { draw, type Draw } from '../draw.js';
import { type EmulatedJob, type Emulator, type Faults, startEmulator, type SubmitOptions } from '../emulator.js';
import { startTraffic } from '../traffic.js';
import { JobFiles } from './job-files.js';
import type { Registration, TrackerApi } from './tracker-api.js';
import type { Truth } from './verdict.js';

const ACCOUNTS = [
  { name: 'media-cn', region: 'cn-shanghai' },
  { name: 'media-sg', region: 'ap-southeast-1' },
];
const JOBS_PER_MINUTE = 25;
/** A few jobs at once, so that the table is worth a look from the beginning. */
const OPENING = { jobsPerMinute: 240, forMs: 2_500 };
const KEEP_JOBS = 2_000;
const KEEP_LOG = 1_000;
/** The truth about older jobs than these is forgotten, so that the demo may run for weeks. */
const KEEP_TRUTHS = 20_000;

/** What real clouds do too, only not so often. */
const FAULTS: Partial<Faults> = {
  dropped: 0.1,
  doubled: 0.05,
  delayed: 0.05,
  delayMs: 20_000,
  reordered: 0.05,
  forged: 0.08,
  throttled: 0.005,
  serverError: 0.01,
  htmlPage: 0.005,
  reset: 0.005,
  unknownWord: 0.005,
  dirtyValues: 0.02,
};

const LASTS_MS = { least: 9_000, most: 84_000 };
const WAITS_MS = { least: 1_000, most: 6_000 };
const PARTLY_FAILED = 0.12;
const OTHER_SCRIPTS = 0.15;
const TITLES = ['世界杯集锦', '早间新闻', '新品开箱', '旅行日记', '예고편', 'été-à-la-mer'] as const;
/** A customer who counts on so many callbacks for one job leaves it to them to announce it. */
const ENOUGH_CALLBACKS = 3;
const ATTEMPTS_TO_REGISTER = 5;
/** What `POST /v1/jobs/batch` takes. */
const BATCH = 1_000;

export type Clouds = {
  /** What the emulator plays: the jobs of this run and the unfinished ones of the last. */
  readonly truths: ReadonlyMap<string, Truth>;
  readonly resumed: number;
  /** The tracker's `callsheet.yaml`. */
  configuration: (publicUrl: string) => Record<string, unknown>;
  /** Customers begin to submit. Those who cannot count on callbacks register their jobs with the tracker. */
  openTo(tracker: { url: string; api: TrackerApi }, onTrouble: (message: string) => void): void;
  /** The tracker knows how the job ended: it need not survive a restart. */
  settled(vendorJobId: string): void;
  stop(): Promise<void>;
};

/** The clouds of the demo and their customers. Jobs that are not settled when it ends, however it ends, come back. */
export async function startClouds(folder: string): Promise<Clouds> {
  const accounts = ACCOUNTS.map((account) => ({
    ...account,
    accessKeyId: `demo${randomBytes(8).toString('hex')}`,
    accessKeySecret: randomBytes(16).toString('hex'),
    callbackAuthKey: randomBytes(12).toString('hex'),
    token: randomBytes(12).toString('hex'),
  }));
  // Another seed each time, or this run would submit the ids of the last one again.
  const seed = Date.now();
  const emulator = await startEmulator({ seed, accounts, faults: FAULTS, keepJobs: KEEP_JOBS, logLimit: KEEP_LOG });
  const files = new JobFiles(folder);
  const truths = new Map<string, Truth>();
  const stopping = new AbortController();
  const closers: (() => void)[] = [];

  const resumed = files.load().flatMap(({ document, ...job }): Registration[] => {
    const accessKeyId = accounts.find(({ name }) => name === job.account)?.accessKeyId;
    if (accessKeyId === undefined) return [];
    const { vendorJobId, api } = job;
    // The clouds went on without us: it is over by now, and its callbacks met nobody.
    emulator.submit({ api, accessKeyId, vendorJobId, document, queueMs: 0, durationMs: 0 });
    truths.set(vendorJobId, job);
    return [{ account: job.account, api, vendorJobId, callbackExpected: false }];
  });

  const submit = (order: SubmitOptions): EmulatedJob => {
    const job = emulator.submit(order);
    const { vendorJobId, api, expectedStatus } = job;
    const truth: Truth = { vendorJobId, api, expectedStatus, endsAt: job.endsAt.getTime() };
    files.keep({ ...truth, account: accountOf(job).name, document: job.answer(job.endsAt) });
    truths.set(vendorJobId, truth);
    const oldest = truths.keys().next();
    if (truths.size > KEEP_TRUTHS && !oldest.done) truths.delete(oldest.value);
    return job;
  };
  const accountOf = ({ accessKeyId }: Pick<EmulatedJob, 'accessKeyId'>) => {
    const account = accounts.find((candidate) => candidate.accessKeyId === accessKeyId);
    if (!account) throw new Error('a job belongs to one of the accounts');
    return account;
  };

  return {
    truths,
    resumed: resumed.length,

    configuration: (publicUrl) => ({
      publicUrl,
      accounts: accounts.map(({ name, region, accessKeyId, accessKeySecret, callbackAuthKey, token }) => ({
        name,
        vendor: 'alibaba-ims',
        region,
        endpoint: emulator.url,
        accessKeyId,
        accessKeySecret,
        callback: { tokens: [token], authKeys: [callbackAuthKey] },
        labelsFromUserData: ['tenant', 'videoId'],
      })),
    }),

    openTo({ url, api }, onTrouble) {
      const register = (jobs: Registration[]) =>
        persistently(() => api.register(jobs), stopping.signal).catch((error: unknown) => {
          if (!stopping.signal.aborted) onTrouble(`jobs could not be registered: ${String(error)}`);
        });
      for (let place = 0; place < resumed.length; place += BATCH) void register(resumed.slice(place, place + BATCH));

      const drawn = draw(seed, 'demo');
      const customers: Emulator = { ...emulator, submit: (order) => submit(shaped(order, drawn)) };
      const traffic = {
        accessKeyIds: accounts.map(({ accessKeyId }) => accessKeyId),
        notifyAddress: (accessKeyId: string) => {
          const { name, token } = accountOf({ accessKeyId });
          return `${url}/callbacks/${name}/${token}`;
        },
        callbackShare: 0.7,
        onSubmit: (job: EmulatedJob) => {
          const callbacks = job.notifyAddress === undefined ? 0 : job.plan.callbacks(job.life).length;
          const { api, vendorJobId } = job;
          if (callbacks < ENOUGH_CALLBACKS) void register([{ account: accountOf(job).name, api, vendorJobId }]);
        },
      };
      const opening = startTraffic(customers, { ...traffic, seed, jobsPerMinute: OPENING.jobsPerMinute });
      const opened = setTimeout(() => opening.stop(), OPENING.forMs);
      const steady = startTraffic(customers, { ...traffic, seed: seed + 1, jobsPerMinute: JOBS_PER_MINUTE });
      closers.push(
        () => [opening, steady].forEach((part) => part.stop()),
        () => clearTimeout(opened),
      );
    },

    settled: (vendorJobId) => files.remove(vendorJobId),

    async stop() {
      stopping.abort();
      closers.forEach((close) => close());
      await emulator.stop();
    },
  };
}

/** Short enough to watch, with parts that fail more often than they should, and titles in several scripts. */
function shaped(order: SubmitOptions, drawn: Draw): SubmitOptions {
  const lasts = LASTS_MS.least * (LASTS_MS.most / LASTS_MS.least) ** drawn.next();
  const partlyFailed = drawn.happens(PARTLY_FAILED) && order.api === 'alibaba-ims/media-convert';
  const title = drawn.happens(OTHER_SCRIPTS) ? `${drawn.pick(TITLES)}-${drawn.int(1, 99)}` : order.name;
  return {
    ...order,
    name: title,
    queueMs: drawn.between(WAITS_MS.least, WAITS_MS.most),
    durationMs: lasts,
    ...(partlyFailed && { outcome: 'partially_failed' }),
  };
}

async function persistently(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === ATTEMPTS_TO_REGISTER || signal.aborted) throw error;
    }
    await sleep(1000, undefined, { signal });
  }
}
