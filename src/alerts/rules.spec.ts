import { JobFilter } from '../domain/job-filter.js';
import { matchesJob } from '../domain/job-match.js';
import type { JobNews, NewsEvent, NewsJob } from '../domain/job-news.js';
import { Rule } from '../settings/alert-settings.js';
import { isEventRule, signalsOf, successIn } from './rules.js';

const AT = new Date('2026-11-21T08:00:00Z');
const job: NewsJob = {
  id: '0199b5a0-0000-7000-8000-000000000001',
  account: 'media-cn',
  api: 'alibaba-ims/batch-media-producing',
  vendorJobId: 'b6b2750d',
  status: 'partially_failed',
  confirmed: true,
  name: 'match-day-7',
  templateId: null,
  labels: { tenant: 'acme' },
  errorCode: 'JobCode',
  errorMessage: 'of the job',
  createdAt: AT,
  isPart: false,
  documentReceiptId: null,
};
const event = (change: Partial<NewsEvent>): NewsEvent => ({
  sequence: 1,
  recordedAt: AT,
  kind: 'job.status',
  subjob: null,
  from: 'running',
  to: null,
  detail: { confirmed: true },
  ...change,
});
const part = (path: string, to = 'failed', hasFailedParts = false) =>
  event({
    kind: 'subjob.added',
    to,
    subjob: { id: path, path, name: null, status: 'failed', errorCode: 'C', errorMessage: `m ${path}`, hasFailedParts },
  });
const news = (events: NewsEvent[], change: Partial<NewsJob> = {}, hasSubjobs = true): JobNews => ({
  job: { ...job, ...change },
  events,
  hasSubjobs,
});

const signals = (on: Rule['on'], of: JobNews, more: object = {}) => {
  const rule = Rule.parse({ name: 'r', on, ...more });
  return signalsOf(isEventRule(rule) ? [rule] : [], of);
};

describe('rules about what happens to jobs', () => {
  it('a failed part, with its own error; those that are not failed are nothing', () => {
    const found = signals(
      'subjob-failed',
      news([part('output/0'), part('output/1', 'succeeded'), part('output/2', 'skipped')]),
    );
    expect(found).toMatchObject([{ subjobPath: 'output/0', code: 'C', message: 'm output/0', account: 'media-cn' }]);
  });

  it('a group that failed with its outputs is not another failure', () => {
    const group = [part('output_group/0', 'failed', true), part('output_group/0/output/0')];
    expect(signals('subjob-failed', news(group)).map(({ subjobPath }) => subjobPath)).toEqual([
      'output_group/0/output/0',
    ]);
    // Its outputs may have been told of before.
    expect(signals('subjob-failed', news([part('output_group/0', 'failed', true)]))).toEqual([]);
    expect(
      signals('subjob-failed', news([part('output_group/0'), part('output_group/0/output/0', 'skipped')])),
    ).toHaveLength(1);
  });

  it('a job without parts that failed is its own part', () => {
    const failed = event({ to: 'failed' });
    expect(signals('subjob-failed', news([failed], {}, false))).toMatchObject([{ code: 'JobCode', subjobPath: null }]);
    expect(signals('subjob-failed', news([failed]))).toEqual([]);
  });

  it.each([
    ['job-failed', event({ to: 'failed' }), event({ to: 'partially_failed' })],
    ['job-partially-failed', event({ to: 'partially_failed' }), event({ to: 'failed' })],
    ['job-lost', event({ kind: 'job.lost', to: 'lost' }), event({ to: 'canceled' })],
    ['contradiction', event({ kind: 'job.contradiction', from: 'succeeded', to: 'failed' }), event({ to: 'failed' })],
    [
      'contract-changed',
      event({ kind: 'contract.changed', to: 'Mood', detail: { change: 'new_field' } }),
      event({ kind: 'job.unknown_status', to: 'Moody' }),
    ],
  ] as const)('%s is told by its own event alone', (on, its, other) => {
    expect(signals(on, news([other]))).toEqual([]);
    expect(signals(on, news([its, other]))).toHaveLength(1);
    expect(signals(on, news([its]))[0]?.reason).toMatch(/\w+ \w+/);
  });

  it('what changed in a contract is the same for every account', () => {
    const changed = event({ kind: 'contract.changed', to: 'Mood', detail: { change: 'new_field' } });
    expect(signals('contract-changed', news([changed]))[0]).toMatchObject({ account: null, api: job.api });
  });

  it('parts of a batch that are tracked as jobs are the batch’s', () => {
    expect(signals('job-failed', news([event({ to: 'failed' })], { isPart: true }))).toEqual([]);
  });

  it('a filter says whose jobs', () => {
    const failed = news([event({ to: 'failed' })]);
    expect(signals('job-failed', failed, { filter: { account: ['media-cn', 'x'] } })).toHaveLength(1);
    expect(signals('job-failed', failed, { filter: { label: 'tenant:other' } })).toEqual([]);
  });

  it('a success is that of a whole job', () => {
    expect(successIn(news([event({ to: 'succeeded' })]))).toEqual(AT);
    expect(successIn(news([part('output/0', 'succeeded'), event({ to: 'partially_failed' })]))).toBeNull();
  });
});

it.each([
  [{}, true],
  [{ status: 'failed,partially_failed' }, true],
  [{ status: 'failed' }, false],
  [{ account: 'media-cn' }, true],
  [{ account: 'partner' }, false],
  [{ api: 'alibaba-ims/media-convert' }, false],
  [{ label: ['tenant:acme'] }, true],
  [{ label: ['tenant:acme', 'x:y'] }, false],
  [{ q: 'match-day' }, true],
  [{ q: 'b6b2' }, true],
  [{ q: job.id }, true],
  [{ q: 'day-7' }, false],
  [{ createdAfter: '2026-11-21', createdBefore: '2026-11-22' }, true],
  [{ createdAfter: '2026-11-22' }, false],
])('%j covers it: %s', (filter, expected) => {
  expect(matchesJob(JobFilter.parse(filter), job)).toBe(expected);
});
