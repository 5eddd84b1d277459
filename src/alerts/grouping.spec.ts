import type { NewsJob } from '../domain/job-news.js';
import { Rule } from '../settings/alert-settings.js';
import type { AlertRow } from './alert-rows.js';
import { groupsOf, grown, MANY_ERRORS, withinBounds } from './grouping.js';
import type { Signal } from './rules.js';
import { covers, SilenceFilter } from './silence.js';

const NOW = new Date('2026-11-21T08:00:00Z');
const rule = Rule.parse({ name: 'r', on: 'subjob-failed' });
const signal = (i: number, message: string, change: Partial<Signal> = {}): Signal => ({
  rule,
  account: 'a',
  api: 'v/k',
  template: null,
  code: 'C',
  message,
  reason: 'a part of a job failed',
  at: new Date(NOW.getTime() + i),
  job: { id: `job-${i}`, vendorJobId: `v-${i}`, name: null } as NewsJob,
  subjobPath: 'output/0',
  ...change,
});
const words = Array.from(
  { length: 500 },
  (_, i) => `error ${'abcdefghij'[i % 10]}${'klmnopqrst'[Math.floor(i / 10) % 10]}${'uvwxyz'[Math.floor(i / 100)]}`,
);
const grow = (before: AlertRow | null, signals: Signal[], now = NOW) => {
  const [group] = groupsOf(signals);
  if (!group) throw new Error('no group');
  return grown(before, group, { inputs: new Map(), resolveAfterMs: 86_400_000, now });
};

it('failures that differ by ids alone are one group', () => {
  const signals = Array.from({ length: 30 }, (_, i) => signal(i, `clip 30d0b5e871eebb2ff7f6c75a${1000 + i} not found`));
  const groups = groupsOf([...signals, signal(30, 'another')]);
  expect(groups.map(({ message, signals: { length } }) => [message, length])).toEqual([
    ['clip <id> not found', 30],
    ['another', 1],
  ]);
});

it('an alert keeps counts, the newest failures and times, in bounded room', () => {
  let alert: AlertRow | null = null;
  for (let batch = 0; batch < 50; batch++) {
    const signals = Array.from({ length: 20 }, (_, i) =>
      signal(batch * 20 + i, `clip 30d0b5e871eebb2ff7f6${batch * 20 + i}0000 gone`),
    );
    alert = grow(alert, signals).alert;
  }
  expect(alert).toMatchObject({ failures: 1000, jobs: 1000, errorMessage: 'clip <id> gone', firstSeenAt: NOW });
  expect(alert?.sample.map(({ jobId }) => jobId).slice(0, 2)).toEqual(['job-999', 'job-998']);
  expect(alert?.sample).toHaveLength(10);
  expect(JSON.stringify(alert).length).toBeLessThan(40_000);
});

it('a job whose parts fail one after the other is one job', () => {
  const first = grow(null, [signal(1, 'm'), signal(1, 'm')]).alert;
  expect(grow(first, [signal(1, 'm'), signal(2, 'm')]).alert).toMatchObject({ failures: 4, jobs: 2 });
});

it('errors that are new each time end up in one group, once there are too many', () => {
  let room = 3;
  const bounded = withinBounds(
    groupsOf(words.map((word, i) => signal(i, word))),
    () => false,
    () => room-- > 0,
  );
  expect(bounded).toHaveLength(4);
  expect(bounded.at(-1)).toMatchObject({ message: MANY_ERRORS, signals: { length: 497 } });
});

it.each([
  [{ account: 'a' }, true],
  [{ account: 'a,b', rule: 'r' }, true],
  [{ account: 'b' }, false],
  [{ template: 't' }, false],
  [{ errorCode: 'C', severity: 'warning', kind: 'subjob-failed', api: 'v/k' }, true],
  [{ alertId: '0199b5a0-0000-7000-8000-000000000001' }, false],
])('a silence of %j covers it: %s', (filter, expected) => {
  expect(covers(SilenceFilter.parse(filter), grow(null, [signal(1, 'm')]).alert)).toBe(expected);
});
