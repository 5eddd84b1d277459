import { Logger } from '@nestjs/common';
import { DiscoveryLog } from './discovery-log.js';
import { newPass, type Covered } from './discovery-pass.js';
import type { Claim } from './discovery-rows.js';

const NOW = new Date('2026-11-21T07:00:00Z');
const DAY = 86_400_000;
const COVERED: Covered = { from: new Date(NOW.getTime() - DAY), until: NOW };

function claim(covered: Covered | null): Claim {
  const pass = newPass(covered, DAY, NOW);
  return { account: 'a', api: 'b', lease: 'c', pass, begins: true, covered, failures: 0, errorCode: null };
}

describe('what is logged of discovery', () => {
  const log = new DiscoveryLog();
  let lines: string[] = [];
  const at = (level: string) => (line: unknown) => void lines.push(`${level} ${String(line)}`);

  beforeAll(() => {
    Logger.overrideLogger({
      log: at('log'),
      error: at('error'),
      warn: at('warn'),
      debug: at('debug'),
    });
  });
  afterAll(() => Logger.overrideLogger(false));
  beforeEach(() => void (lines = []));

  it('is the first pass, from when to when, and what it came to', () => {
    const first = claim(null);
    log.begins('media-cn ListJobs', first);
    log.ends('media-cn ListJobs', { ...first.pass, pages: 3, listed: 250, found: 0 }, first);
    expect(lines).toEqual([
      'log media-cn ListJobs: looking for jobs from 2026-11-20T07:00:00Z to 2026-11-21T07:00:00Z',
      'log media-cn ListJobs: done, 250 jobs on 3 pages, 0 of them new',
    ]);
  });

  it('is of later passes only what they found', () => {
    const later = claim(COVERED);
    log.begins('w', later);
    log.ends('w', later.pass, later);
    log.ends('w', { ...later.pass, found: 1 }, later);
    expect(lines.map((line) => line.split(' ')[0])).toEqual(['debug', 'debug', 'log']);
  });

  it('is every tenth page on the way', () => {
    const { pass } = claim(null);
    for (let pages = 1; pages <= 25; pages++) log.page('w', { ...pass, pages, listed: pages * 100, found: 7 });
    expect(lines.slice(-2)).toEqual([
      'log w: 1000 jobs on 10 pages, 7 of them new so far',
      'log w: 2000 jobs on 20 pages, 7 of them new so far',
    ]);
    expect(lines.length).toBeLessThanOrEqual(3);
  });

  it('is an error once, until it is another one', () => {
    const problem = { code: 'Forbidden.RAM', message: 'not authorized' };
    log.failed('w', problem, true);
    log.failed('w', problem, false);
    expect(lines).toEqual([
      'error w: Forbidden.RAM: not authorized; it is tried again by itself',
      'debug w: Forbidden.RAM: not authorized',
    ]);
  });
});
