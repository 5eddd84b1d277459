import { stripVTControlCharacters } from 'node:util';
import type { JobItem } from '../../src/jobs/job-schemas.js';
import { lineWidth, toText } from './line.js';
import { screen, type View } from './view.js';

const NOW = Date.parse('2026-01-01T00:10:00Z');

function job(change: Partial<JobItem> = {}): JobItem {
  return {
    id: '0199aaaa-0000-7000-8000-000000000001',
    account: 'media-cn',
    api: 'alibaba-ims/media-convert',
    vendorJobId: '4579b5e7a7b54ed1b0b5a3c2d1e0f9a8',
    status: 'running',
    confirmed: true,
    contradicted: false,
    callbackExpected: false,
    via: 'poll',
    progress: 40,
    name: 'goal-tv-recap-0042',
    labels: {},
    error: null,
    createdAt: '2026-01-01T00:09:18Z',
    terminalAt: null,
    subjobCounts: { total: 4, succeeded: 1, failed: 1, skipped: 0 },
    ...change,
  } as JobItem;
}

function view(jobs: JobItem[]): View {
  return {
    url: 'http://127.0.0.1:3000',
    key: 'cs_0123456789abcdefghijklmnopqrstuv',
    now: NOW,
    startedAt: NOW - 61_000,
    counts: { running: 12, queued: 3, succeeded: 410, partially_failed: 7, failed: 5, canceled: 1, lost: 0 },
    doors: { stored: 93, repeated: 4, refused: 0, answered: 512, unanswered: 6 },
    alerts: {
      page: 'http://127.0.0.1:41234/',
      open: 2,
      newest: '[warning] Growing: 12 subjobs failed · media-cn\u001b[2J\n<img src=x>',
    },
    log: { file: 'tracker.log', warnings: 0, errors: 0 },
    jobs,
    exampleId: '0199aaaa-0000-7000-8000-000000000001',
    trouble: null,
  };
}

const jobs = [
  job(),
  job({
    name: '世界杯集锦：第一场比赛的精彩瞬间回顾与赛后评论',
    status: 'succeeded',
    terminalAt: '2026-01-01T00:09:58Z',
  }),
  job({ name: '👨‍👩‍👧 été à la mer 예고편', status: 'failed', confirmed: false, via: 'callback', progress: null }),
  job({ name: null, labels: { tenant: 'kidsplanet' }, status: 'queued', callbackExpected: true }),
  job({
    name: 'x\u001b[2J\u001b]0;owned\u0007\ny\u202e',
    status: 'partially_failed',
    error: { code: '素材.NotFound', message: '"InputFile"\r\nis bad '.repeat(20) },
  }),
];
const many = Array.from({ length: 8 }, () => jobs).flat();
const textOf = (columns: number, rows: number, shown = many) =>
  screen(view(shown), { columns, rows }).map((line) => toText(line, false));

describe('the table of the demo', () => {
  it('fits every terminal', () => {
    for (let columns = 1; columns <= 200; columns += columns < 100 ? 1 : 7) {
      for (const rows of [1, 2, 8, 12, 24, 60]) {
        const lines = screen(view(many), { columns, rows });
        expect(lines.length).toBeLessThanOrEqual(rows);
        const widest = Math.max(...lines.map(lineWidth));
        if (widest > columns) throw new Error(`${widest} columns at ${columns} x ${rows}`);
      }
    }
  });

  it('shows a job in one row', () => {
    const row = textOf(140, 40).find((line) => line.includes('goal-tv-recap-0042'));
    expect(row).toMatch(/^● running {4}media-convert {4}goal-tv-recap-0042 +━+─+ {2}40% {2}1\/4 ✗1 +poll +42s$/);
  });

  it('marks what is only claimed, and names what has no name', () => {
    const text = textOf(140, 40).join('\n');
    expect(text).toMatch(/failed.*callback\?/);
    expect(text).toMatch(/queued.*kidsplanet 4579b5e7 .*waits for its callback/);
  });

  it('lets no name speak to the terminal', () => {
    const colored = screen(view(many), { columns: 200, rows: 60 }).map((line) => toText(line, true));
    for (const line of colored) expect(line.replace(/\u001b\[[\d;]*m/g, '')).not.toMatch(/\p{Cc}/u);
    expect(colored.join()).toContain('x [2J ]0;owned y');
  });

  it('has colours on a terminal only', () => {
    const lines = screen(view(jobs), { columns: 120, rows: 30 });
    const plainText = lines.map((line) => toText(line, false)).join('\n');
    const colored = lines.map((line) => toText(line, true)).join('\n');
    expect(plainText).toBe(stripVTControlCharacters(plainText));
    expect(colored).not.toBe(plainText);
    expect(stripVTControlCharacters(colored).replace(/ +$/gm, '')).toBe(plainText);
  });

  it('has the address, the key and curl lines that can be pasted', () => {
    for (const columns of [80, 120, 180]) {
      const text = textOf(columns, 30).join('\n');
      expect(text).toContain('http://127.0.0.1:3000/docs');
      // curl takes an address without its scheme as http.
      const pasted = text
        .replaceAll(/ \\\n */g, ' ')
        .replaceAll("'127.", "'http://127.")
        .split('\n');
      const header = "-H 'Authorization: Bearer cs_0123456789abcdefghijklmnopqrstuv'";
      expect(pasted).toContain(`curl -s 'http://127.0.0.1:3000/v1/jobs?status=failed,partially_failed' ${header}`);
      expect(pasted).toContain(
        `curl -s 'http://127.0.0.1:3000/v1/jobs/0199aaaa-0000-7000-8000-000000000001/history' ${header}`,
      );
    }
  });

  it('has the page of the alerts, how many are open, and the newest', () => {
    const text = textOf(120, 30).join('\n');
    expect(text).toMatch(/^alerts 2 open {3}\[warning\] Growing: 12 subjobs failed · media-cn \[2J <img src=x>$/m);
    expect(text).toMatch(/alerts +http:\/\/127\.0\.0\.1:41234\//);
  });

  it('keeps the jobs when there is room for little else', () => {
    expect(textOf(80, 9).join('\n')).toContain('goal-tv-recap');
    expect(textOf(30, 4).join('\n')).toContain('● running');
  });
});
