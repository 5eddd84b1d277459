import type { JobNews, NewsEvent, NewsJob } from '../domain/job-news.js';
import { eventsOf } from './outgoing-event.js';

const AT = new Date('2026-11-21T08:00:00Z');
const job: NewsJob = {
  id: '0199b5a0-0000-7000-8000-000000000001',
  account: 'media-cn',
  api: 'alibaba-ims/batch-media-producing',
  vendorJobId: 'b6b2750d',
  status: 'partially_failed',
  confirmed: true,
  name: null,
  templateId: null,
  labels: {},
  errorCode: null,
  errorMessage: null,
  createdAt: AT,
  isPart: false,
  documentReceiptId: null,
};
const subjob = {
  id: 's1',
  path: 'output/0',
  name: null,
  status: 'failed',
  errorCode: 'C',
  errorMessage: null,
  hasFailedParts: false,
} as const;

const event = (change: Partial<NewsEvent>): NewsEvent => ({
  sequence: 1,
  recordedAt: AT,
  kind: 'job.status',
  subjob: null,
  from: 'running',
  to: null,
  detail: null,
  ...change,
});
const typesOf = (...events: Partial<NewsEvent>[]) =>
  eventsOf({ job, events: events.map(event), hasSubjobs: true }).map(({ type }) => type);

describe('what endpoints are sent', () => {
  it.each([
    ['an end', { to: 'succeeded', detail: { confirmed: true } }, ['job.succeeded']],
    ['an end that failed', { to: 'failed', detail: { confirmed: true } }, ['job.failed']],
    ['an end in part', { to: 'partially_failed', detail: { confirmed: true } }, ['job.partially_failed']],
    ['another end than before', { from: 'failed', to: 'succeeded' }, ['job.succeeded']],
    [
      'an end that was claimed, and is confirmed now',
      { from: 'failed', to: 'failed', detail: { confirmed: true } },
      ['job.failed'],
    ],
    ['the same end once more', { from: 'failed', to: 'failed' }, []],
    ['a beginning', { from: 'queued', to: 'running' }, []],
    ['an end by hand', { to: 'canceled' }, []],
    ['a job that the vendor lost', { kind: 'job.lost', to: 'lost' }, []],
    ['a part that failed', { kind: 'subjob.status', subjob, to: 'failed' }, ['subjob.failed']],
    [
      'a part that had failed when it was first heard of',
      { kind: 'subjob.added', subjob, from: null, to: 'failed' },
      ['subjob.failed'],
    ],
    ['a part that succeeded', { kind: 'subjob.status', subjob, to: 'succeeded' }, []],
    ['a file', { kind: 'output.added', from: null, to: 'oss://b/a.mp4' }, ['output.ready']],
    [
      'another file in its place',
      { kind: 'output.changed', from: 'oss://b/a.mp4', to: 'oss://b/b.mp4' },
      ['output.ready'],
    ],
    ['more about a file', { kind: 'output.changed', from: 'oss://b/a.mp4', to: 'oss://b/a.mp4' }, []],
    [
      'a file that is withdrawn',
      { kind: 'output.changed', from: 'oss://b/a.mp4', to: null, detail: { withdrawn: true } },
      [],
    ],
    ['a contradiction', { kind: 'job.contradiction', from: 'failed', to: 'succeeded' }, []],
  ] as [string, Partial<NewsEvent>, string[]][])('about %s', (_, change, expected) => {
    expect(typesOf(change)).toEqual(expected);
  });

  it('comes in the order of the history, and says what it is about', () => {
    const events = [
      event({ sequence: 3, kind: 'subjob.status', subjob, to: 'failed' }),
      event({ sequence: 4, kind: 'output.added', subjob: { ...subjob, id: 's2' }, to: 'oss://b/a.mp4' }),
      event({ sequence: 5, to: 'partially_failed', detail: { confirmed: true } }),
    ];
    const about = { jobId: job.id, at: AT };
    expect(eventsOf({ job, events, hasSubjobs: true })).toEqual([
      { ...about, type: 'subjob.failed', sequence: 3, subjobId: 's1', file: null },
      { ...about, type: 'output.ready', sequence: 4, subjobId: 's2', file: 'oss://b/a.mp4' },
      { ...about, type: 'job.partially_failed', sequence: 5, subjobId: null, file: null },
    ]);
  });

  it('is nothing about a part of a batch that nobody registered: its batch tells of it', () => {
    const news: JobNews = { job: { ...job, isPart: true }, events: [event({ to: 'failed' })], hasSubjobs: false };
    expect(eventsOf(news)).toEqual([]);
  });
});
