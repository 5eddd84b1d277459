import { durationsOf, startOf, type DurationProfile } from '../domain/duration-profile.js';
import type { Rule } from '../settings/alert-settings.js';
import type { CallbackCount, EndedJobs, OpenJob, PausedBudget, SampleJob } from './figure-queries.js';

/** Something that figures say is wrong, by one rule; as long as they say so. */
export type FigureSignal = {
  account: string | null;
  api: string | null;
  template: string | null;
  code: string | null;
  message: string | null;
  reason: string;
  /** Jobs, callbacks or receipts that it is about. */
  count: number;
  sample: SampleJob[];
};

type RuleOf<On extends Rule['on']> = Extract<Rule, { on: On }>;

const nothing = { template: null, code: null, message: null, sample: [] };
const percent = (share: number) => `${Math.round(share * 1000) / 10} %`;

export function failureShares(
  { minimum, above }: RuleOf<'failure-share'>,
  ended: readonly EndedJobs[],
): FigureSignal[] {
  return ended.flatMap((jobs) => {
    const share = jobs.failed / jobs.ended;
    if (jobs.ended < minimum || share <= above) return [];
    const { account, api, template, sample } = jobs;
    const reason = `${percent(share)} of jobs failed (${jobs.failed} of ${jobs.ended}), more than ${percent(above)}`;
    return [{ ...nothing, account, api, template, reason, count: jobs.failed, sample }];
  });
}

export function callbackLosses(
  { minimum, above, filter }: RuleOf<'callback-loss'>,
  counts: readonly CallbackCount[],
): FigureSignal[] {
  return counts.filter(among(filter)).flatMap(({ account, api, due, lost }) => {
    if (due < minimum || lost / due <= above) return [];
    const reason = `${percent(lost / due)} of callbacks did not come (${lost} of ${due}), more than ${percent(above)}`;
    return [{ ...nothing, account, api, reason, count: lost }];
  });
}

/** One for an account whose credentials are refused, however many APIs it has. */
export function pauses({ filter }: RuleOf<'account-paused'>, budgets: readonly PausedBudget[]): FigureSignal[] {
  const told = new Map<string, FigureSignal>();
  for (const { account, api, scope, code, reason } of budgets.filter(among(filter))) {
    const whole = scope === 'account';
    const key = whole ? account : `${account} ${api}`;
    const known = told.get(key);
    if (known) {
      known.count++;
      continue;
    }
    told.set(key, {
      ...nothing,
      account,
      api: whole ? null : api,
      code,
      message: reason,
      reason: whole
        ? 'the vendor refuses the account, nothing is asked'
        : 'the vendor refuses this API, nothing is asked of it',
      count: 1,
    });
  }
  return [...told.values()];
}

export function waitingReceipts(
  { limit }: RuleOf<'receipts-waiting'>,
  { waiting, oldestMs }: { waiting: number; oldestMs: number },
): FigureSignal[] {
  if (oldestMs <= limit) return [];
  const reason = `what vendors said waits for ${seconds(oldestMs)} to be applied, longer than ${seconds(limit)}`;
  return [{ ...nothing, account: null, api: null, reason, count: waiting }];
}

function among(filter: Rule['filter']) {
  return ({ account, api }: { account: string; api: string }) =>
    (!filter?.account || filter.account.includes(account)) && (!filter?.api || filter.api.includes(api));
}

/** How a job is late. */
export const LATENESS = {
  queued: 'queued too long',
  stuck: 'stuck without progress',
  wordless: 'finished without word',
} as const;
export type Lateness = keyof typeof LATENESS;

/** Of jobs of one kind, 199 in 200 have ended by then. */
const TAIL = 0.995;
/** Durations of so many must be known before anything is late by them. */
const ENOUGH = 30;
/** Nothing is late before that, however short its like are. */
const LEAST_LIMIT_MS = 60_000;

/** What is late for jobs of a kind, by profiles from the broadest to its own, in ms; null: not enough is known. */
export function learnedLimitMs(profiles: readonly DurationProfile[], factor: number): number | null {
  const known = profiles.filter(({ jobs }) => jobs >= ENOUGH).at(-1);
  if (!known || !durationsOf(profiles)) return null;
  const { quantiles } = known;
  const tail = quantiles[Math.min(quantiles.length - 1, Math.round(TAIL * (quantiles.length - 1)))];
  return tail === undefined ? null : Math.max(LEAST_LIMIT_MS, tail * factor);
}

/** How a job is late beyond its limit; null: it is not. `claimOnly`: nobody can ask how it is. */
export function latenessOf(job: OpenJob, limitMs: number, claimOnly: boolean): Lateness | null {
  const ageMs = job.now.getTime() - startOf(job).getTime();
  if (ageMs <= limitMs) return null;
  if (job.saidToEnd || job.progress === 100 || claimOnly) return 'wordless';
  if (job.status === 'queued') return 'queued';
  // It moves: however long it takes, nobody is needed.
  return job.now.getTime() - job.updatedAt.getTime() > limitMs ? 'stuck' : null;
}

export type LateJob = { job: OpenJob; lateness: Lateness; limitMs: number };

/** One signal for each kind of job and each way of being late. */
export function lateJobs(late: readonly LateJob[]): FigureSignal[] {
  const groups = new Map<string, LateJob[]>();
  for (const each of late) {
    const { account, api, template } = each.job;
    const key = [account, api, template ?? '', each.lateness].join('\n');
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return [...groups.values()].flatMap((jobs) => {
    const [first] = jobs;
    if (!first) return [];
    const { account, api, template } = first.job;
    const what = LATENESS[first.lateness];
    const reason = `${jobs.length === 1 ? 'a job is' : `${jobs.length} jobs are`} ${what}, beyond ${seconds(first.limitMs)}`;
    const sample = jobs.slice(0, 10).map(({ job: { id, vendorJobId, name } }) => ({ id, vendorJobId, name }));
    return [{ account, api, template, code: first.lateness, message: what, reason, count: jobs.length, sample }];
  });
}

function seconds(ms: number): string {
  if (ms < 120_000) return `${Math.round(ms / 1000)} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  return `${Math.round(ms / 360_000) / 10} h`;
}
