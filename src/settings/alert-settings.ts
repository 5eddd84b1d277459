import { z } from 'zod';
import { LabelKey, LabelValue } from '../domain/job-filter.js';
import { duration } from './duration.js';
import { filterInYaml, filterProblems } from './filter-settings.js';
import { LANGUAGES, ReceiverFile, toReceiver, type Receiver } from './receiver-settings.js';

const HOUR = 3.6e6;
const DAY = 24 * HOUR;

const between = (least: string, most: string) => {
  const [min, max] = [duration.parse(least), duration.parse(most)];
  return duration.refine((ms) => ms >= min && ms <= max, `must be from ${least} to ${most}`);
};

const everyRule = {
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be lower case letters, digits and dashes'),
  severity: z.enum(['info', 'warning', 'critical']).default('warning'),
  for: between('0s', '7d').default(0),
  labels: z.record(LabelKey, LabelValue).default({}),
  filter: filterInYaml.optional(),
  /** Left out: everybody who takes its severity. */
  receivers: z.array(z.string()).optional(),
};

const share = z.number().gt(0, 'must be above 0').max(1, 'must be 1 or less');
const count = z.int().min(1).max(1_000_000);

/** Told by what happened to a job. */
const eventRule = <On extends string>(on: On) => z.strictObject({ ...everyRule, on: z.literal(on) });

/** Rules by what they watch for (docs/alerting.md). Event rules go by what happens to jobs, the others by figures. */
export const Rule = z.discriminatedUnion(
  'on',
  [
    eventRule('subjob-failed'),
    eventRule('job-failed'),
    eventRule('job-partially-failed'),
    eventRule('job-lost'),
    eventRule('contradiction'),
    eventRule('contract-changed'),
    z.strictObject({
      ...everyRule,
      on: z.literal('failure-share'),
      window: between('1m', '7d').default(HOUR),
      minimum: count.default(20),
      above: share.default(0.1),
    }),
    z.strictObject({
      ...everyRule,
      on: z.literal('job-late'),
      /** The same for all jobs; left out: what their like have taken, `factor` times. */
      limit: between('1m', '30d').optional(),
      factor: z.number().min(1).max(100).default(3),
    }),
    z.strictObject({
      ...everyRule,
      on: z.literal('callback-loss'),
      window: between('1h', '7d').default(6 * HOUR),
      minimum: count.default(50),
      above: share.default(0.05),
    }),
    z.strictObject({ ...everyRule, on: z.literal('account-paused') }),
    z.strictObject({ ...everyRule, on: z.literal('receipts-waiting'), limit: between('10s', '1d').default(60_000) }),
  ],
  `must be one of subjob-failed, job-failed, job-partially-failed, job-lost, contradiction, contract-changed, failure-share, job-late, callback-loss, account-paused, receipts-waiting`,
);
export type Rule = z.infer<typeof Rule>;

/** What is watched for when nobody says: a failed part of a job reaches a person. */
const DEFAULT_RULES = [{ name: 'subjob-failed', on: 'subjob-failed' }];

/** `alerts` in `callsheet.yaml`. */
export const AlertsFile = z
  .strictObject({
    groupWait: between('0s', '10m').default(5_000),
    groupInterval: between('1s', '1d').default(5 * 60_000),
    repeatInterval: between('1m', '7d').default(4 * HOUR),
    resolveAfter: between('1m', '30d').default(DAY),
    /** Of receivers that name none. */
    language: z.enum(LANGUAGES, 'must be en or zh').default('en'),
    rules: z.array(Rule).prefault(DEFAULT_RULES as never),
    receivers: z.array(ReceiverFile).default([]),
  })
  .prefault({});
export type AlertsFile = z.infer<typeof AlertsFile>;

/** When receivers are told, in ms. */
export type AlertTiming = {
  /** From the first failure to the first message. */
  groupWaitMs: number;
  /** Between two messages about one alert to one receiver, at least. */
  groupIntervalMs: number;
  /** Until an alert that stays as it is, is told again; doubles each time, up to a day. */
  repeatIntervalMs: number;
  /** Without a failure for so long, an alert is over. */
  resolveAfterMs: number;
};

export type AlertSettings = AlertTiming & { rules: Rule[]; receivers: Receiver[] };

export function toAlertSettings(config: AlertsFile): AlertSettings {
  const { groupWait, groupInterval, repeatInterval, resolveAfter, language, rules, receivers } = config;
  return {
    groupWaitMs: groupWait,
    groupIntervalMs: groupInterval,
    repeatIntervalMs: repeatInterval,
    resolveAfterMs: resolveAfter,
    rules,
    receivers: receivers.map((receiver) => toReceiver(receiver, language)),
  };
}

/** Figures that are kept by account and API alone. */
const BY_API_ALONE = new Set<Rule['on']>(['callback-loss', 'account-paused']);
const KEPT_BY = ['account', 'api'];

/** What the schemas cannot tell: names that are used twice or lead nowhere, filters that a rule cannot go by. */
export function alertProblems({ rules, receivers }: AlertsFile, accounts: readonly string[]): string[] {
  const names = rules.map(({ name }) => name);
  const known = new Set(receivers.map(({ name }) => name));
  return rules.flatMap((rule, i) => {
    const place = `alerts.rules[${i}]`;
    return [
      ...(names.indexOf(rule.name) === i ? [] : [`${place}.name: ${rule.name} is used twice`]),
      ...(rule.receivers ?? []).flatMap((name, k) =>
        known.has(name) ? [] : [`${place}.receivers[${k}]: there is no receiver ${name}`],
      ),
      ...ruleFilterProblems(rule, accounts).map(([key, problem]) => `${place}.filter.${key}: ${problem}`),
    ];
  });
}

function ruleFilterProblems({ on, filter = {} }: Rule, accounts: readonly string[]): [key: string, problem: string][] {
  const problems = filterProblems(filter, accounts);
  const given = Object.keys(filter);
  if (on === 'receipts-waiting' && given[0] !== undefined) {
    problems.push([given[0], 'receipts-waiting watches all receipts, and takes no filter']);
  }
  const alone = BY_API_ALONE.has(on) ? given.filter((key) => !KEPT_BY.includes(key)) : [];
  for (const key of alone) problems.push([key, `${on} can be told apart by account and api only`]);
  if (on === 'job-late' && filter.status?.some((status) => status !== 'queued' && status !== 'running')) {
    problems.push(['status', 'job-late watches queued and running jobs only']);
  }
  return problems;
}
