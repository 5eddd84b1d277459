import type { AddressInfo } from 'node:net';
import { CallbackSender } from './callback-sender.js';
import { draw, type Draw } from './draw.js';
import { type Faults, NO_FAULTS, withFaults } from './faults.js';
import { EmulatedJob } from './job.js';
import { type Api, KINDS } from './kinds/kinds.js';
import { Log } from './log.js';
import type { FinalStatus } from './outcome.js';
import { RateLimit } from './rate-limit.js';
import { vendorServer } from './server.js';
import { Timers } from './timers.js';
import type { Account, CallbackEntry, RequestEntry, World } from './world.js';

export type { Account, Api, CallbackEntry, EmulatedJob, Faults, FinalStatus, RequestEntry };

export type EmulatorOptions = {
  /** A free port by default. */
  port?: number;
  host?: string;
  /** Decides everything that is drawn. */
  seed?: number;
  /** 0.01 makes jobs, callback retries, delays and the not-found time pass a hundred times faster. */
  timeScale?: number;
  /** How long a callback's receiver may take; never scaled. */
  callbackTimeoutMs?: number;
  accounts: Account[];
  faults?: Partial<Faults>;
  /** How many entries each log keeps. */
  logLimit?: number;
  /** Finished jobs beyond this number are forgotten, oldest first. */
  keepJobs?: number;
};

/** Whatever is left out is drawn. Times are vendor times: the time scale applies to them. */
export type SubmitOptions = {
  api: Api;
  /** The first account by default. */
  accessKeyId?: string;
  vendorJobId?: string;
  /** Where callbacks go; also put into UserData. None: no callbacks. */
  notifyAddress?: string;
  /** A string is used as it is; NotifyAddress is added to an object only. */
  userData?: Record<string, unknown> | string;
  queueMs?: number;
  /** From start to end, without the queue. */
  durationMs?: number;
  outcome?: FinalStatus;
  name?: string;
  /** How many outputs and output groups, for kinds that have them. */
  outputs?: number;
  groups?: number;
  /** The vendor does not know the job: until `job.hidden = false`, or for so long after its submission. */
  hidden?: boolean;
  jobNotFoundForMs?: number;
  /** Answered from the first question on, whole and as it stands, in the place of a document of our making. */
  document?: Record<string, unknown>;
};

export interface Emulator {
  readonly url: string;
  readonly port: number;
  readonly requests: Log<RequestEntry>;
  readonly callbacks: Log<CallbackEntry>;
  readonly faults: Readonly<Faults>;
  submit(order: SubmitOptions): EmulatedJob;
  job(vendorJobId: string): EmulatedJob | undefined;
  jobs(): EmulatedJob[];
  setFaults(change: Partial<Faults>): void;
  setAccounts(accounts: Account[]): void;
  stop(): Promise<void>;
}

/** The clouds as one small server: it plays jobs, answers about them, calls back, and misbehaves by seed. */
export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  const world: World = {
    seed: options.seed ?? 1,
    timeScale: options.timeScale ?? 1,
    accounts: byKey(options.accounts),
    jobs: new Map(),
    faults: withFaults(NO_FAULTS, options.faults ?? {}),
    limit: new RateLimit(),
    requests: new Log(options.logLimit ?? 100_000),
    callbacks: new Log(options.logLimit ?? 100_000),
  };
  const keepJobs = options.keepJobs ?? 100_000;
  const timers = new Timers();
  const sender = new CallbackSender(world, timers, options.callbackTimeoutMs ?? 3_000);
  const server = vendorServer(world, timers);
  await new Promise<void>((listening, failed) => {
    server.once('error', failed).listen(options.port ?? 0, options.host ?? '127.0.0.1', listening);
  });
  const { address, port } = server.address() as AddressInfo;
  let submitted = 0;

  return {
    url: `http://${address}:${port}`,
    port,
    requests: world.requests,
    callbacks: world.callbacks,
    get faults() {
      return world.faults;
    },

    submit(order) {
      const job = newJob(world, order, draw(world.seed, 'job', (submitted += 1)));
      if (world.jobs.has(job.vendorJobId)) throw new RangeError(`there is a job ${job.vendorJobId} already`);
      world.jobs.set(job.vendorJobId, job);
      sender.schedule(job, job.life.submittedAt);
      forgetOldest(world.jobs, keepJobs);
      return job;
    },
    job: (vendorJobId) => world.jobs.get(vendorJobId),
    jobs: () => [...world.jobs.values()],
    setFaults: (change) => void (world.faults = withFaults(world.faults, change)),
    setAccounts: (accounts) => void (world.accounts = byKey(accounts)),

    async stop() {
      timers.stop();
      sender.stop();
      const closed = new Promise<void>((done) => server.close(() => done()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function newJob(world: World, order: SubmitOptions, drawn: Draw): EmulatedJob {
  const kind = KINDS[order.api];
  const accessKeyId = order.accessKeyId ?? world.accounts.keys().next().value;
  if (!kind) throw new RangeError(`no such API: ${order.api}`);
  if (accessKeyId === undefined || !world.accounts.has(accessKeyId))
    throw new RangeError(`no such account: ${accessKeyId}`);

  // Drawn even when given: an id or UserData of one's own leaves the rest of the job as the seed has it.
  const drawnId = drawn.hex(32);
  const drawnUserData = { videoId: drawn.hex(8), tenant: drawn.pick(['news', 'sports', 'kids', 'shop']) };
  const vendorJobId = order.vendorJobId ?? drawnId;
  const userData = userDataOf(order, drawnUserData);
  const plan = kind.plan(drawn, { ...order, vendorJobId, userData });

  const submittedAt = Date.now();
  const startsAt = Math.round(submittedAt + plan.queueMs * world.timeScale);
  const endsAt = Math.round(startsAt + plan.durationMs * world.timeScale);
  const jobNotFoundForMs = (order.jobNotFoundForMs ?? world.faults.jobNotFoundForMs) * world.timeScale;
  const facts = {
    vendorJobId,
    api: order.api,
    accessKeyId,
    userData,
    notifyAddress: order.notifyAddress,
    jobNotFoundForMs,
  };
  const { document: given } = order;
  const played = given ? { ...plan, document: () => given[kind.root] as Record<string, unknown> } : plan;
  const job = new EmulatedJob(facts, kind, played, { submittedAt, startsAt, endsAt });
  job.hidden = order.hidden ?? false;
  return job;
}

/** UserData is a string that usually holds JSON (sheet section 4). */
function userDataOf({ userData, notifyAddress }: SubmitOptions, drawn: Record<string, unknown>): string {
  if (typeof userData === 'string') return userData;
  return JSON.stringify({
    ...(notifyAddress !== undefined && { NotifyAddress: notifyAddress }),
    ...(userData ?? drawn),
  });
}

function forgetOldest(jobs: Map<string, EmulatedJob>, keep: number): void {
  if (jobs.size <= keep * 1.1) return;
  for (const [vendorJobId, job] of jobs) {
    if (jobs.size <= keep) return;
    if (job.isFinal()) jobs.delete(vendorJobId);
  }
}

function byKey(accounts: Account[]): Map<string, Account> {
  return new Map(accounts.map((account) => [account.accessKeyId, account]));
}
