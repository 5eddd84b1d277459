import { afterPage, coveredAfter, newPass, nextPage, restarted, type Covered, type Pass } from './discovery-pass.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NOW = new Date('2026-11-21T07:00:00.250Z');
/** The vendor takes whole seconds. */
const TO = new Date('2026-11-21T07:00:00Z');

const before = (ms: number) => new Date(TO.getTime() - ms);
const covered = (fromMs: number, untilMs: number): Covered => ({ from: before(fromMs), until: before(untilMs) });

/** Asks page after page, as long as there are any; answers what was asked. */
function walk(pass: Pass, longestSpanMs: number, pagesOf: (span: { from: Date; to: Date }) => number) {
  const asked: { from: Date; to: Date; token: string | null }[] = [];
  for (let ended = false; !ended;) {
    const page = nextPage(pass, longestSpanMs);
    asked.push(page);
    const number = Number(page.token ?? 1);
    const nextToken = number < pagesOf(page) ? String(number + 1) : null;
    ({ pass, ended } = afterPage(pass, { listed: 100, found: 7, nextToken }, longestSpanMs));
    if (asked.length > 100) throw new Error('it does not end');
  }
  return { asked, pass };
}

describe('a pass through what a vendor lists', () => {
  it.each<[string, Covered | null, number]>([
    ['goes back the whole window at first', null, 30 * DAY],
    ['goes back to an hour before what is covered', covered(30 * DAY, 10 * MINUTE), HOUR + 10 * MINUTE],
    ['goes back no further than the window, however long nobody looked', covered(90 * DAY, 40 * DAY), 30 * DAY],
    ['goes back the whole window after it grew', covered(7 * DAY, 10 * MINUTE), 30 * DAY],
  ])('%s', (_, known, backMs) => {
    expect(newPass(known, 30 * DAY, NOW)).toMatchObject({ startedAt: NOW, from: before(backMs), to: TO, token: null });
  });

  it('asks for page after page, and ends with the one that has no next', () => {
    const { asked, pass } = walk(newPass(null, 30 * DAY, NOW), 30 * DAY, () => 3);
    expect(asked).toEqual([null, '2', '3'].map((token) => ({ from: before(30 * DAY), to: TO, token })));
    expect(pass).toMatchObject({ pages: 3, listed: 300, found: 21 });
  });

  it('asks for no more time than the vendor lists at once, newest first, without a gap', () => {
    const { asked } = walk(newPass(null, 70 * DAY, NOW), 30 * DAY, ({ to }) => (to < TO ? 1 : 2));
    expect(asked).toEqual([
      { from: before(30 * DAY), to: TO, token: null },
      { from: before(30 * DAY), to: TO, token: '2' },
      { from: before(60 * DAY), to: before(30 * DAY), token: null },
      { from: before(70 * DAY), to: before(60 * DAY), token: null },
    ]);
  });

  it('ends with a page without jobs, whatever token it has', () => {
    const pass = newPass(null, DAY, NOW);
    expect(afterPage(pass, { listed: 0, found: 0, nextToken: 'on and on' }, 30 * DAY).ended).toBe(true);
    expect(afterPage(pass, { listed: 1, found: 0, nextToken: 'on' }, 30 * DAY).ended).toBe(false);
  });

  it('begins anew with its first page, and what it found stays found', () => {
    const pass = { ...newPass(null, 70 * DAY, NOW), spanTo: before(30 * DAY), token: 'expired', pages: 9, listed: 900 };
    const again = restarted({ ...pass, found: 5 });
    expect(nextPage(again, 30 * DAY)).toEqual({ from: before(30 * DAY), to: TO, token: null });
    expect(again).toMatchObject({ startedAt: NOW, pages: 0, listed: 0, found: 5 });
  });
});

describe('what is covered', () => {
  const passTo = (backMs: number): Pass => ({ ...newPass(null, backMs, NOW) });

  it.each<[string, Covered | null, number, number]>([
    ['is the first pass', null, 30 * DAY, 30 * DAY],
    ['grows with every pass that reaches back to it', covered(40 * DAY, HOUR), 2 * HOUR, 40 * DAY],
    ['grows backwards with the window', covered(7 * DAY, HOUR), 30 * DAY, 30 * DAY],
    ['has no gap: a pass that does not reach back to it counts alone', covered(90 * DAY, 40 * DAY), 30 * DAY, 30 * DAY],
  ])('%s', (_, known, passBackMs, coveredBackMs) => {
    expect(coveredAfter(known, passTo(passBackMs))).toEqual({ from: before(coveredBackMs), until: TO });
  });
});
