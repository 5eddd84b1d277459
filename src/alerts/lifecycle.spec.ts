import type { AlertTiming } from '../settings/alert-settings.js';
import { endOf, grow, hold, nextMessage, nextPost, resolve, type AlertState, type Told } from './lifecycle.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const timing: AlertTiming = {
  groupWaitMs: 5 * SECOND,
  groupIntervalMs: 5 * MINUTE,
  repeatIntervalMs: 4 * HOUR,
  resolveAfterMs: DAY,
};
const at = (ms: number) => new Date(Date.UTC(2026, 10, 21) + ms);
const rule = { forMs: 0, resolveAfterMs: DAY };
const seen = (ms: number, failures = 1) => ({ failures, jobs: 1, first: at(ms), last: at(ms) });
const open = (ms = 0, failures = 1): AlertState => grow(null, seen(ms, failures), rule, at(ms)).alert;

/** Lives through a time line of failures and ends as the dispatcher does, second by second; answers what one receiver is told. */
function told(
  failures: readonly number[],
  { until, successes = [], post }: { until: number; successes?: readonly number[]; post?: number },
): string[] {
  let alert: AlertState | null = null;
  let last: Told | null = null;
  const messages: string[] = [];
  for (let ms = 0; ms <= until; ms += SECOND) {
    const now = at(ms);
    const fresh = failures.filter((failure) => failure === ms).length;
    if (fresh > 0) alert = grow(alert, seen(ms, fresh), rule, now).alert;
    if (alert && successes.includes(ms)) alert = { ...alert, succeededAt: now };
    if (!alert) continue;
    const end = endOf(alert, { forMs: 0, successCounts: true }, timing, now);
    if (end) alert = resolve(alert, end, now);
    const { tell }: { tell: string | null } =
      post === undefined
        ? nextMessage(alert, last, timing, now)
        : nextPost(alert, last, { groupWaitMs: timing.groupWaitMs, repostMs: post }, now);
    if (tell === null) continue;
    const repeats: number = tell === 'repeated' ? (last?.repeats ?? 0) + 1 : tell === 'grew' ? (last?.repeats ?? 0) : 0;
    last = { at: now, open: tell !== 'resolved', failures: alert.failures, changedAt: alert.changedAt, repeats };
    messages.push(`${ms / SECOND} ${tell}`);
  }
  return messages;
}

const every = (ms: number, until: number) => Array.from({ length: Math.ceil(until / ms) }, (_, i) => i * ms);

describe('what a receiver is told', () => {
  it('is the first message after the group wait, with all that has come by then', () => {
    expect(told([0, 0, 2000], { until: MINUTE })).toEqual(['5 opened']);
  });

  it('is that it grew, when it doubled, once in a group interval', () => {
    expect(told(every(SECOND, 20 * MINUTE), { until: 20 * MINUTE })).toEqual(['5 opened', '305 grew', '611 grew']);
  });

  it('is told again ever more seldom while it stays open', () => {
    const hours = told([0], { until: DAY - 10 * SECOND }).map((line) => Math.round(parseInt(line) / 3600));
    expect(hours).toEqual([0, 4, 12]);
  });

  it('is that it is over, after a success and a quiet group interval', () => {
    expect(told([0], { until: HOUR, successes: [10_000] })).toEqual(['5 opened', '305 resolved']);
  });

  it('is that it is over, when it was quiet for long enough', () => {
    expect(told([0], { until: DAY + MINUTE }).at(-1)).toBe('86400 resolved');
  });

  it('is little about what fails and succeeds by turns, and less each time', () => {
    const turns = 7 * MINUTE;
    const messages = told(every(turns, 6 * HOUR), {
      until: 6 * HOUR,
      successes: every(turns, 6 * HOUR).map((ms) => ms + SECOND),
    });
    expect(messages.slice(0, 4)).toEqual(['5 opened', '305 resolved', '605 reopened', expect.stringMatching(/grew$/)]);
    expect(messages.length).toBeLessThan(10);
    const times = messages.map((line) => parseInt(line));
    for (const [i, time] of times.slice(1).entries()) expect(time - (times[i] ?? 0)).toBeGreaterThanOrEqual(300);
  });

  it('is nothing while a silence covers it, and that it ended when it did', () => {
    const silenced = { ...open(), silenced: true };
    expect(nextMessage(silenced, null, timing, at(HOUR))).toEqual({ tell: null, at: null });
    const after = { ...silenced, silenced: false, silenceExpiredAt: at(HOUR) };
    expect(nextMessage(after, null, timing, at(HOUR))).toEqual({ tell: 'silence_expired', at: null });
    const before: Told = { at: at(5000), open: true, failures: 1, changedAt: at(0), repeats: 0 };
    expect(nextMessage(after, before, timing, at(HOUR)).tell).toBe('silence_expired');
    expect(nextMessage(after, { ...before, at: at(HOUR) }, timing, at(HOUR + MINUTE)).tell).toBeNull();
    // Over while nobody was told: whoever knew of it is told when the silence ends.
    const over = resolve(after, 'hand', at(HOUR));
    expect(nextMessage(over, before, timing, at(HOUR)).tell).toBe('resolved');
    expect(nextMessage(over, null, timing, at(HOUR)).tell).toBeNull();
  });

  it('is, once somebody is at it, only that it is over', () => {
    const acknowledged: AlertState = { ...open(), status: 'acknowledged', failures: 100 };
    const before: Told = { at: at(5000), open: true, failures: 1, changedAt: at(0), repeats: 0 };
    expect(nextMessage(acknowledged, before, timing, at(DAY))).toEqual({ tell: null, at: null });
    expect(nextMessage(resolve(acknowledged, 'hand', at(DAY)), before, timing, at(DAY)).tell).toBe('resolved');
  });

  it('is every change at once, and the alert again and again, for a receiver that does its own grouping', () => {
    expect(told([0, 61_000], { until: 3 * MINUTE, post: MINUTE })).toEqual([
      '0 opened',
      '60 repeated',
      '65 grew',
      '125 repeated',
    ]);
    expect(told([0], { until: 6 * MINUTE, successes: [1000], post: 2 * MINUTE })).toEqual([
      '0 opened',
      '120 repeated',
      '240 repeated',
      '300 resolved',
    ]);
  });
});

describe('the life of an alert', () => {
  it('waits for a rule that wants failures to last', () => {
    const lasting = { forMs: 10 * MINUTE, resolveAfterMs: DAY };
    const first = grow(null, seen(0), lasting, at(0));
    expect([first.became, first.alert.status]).toEqual(['pending', 'pending']);
    const later = grow(first.alert, seen(5 * MINUTE), lasting, at(5 * MINUTE));
    expect([later.became, later.alert.status]).toEqual([null, 'pending']);
    expect(endOf(later.alert, { forMs: lasting.forMs, successCounts: true }, timing, at(16 * MINUTE))).toBe('quiet');
    const last = grow(later.alert, seen(10 * MINUTE), lasting, at(10 * MINUTE));
    expect([last.became, last.alert.status, last.alert.failures]).toEqual(['opened', 'open', 3]);
  });

  it('counts anew when it is opened again, and remembers when it was first seen', () => {
    const over = resolve(open(0, 7), 'hand', at(MINUTE));
    const again = grow(over, seen(HOUR, 2), rule, at(HOUR));
    expect(again.became).toBe('reopened');
    expect(again.alert).toMatchObject({
      opening: 2,
      reopenings: 1,
      failures: 2,
      firstSeenAt: at(0),
      openedAt: at(HOUR),
    });
    const late = grow(over, seen(3 * DAY), rule, at(3 * DAY));
    expect([late.became, late.alert.reopenings]).toEqual(['opened', 0]);
  });

  it('takes the counts of a figure as they are', () => {
    const first = hold(null, seen(0, 12), rule, at(0)).alert;
    const same = hold(first, seen(MINUTE, 12), rule, at(MINUTE)).alert;
    expect(same).toMatchObject({ failures: 12, lastSeenAt: at(MINUTE), changedAt: at(0) });
    expect(hold(same, seen(2 * MINUTE, 9), rule, at(2 * MINUTE)).alert).toMatchObject({
      failures: 9,
      changedAt: at(2 * MINUTE),
    });
  });

  it('is not ended by a success that came before the last failure, nor where success proves nothing', () => {
    const alert = { ...open(), succeededAt: at(-1) };
    const enough = at(HOUR);
    expect(endOf(alert, { forMs: 0, successCounts: true }, timing, enough)).toBeNull();
    const succeeded = { ...alert, succeededAt: at(1) };
    expect(endOf(succeeded, { forMs: 0, successCounts: false }, timing, enough)).toBeNull();
    expect(endOf(succeeded, { forMs: 0, successCounts: true }, timing, at(4 * MINUTE))).toBeNull();
    expect(endOf(succeeded, { forMs: 0, successCounts: true }, timing, enough)).toBe('success');
  });
});
