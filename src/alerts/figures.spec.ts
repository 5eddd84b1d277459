import { LEVELS } from '../domain/duration-profile.js';
import { Rule } from '../settings/alert-settings.js';
import type { OpenJob } from './figure-queries.js';
import {
  callbackLosses,
  failureShares,
  latenessOf,
  lateJobs,
  learnedLimitMs,
  pauses,
  waitingReceipts,
} from './figures.js';

const MINUTE = 60_000;
const NOW = new Date('2026-11-21T08:00:00Z');
const before = (ms: number) => new Date(NOW.getTime() - ms);
const rule = <On extends Rule['on']>(on: On, more: object = {}) =>
  Rule.parse({ name: on, on, ...more }) as Extract<Rule, { on: On }>;

const ended = { account: 'a', api: 'v/k', template: 't', ended: 100, failed: 11, sample: [] };

describe('a share of failures', () => {
  it('is too large above its bound, with its figures', () => {
    expect(failureShares(rule('failure-share'), [ended])).toMatchObject([
      { template: 't', count: 11, reason: '11 % of jobs failed (11 of 100), more than 10 %' },
    ]);
    expect(failureShares(rule('failure-share'), [{ ...ended, failed: 10 }])).toEqual([]);
  });

  it('of few jobs says nothing', () => {
    expect(failureShares(rule('failure-share'), [{ ...ended, ended: 19, failed: 19 }])).toEqual([]);
    expect(failureShares(rule('failure-share', { minimum: 5 }), [{ ...ended, ended: 19, failed: 19 }])).toHaveLength(1);
  });
});

it('lost callbacks are told above a share, where enough were due and the filter covers them', () => {
  const counts = { account: 'a', api: 'v/k', due: 100, lost: 6 };
  expect(callbackLosses(rule('callback-loss'), [counts])).toMatchObject([{ count: 6, account: 'a' }]);
  expect(callbackLosses(rule('callback-loss'), [{ ...counts, due: 49 }])).toEqual([]);
  expect(callbackLosses(rule('callback-loss', { above: 0.5 }), [counts])).toEqual([]);
  expect(callbackLosses(rule('callback-loss', { filter: { account: 'b' } }), [counts])).toEqual([]);
});

it('a refused account is one alert, a refused API one of its own', () => {
  const paused = { account: 'a', api: 'v/1', scope: 'account' as const, code: 'InvalidAccessKeyId', reason: 'no' };
  const found = pauses(rule('account-paused'), [
    paused,
    { ...paused, api: 'v/2' },
    { ...paused, account: 'b', scope: 'api', code: 'Forbidden' },
  ]);
  expect(found).toMatchObject([
    { account: 'a', api: null, code: 'InvalidAccessKeyId', count: 2 },
    { account: 'b', api: 'v/1', code: 'Forbidden', count: 1 },
  ]);
});

it('receipts wait too long when the oldest does', () => {
  expect(waitingReceipts(rule('receipts-waiting'), { waiting: 7, oldestMs: 61_000 })).toMatchObject([
    { count: 7, reason: 'what vendors said waits for 61 s to be applied, longer than 60 s' },
  ]);
  expect(waitingReceipts(rule('receipts-waiting'), { waiting: 7, oldestMs: 60_000 })).toEqual([]);
});

describe('a late job', () => {
  const job: OpenJob = {
    id: 'j',
    vendorJobId: 'v',
    name: null,
    account: 'a',
    api: 'v/k',
    template: null,
    recipe: '',
    status: 'running',
    progress: 10,
    saidToEnd: false,
    createdAt: before(30 * MINUTE),
    vendorCreatedAt: null,
    updatedAt: before(30 * MINUTE),
    now: NOW,
  };
  const late = (change: Partial<OpenJob>, claimOnly = false) =>
    latenessOf({ ...job, ...change }, 20 * MINUTE, claimOnly);

  it('is called after what it does', () => {
    expect(late({})).toBe('stuck');
    expect(late({ status: 'queued' })).toBe('queued');
    expect(late({ progress: 100 })).toBe('wordless');
    expect(late({ saidToEnd: true })).toBe('wordless');
    expect(late({}, true)).toBe('wordless');
  });

  it('is not late as long as it moves, or is young', () => {
    expect(late({ updatedAt: before(MINUTE) })).toBeNull();
    expect(late({ createdAt: before(10 * MINUTE) })).toBeNull();
    // The vendor made it long before we heard of it.
    expect(late({ createdAt: before(10 * MINUTE), vendorCreatedAt: before(40 * MINUTE) })).toBe('stuck');
  });

  it('is late by what its like have taken, once enough of them are known', () => {
    const profile = (jobs: number, longestMs: number) => ({
      jobs,
      quantiles: LEVELS.map((level) => Math.round(level * longestMs)),
    });
    expect(learnedLimitMs([profile(29, 10 * MINUTE)], 3)).toBeNull();
    expect(learnedLimitMs([profile(400, 10 * MINUTE)], 3)).toBe(1_791_000);
    // The narrowest that knows enough.
    expect(learnedLimitMs([profile(400, 100 * MINUTE), profile(30, 10 * MINUTE), profile(3, MINUTE)], 1)).toBe(597_000);
    expect(learnedLimitMs([profile(400, 1000)], 3)).toBe(MINUTE);
    expect(learnedLimitMs([], 3)).toBeNull();
  });

  it('is one alert with the others of its kind that are late as it is', () => {
    const jobs = [
      { job, lateness: 'stuck' as const, limitMs: MINUTE },
      { job: { ...job, id: 'k' }, lateness: 'stuck' as const, limitMs: MINUTE },
      { job, lateness: 'queued' as const, limitMs: MINUTE },
    ];
    expect(lateJobs(jobs)).toMatchObject([
      { code: 'stuck', count: 2, reason: '2 jobs are stuck without progress, beyond 60 s' },
      { code: 'queued', count: 1, reason: 'a job is queued too long, beyond 60 s' },
    ]);
  });
});
