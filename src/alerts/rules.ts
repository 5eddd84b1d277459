import { matchesJob } from '../domain/job-match.js';
import { endsAs, isPartFailure, type JobNews, type NewsEvent, type NewsJob } from '../domain/job-news.js';
import type { Rule } from '../settings/alert-settings.js';

/** A job that an alert can show. */
export type AffectedJob = Pick<NewsJob, 'id' | 'vendorJobId' | 'name'>;

/** Something that is wrong, by one rule: pure data, acting on it is the caller's job. */
export type Signal = {
  rule: Rule;
  account: string | null;
  api: string | null;
  template: string | null;
  code: string | null;
  /** As the vendor said it. */
  message: string | null;
  /** Why this is wrong, in the rule's own words. */
  reason: string;
  at: Date;
  job: NewsJob;
  subjobPath: string | null;
};

export type EventRule = Extract<
  Rule,
  { on: 'subjob-failed' | 'job-failed' | 'job-partially-failed' | 'job-lost' | 'contradiction' | 'contract-changed' }
>;

/** What goes away by a success: where one like it succeeds whole, the trouble is over. */
const SUCCESS_COUNTS = new Set<Rule['on']>(['subjob-failed', 'job-failed', 'job-partially-failed']);

export function successCounts(on: Rule['on']): boolean {
  return SUCCESS_COUNTS.has(on);
}

type Fault = Pick<Signal, 'code' | 'message' | 'reason' | 'subjobPath'>;

/** What one event of a job is to a rule; null: nothing. */
const FAULTS: Record<EventRule['on'], (event: NewsEvent, news: JobNews) => Fault | null> = {
  'subjob-failed': failedPart,
  'job-failed': (event, { job }) => (endsAs(event, 'failed') ? ofJob(job, 'a job failed') : null),
  'job-partially-failed': (event, { job }) =>
    endsAs(event, 'partially_failed') ? ofJob(job, 'a job failed in part') : null,
  'job-lost': ({ kind }) =>
    kind === 'job.lost' ? said('the vendor no longer knows a job that had not ended', null, null) : null,
  contradiction: ({ kind, from, to }) =>
    kind === 'job.contradiction'
      ? said(
          `a callback said ${from ?? 'something'}, the vendor's own answers say ${to ?? 'otherwise'}`,
          `${from} / ${to}`,
        )
      : null,
  'contract-changed': ({ kind, to, detail }) =>
    kind === 'contract.changed'
      ? said(
          `the vendor's answers are not as documented: ${String(detail?.['change'])} ${to ?? ''}`.trim(),
          String(detail?.['change']),
          to,
        )
      : null,
};

function said(reason: string, code: string | null, message: string | null = null): Fault {
  return { code, message, reason, subjobPath: null };
}

function ofJob({ errorCode, errorMessage }: NewsJob, reason: string): Fault {
  return said(reason, errorCode, errorMessage);
}

/** A job without parts is its own only part. */
function failedPart(event: NewsEvent, { job, hasSubjobs }: JobNews): Fault | null {
  if (!hasSubjobs) return endsAs(event, 'failed') ? ofJob(job, 'a job without parts failed') : null;
  const { subjob } = event;
  if (!subjob || !isPartFailure(event) || subjob.hasFailedParts) return null;
  const { errorCode: code, errorMessage: message, path: subjobPath } = subjob;
  return { code, message, reason: 'a part of a job failed', subjobPath };
}

export function isEventRule(rule: Rule): rule is EventRule {
  return rule.on in FAULTS;
}

/** What the news of one job come to, by the rules. */
export function signalsOf(rules: readonly EventRule[], news: JobNews): Signal[] {
  const { job, events } = news;
  if (job.isPart) return [];
  return rules.flatMap((rule) => {
    if (rule.filter && !matchesJob(rule.filter, job)) return [];
    return events.flatMap((event) => {
      const fault = FAULTS[rule.on](event, news);
      if (!fault) return [];
      const { account, api, templateId: template } = job;
      // A contract is the API's, whoever's job showed the change.
      const whose =
        rule.on === 'contract-changed' ? { account: null, api, template: null } : { account, api, template };
      return [{ rule, ...whose, ...fault, at: event.recordedAt, job }];
    });
  });
}

/** When the job succeeded whole, with every part; null: it did not. */
export function successIn({ job, events }: JobNews): Date | null {
  if (job.isPart) return null;
  return events.find((event) => event.kind === 'job.status' && event.to === 'succeeded')?.recordedAt ?? null;
}
