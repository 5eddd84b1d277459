import { CallbackSender } from './callback-sender.js';
import { Door } from './door.js';
import { draw, type Draw } from './draw.js';
import { type Faults, NO_FAULTS, withFaults } from './faults.js';
import { EmulatedJob } from './job.js';
import type { Order, PlannedJob } from './kinds/kind.js';
import { type Api, KINDS } from './kinds/kinds.js';
import { Log } from './log.js';
import type { FinalStatus } from './outcome.js';
import { RateLimit } from './rate-limit.js';
import { vendorServer } from './server.js';
import { RealTimers, type Timers } from './timers.js';
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
  /** Real ones by default. */
  timers?: Timers;
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
export type SubmitOptions = Omit<Order, 'vendorJobId' | 'userData'> & {
  api: Api;
  /** The first account that may have such a job by default. */
  accessKeyId?: string;
  vendorJobId?: string;
  /** Where callbacks go; also put into UserData. None: no callbacks. */
  notifyAddress?: string;
  /** A string is used as it is; NotifyAddress is added to an object only. */
  userData?: Record<string, unknown> | string;
  /** The vendor does not know the job: until `job.hidden = false`, or for so long after its submission. */
  hidden?: boolean;
  jobNotFoundForMs?: number;
  /** Answered from the first question on, whole and as it stands, in the place of a document of our making. */
  document?: Record<string, unknown>;
  /** The batch that this job is a subjob of, for a document of one's own: the subjobs of others come by themselves. */
  parent?: string;
};

export interface Emulator {
  readonly url: string;
  readonly port: number;
  readonly requests: Log<RequestEntry>;
  readonly callbacks: Log<CallbackEntry>;
  readonly faults: Readonly<Faults>;
  submit(order: SubmitOptions): EmulatedJob;
  job(vendorJobId: string): EmulatedJob | undefined;
  /** The subjobs of batches among them: those have a `parent`. */
  jobs(): EmulatedJob[];
  /** Whose such jobs may be. */
  accountsFor(api: Api): Account[];
  setFaults(change: Partial<Faults>): void;
  setAccounts(accounts: Account[]): void;
  /** Connections are cut and refused, while jobs go on and call back; and again as before, at the same port. */
  down(): Promise<void>;
  up(): Promise<void>;
  stop(): Promise<void>;
}

/** The clouds as one small server: it plays jobs, answers about them, calls back, and misbehaves by seed. */
export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  const timers = options.timers ?? new RealTimers();
  const world: World = {
    seed: options.seed ?? 1,
    timeScale: options.timeScale ?? 1,
    timers,
    accounts: byKey(options.accounts),
    jobs: new Map(),
    faults: withFaults(NO_FAULTS, options.faults ?? {}),
    limit: new RateLimit(),
    requests: new Log(options.logLimit ?? 100_000),
    callbacks: new Log(options.logLimit ?? 100_000),
  };
  const keepJobs = options.keepJobs ?? 100_000;
  const sender = new CallbackSender(world, options.callbackTimeoutMs ?? 3_000);
  const door = new Door(vendorServer(world), options.host ?? '127.0.0.1', options.port ?? 0);
  await door.open();
  let submitted = 0;

  return {
    url: door.url,
    port: door.takenPort,
    requests: world.requests,
    callbacks: world.callbacks,
    get faults() {
      return world.faults;
    },

    submit(order) {
      const job = newJob(world, order, draw(world.seed, 'job', (submitted += 1)));
      const added = [job, ...subjobsOf(world, job)];
      const twice = added.find(({ vendorJobId }) => world.jobs.has(vendorJobId));
      if (twice) throw new RangeError(`there is a job ${twice.vendorJobId} already`);
      for (const each of added) {
        world.jobs.set(each.vendorJobId, each);
        sender.schedule(each, job.life.submittedAt);
      }
      forgetOldest(world.jobs, keepJobs, new Date(timers.now()));
      return job;
    },
    job: (vendorJobId) => world.jobs.get(vendorJobId),
    jobs: () => [...world.jobs.values()],
    accountsFor: (api) => accountsFor(world, api),
    setFaults: (change) => void (world.faults = withFaults(world.faults, change)),
    setAccounts: (accounts) => void (world.accounts = byKey(accounts)),
    down: () => door.close(),
    up: () => door.open(),

    async stop() {
      timers.stop();
      sender.stop();
      await door.end();
    },
  };
}

function newJob(world: World, order: SubmitOptions, drawn: Draw): EmulatedJob {
  const kind = KINDS[order.api];
  if (!kind) throw new RangeError(`no such API: ${order.api}`);
  const accessKeyId = accountFor(world, order);

  // Drawn even when given: an id or UserData of one's own leaves the rest of the job as the seed has it.
  const drawnId = drawn.hex(32);
  const drawnUserData = { videoId: drawn.hex(8), tenant: drawn.pick(['news', 'sports', 'kids', 'shop']) };
  const vendorJobId = order.vendorJobId ?? kind.idFrom?.(drawnId) ?? drawnId;
  const userData = userDataOf(order, drawnUserData);
  const plan = kind.plan(drawn, { ...order, vendorJobId, userData });

  const submittedAt = world.timers.now();
  const startsAt = Math.round(submittedAt + plan.queueMs * world.timeScale);
  const endsAt = Math.round(startsAt + plan.durationMs * world.timeScale);
  const facts = {
    vendorJobId,
    api: order.api,
    accessKeyId,
    userData,
    notifyAddress: order.notifyAddress,
    jobNotFoundForMs: (order.jobNotFoundForMs ?? world.faults.jobNotFoundForMs) * world.timeScale,
    owner: order.parent === undefined ? undefined : world.jobs.get(order.parent),
  };
  if (order.parent !== undefined && !facts.owner) throw new RangeError(`no such batch: ${order.parent}`);
  const given = order.document && kind.documentIn(order.document, vendorJobId);
  if (order.document && !given) throw new RangeError(`that is no document of ${order.api}`);
  const played: PlannedJob = given
    ? { ...plan, document: () => given, word: () => String(given[kind.statusField]).trim(), subjobs: [] }
    : plan;
  const job = new EmulatedJob(facts, kind, played, { submittedAt, startsAt, endsAt });
  job.hidden = order.hidden ?? false;
  return job;
}

function subjobsOf({ faults, timeScale }: World, owner: EmulatedJob): EmulatedJob[] {
  const { accessKeyId, userData, life, plan } = owner;
  return (plan.subjobs ?? []).map(({ vendorJobId, kind, plan: part, callsBack, lifeIn }) => {
    const facts = {
      vendorJobId,
      api: kind.api as Api,
      accessKeyId,
      userData,
      notifyAddress: callsBack ? owner.notifyAddress : undefined,
      jobNotFoundForMs: faults.jobNotFoundForMs * timeScale,
      owner,
    };
    return new EmulatedJob(facts, kind, part, lifeIn(life));
  });
}

/** Huawei's jobs belong to projects. An account with one may have jobs at Alibaba too when there is no other. */
function accountsFor({ accounts }: World, api: Api): Account[] {
  const all = [...accounts.values()];
  const withProject = all.filter(({ projectId }) => projectId !== undefined);
  if (KINDS[api].vendor === 'huawei-mpc') return withProject;
  return withProject.length === all.length ? all : all.filter((account) => !withProject.includes(account));
}

function accountFor(world: World, { api, accessKeyId: wanted }: SubmitOptions): string {
  if (wanted !== undefined && !world.accounts.has(wanted)) throw new RangeError(`no such account: ${wanted}`);
  const account = wanted === undefined ? accountsFor(world, api)[0] : world.accounts.get(wanted);
  if (!account || (KINDS[api].vendor === 'huawei-mpc' && account.projectId === undefined)) {
    throw new RangeError(`no account for ${api}: Huawei's jobs need one with a projectId, Alibaba's any`);
  }
  return account.accessKeyId;
}

/** UserData is a string that usually holds JSON (sheet section 4). */
function userDataOf({ userData, notifyAddress }: SubmitOptions, drawn: Record<string, unknown>): string {
  if (typeof userData === 'string') return userData;
  return JSON.stringify({
    ...(notifyAddress !== undefined && { NotifyAddress: notifyAddress }),
    ...(userData ?? drawn),
  });
}

function forgetOldest(jobs: Map<string, EmulatedJob>, keep: number, now: Date): void {
  if (jobs.size <= keep * 1.1) return;
  for (const [vendorJobId, job] of jobs) {
    if (jobs.size <= keep) return;
    if (job.isFinal(now)) jobs.delete(vendorJobId);
  }
}

function byKey(accounts: Account[]): Map<string, Account> {
  return new Map(accounts.map((account) => [account.accessKeyId, account]));
}
