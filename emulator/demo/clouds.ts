import { setTimeout as sleep } from 'node:timers/promises';
import { draw } from '../draw.js';
import { type EmulatedJob, type Emulator, type Faults, startEmulator, type SubmitOptions } from '../emulator.js';
import { startTraffic } from '../traffic.js';
import { configurationOf, demoAccounts } from './accounts.js';
import { JobFiles, type JobFile } from './job-files.js';
import { shaped } from './orders.js';
import type { Registration, TrackerApi } from './tracker-api.js';
import { startTroubles } from './troubles.js';
import type { Truth } from './verdict.js';

const JOBS_PER_MINUTE = 25;
/** A few jobs at once, so that the table is worth a look from the beginning. */
const OPENING = { jobsPerMinute: 240, forMs: 2_500 };
const KEEP_JOBS = 5_000;
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

/** A customer who counts on so many callbacks for one job leaves it to them to announce it. */
const ENOUGH_CALLBACKS = 3;
/** So many of the jobs without callbacks are announced by nobody, where the tracker lists jobs by itself. */
const UNANNOUNCED = 0.25;
const ATTEMPTS_TO_REGISTER = 5;
/** What `POST /v1/jobs/batch` takes. */
const BATCH = 1_000;

export type Clouds = {
  /** What the emulator plays: the jobs of this run and the unfinished ones of the last. Not the subjobs of batches. */
  readonly truths: ReadonlyMap<string, Truth>;
  readonly resumed: number;
  /** The tracker's `callsheet.yaml`. */
  configuration: (publicUrl: string) => Record<string, unknown>;
  /** Customers begin to submit. Those who cannot count on callbacks register their jobs with the tracker. */
  openTo(tracker: { url: string; api: TrackerApi }, onTrouble: (message: string) => void): void;
  /** The tracker knows how the job ended: it need not survive a restart. */
  settled(vendorJobId: string): void;
  /** Whether it is a subjob of a batch, whatever the tracker takes it for as yet. */
  isSubjob(vendorJobId: string): boolean;
  stop(): Promise<void>;
};

/** The clouds of the demo and their customers. Jobs that are not settled when it ends, however it ends, come back. */
export async function startClouds(
  folder: string,
  // Another seed each time, or this run would submit the ids of the last one again.
  { seed = Date.now(), jobsPerMinute = JOBS_PER_MINUTE } = {},
): Promise<Clouds> {
  const accounts = demoAccounts();
  const emulator = await startEmulator({ seed, accounts, faults: FAULTS, keepJobs: KEEP_JOBS, logLimit: KEEP_LOG });
  const files = new JobFiles(folder);
  const drawn = draw(seed, 'demo');
  const truths = new Map<string, Truth>();
  const stopping = new AbortController();
  const closers: (() => void)[] = [];

  const accountOf = ({ accessKeyId }: Pick<EmulatedJob, 'accessKeyId'>) => {
    const account = accounts.find((candidate) => candidate.accessKeyId === accessKeyId);
    if (!account) throw new Error('a job belongs to one of the accounts');
    return account;
  };
  const registration = (job: EmulatedJob): Registration => {
    const account = accountOf(job);
    const { api, vendorJobId } = job;
    // Where the vendor returns UserData the tracker makes labels of it; where it does not, customers give them.
    const labels = account.vendor === 'huawei-mpc' ? labelsOf(job) : undefined;
    return { account: account.name, api, vendorJobId, labels };
  };

  const resume = ({ document, subjobs = [], ...job }: JobFile): Registration[] => {
    const accessKeyId = accounts.find(({ name }) => name === job.account)?.accessKeyId;
    if (accessKeyId === undefined) return [];
    // The clouds went on without us: it is over by now, and its callbacks met nobody.
    const over = { accessKeyId, queueMs: 0, durationMs: 0 };
    const { account, api, vendorJobId, labels } = job;
    emulator.submit({ ...over, api, vendorJobId, document });
    for (const part of subjobs) emulator.submit({ ...over, ...part, parent: vendorJobId });
    truths.set(vendorJobId, job);
    return job.unannounced ? [] : [{ account, api, vendorJobId, labels, callbackExpected: false }];
  };
  const resumed = files.load().flatMap(resume);

  const submit = (order: SubmitOptions): EmulatedJob => {
    const job = emulator.submit(order);
    const { vendorJobId, api, expectedStatus, endsAt } = job;
    const account = accountOf(job);
    const isListed = account.vendor === 'alibaba-ims' && account.discover;
    const unannounced = isListed && job.notifyAddress === undefined && drawn.happens(UNANNOUNCED);
    const truth: Truth = {
      vendorJobId,
      api,
      expectedStatus,
      endsAt: endsAt.getTime(),
      ...(unannounced && { unannounced }),
    };
    const { labels } = registration(job);
    files.keep({ ...truth, account: account.name, labels, document: job.answer(endsAt), subjobs: subjobsOf(job) });
    truths.set(vendorJobId, truth);
    const oldest = truths.keys().next();
    if (truths.size > KEEP_TRUTHS && !oldest.done) truths.delete(oldest.value);
    return job;
  };
  const subjobsOf = ({ plan, endsAt }: EmulatedJob) =>
    (plan.subjobs ?? []).flatMap(({ vendorJobId }) => {
      const part = emulator.job(vendorJobId);
      return part ? [{ vendorJobId, api: part.api, document: part.answer(endsAt) }] : [];
    });

  return {
    truths,
    resumed: truths.size,

    configuration: (publicUrl) => ({
      publicUrl,
      accounts: accounts.map((account) => configurationOf(account, emulator.url)),
    }),

    openTo({ url, api }, onTrouble) {
      const register = (jobs: Registration[]) =>
        persistently(() => api.register(jobs), stopping.signal).catch((error: unknown) => {
          if (!stopping.signal.aborted) onTrouble(`jobs could not be registered: ${String(error)}`);
        });
      for (let place = 0; place < resumed.length; place += BATCH) void register(resumed.slice(place, place + BATCH));

      const customers: Emulator = { ...emulator, submit: (order) => submit(shaped(order, drawn)) };
      const traffic = {
        accessKeyIds: accounts.map(({ accessKeyId }) => accessKeyId),
        notifyAddress: (accessKeyId: string) => {
          const account = accountOf({ accessKeyId });
          if (account.vendor !== 'alibaba-ims') throw new Error(`nobody calls back about the jobs of ${account.name}`);
          return `${url}/callbacks/${account.name}/${account.token}`;
        },
        callbackShare: 0.7,
        onSubmit: (job: EmulatedJob) => {
          const callbacks = job.notifyAddress === undefined ? 0 : job.plan.callbacks(job.life).length;
          const { unannounced } = truths.get(job.vendorJobId) ?? {};
          if (callbacks < ENOUGH_CALLBACKS && !unannounced) void register([registration(job)]);
        },
      };
      const opening = startTraffic(customers, { ...traffic, seed, jobsPerMinute: OPENING.jobsPerMinute });
      const opened = setTimeout(() => opening.stop(), OPENING.forMs);
      const steady = startTraffic(customers, { ...traffic, seed: seed + 1, jobsPerMinute });
      const stopTroubles = startTroubles((name, order) => {
        const account = accounts.find((candidate) => candidate.name === name);
        if (!account) throw new Error(`there is no account ${name}`);
        const { accessKeyId, vendor } = account;
        const notifyAddress = vendor === 'alibaba-ims' ? traffic.notifyAddress(accessKeyId) : undefined;
        traffic.onSubmit(submit({ ...order, accessKeyId, notifyAddress }));
      }, drawn);
      closers.push(
        () => [opening, steady].forEach((part) => part.stop()),
        () => clearTimeout(opened),
        stopTroubles,
      );
    },

    settled: (vendorJobId) => files.remove(vendorJobId),
    isSubjob: (vendorJobId) => emulator.job(vendorJobId)?.parent !== undefined,

    async stop() {
      stopping.abort();
      closers.forEach((close) => close());
      await emulator.stop();
    },
  };
}

function labelsOf({ userData }: EmulatedJob): Record<string, string> {
  const { tenant, videoId } = JSON.parse(userData) as { tenant: string; videoId: string };
  return { tenant, videoId };
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
