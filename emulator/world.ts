import type { Faults } from './faults.js';
import type { EmulatedJob } from './job.js';
import type { Log } from './log.js';
import type { RateLimit } from './rate-limit.js';
import type { Timers } from './timers.js';

export type Account = {
  accessKeyId: string;
  accessKeySecret: string;
  userId?: string;
  callbackAuthKey?: string;
  /** Makes it an account of Huawei Cloud, whose calls name the project. */
  projectId?: string;
  /** What GetEventCallback answers: the callback settings of the whole account. */
  eventCallback?: {
    type?: 'HTTP' | 'MNS';
    url?: string;
    queueName?: string;
    events?: string[];
    authSwitch?: 'on' | 'off';
  };
};

/** One request to a vendor's API. `status` stays undefined while it is answered, and 0 marks a cut socket. */
export type RequestEntry = {
  /** Arrival, epoch ms. */
  at: number;
  action: string;
  accessKeyId: string;
  /** One id, or all that the request names, joined by commas. */
  jobId: string;
  jobIds: string[];
  status?: number;
  /** `ok`, the error's code, `htmlPage` or `reset`. */
  outcome?: string;
  slow?: true;
};

/** One attempt at a callback; a dropped one has attempt 0 and was never sent. */
export type CallbackEntry = {
  /** Epoch ms. */
  at: number;
  url: string;
  jobId: string;
  eventType: string;
  attempt: number;
  status?: number;
  error?: string;
  dropped?: true;
  doubled?: true;
  delayed?: true;
  reordered?: true;
  forged?: true;
};

/** The vendor's clock, as its gateway has it. */
export function gatewayTime({ faults, timers }: Pick<World, 'faults' | 'timers'>): number {
  return timers.now() + faults.clockSkewMs;
}

/** What every part of the emulator shares. */
export type World = {
  seed: number;
  timeScale: number;
  timers: Timers;
  accounts: Map<string, Account>;
  jobs: Map<string, EmulatedJob>;
  faults: Faults;
  limit: RateLimit;
  requests: Log<RequestEntry>;
  callbacks: Log<CallbackEntry>;
};
