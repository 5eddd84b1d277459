import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Writable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { spanOf } from '../../emulator/demo/job-words.js';
import { lineWidth, toText } from '../../emulator/demo/line.js';
import type { Seen } from '../../emulator/demo/mirror.js';
import { cut, plain, widthOf } from '../../emulator/demo/text.js';
import { doorCounts, openAlerts } from '../../emulator/demo/tracker-api.js';
import { TrackerLog } from '../../emulator/demo/tracker-log.js';
import { verdictLines, verdictOn, type Truth } from '../../emulator/demo/verdict.js';
import { screen, type View } from '../../emulator/demo/view.js';
import { isRunning, processName } from '../../src/embedded/processes.js';
import type { JobItem } from '../../src/jobs/job-schemas.js';
import { PinoLogger } from '../../src/logger.js';
import { eventually } from '../support/eventually.js';
import { compiled } from '../support/program.js';

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

describe('text on a terminal', () => {
  it.each([
    ['abc', 3],
    ['世界杯', 6],
    ['e\u0301te\u0301', 3],
    ['👨‍👩‍👧', 2],
    ['｢ｱ｣', 3],
    ['✓ ✗ ━ ● ○', 9],
  ])('%s takes %i columns', (text, width) => expect(widthOf(text)).toBe(width));

  it.each([
    ['abcdef', 4, 'abc…'],
    ['abcd', 4, 'abcd'],
    ['世界杯集锦', 6, '世界…'],
    ['世界杯集锦', 7, '世界杯…'],
    ['abc', 0, ''],
    ['abc', 1, '…'],
  ])('%s cut to %i is %s', (text, width, expected) => expect(cut(text, width)).toBe(expected));

  it('holds nothing that a terminal obeys', () => {
    expect(plain('a\u001b[2Jb\r\nc\u009bd\u202ee')).toBe('a [2Jb c de');
  });

  it.each([
    [0, '0s'],
    [59_999, '59s'],
    [185_000, '3m05s'],
    [7_620_000, '2h07m'],
    [1_036_800_000, '12d'],
    [-5, '0s'],
  ])('%i ms are %s', (ms, text) => expect(spanOf(ms)).toBe(text));
});

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

it('counts what came through the doors', () => {
  const metrics = `# TYPE callsheet_callbacks_received_total counter
callsheet_callbacks_received_total{account="a",result="stored"} 7
callsheet_callbacks_received_total{account="b",result="stored"} 2
callsheet_callbacks_received_total{account="a",result="duplicate"} 3
callsheet_callbacks_received_total{account="unknown",result="refused"} 1
callsheet_vendor_calls_total{account="a",api="alibaba-ims/media-convert",result="ok"} 40
callsheet_vendor_calls_total{account="a",api="alibaba-ims/media-convert",result="throttled"} 2
callsheet_vendor_calls_total{account="b",api="alibaba-ims/media-producing",result="not_found"} 1
`;
  expect(doorCounts(metrics)).toEqual({ stored: 9, repeated: 3, refused: 1, answered: 40, unanswered: 3 });
});

it('counts the alerts that are open', () => {
  const metrics = `callsheet_alerts_open{rule="a",severity="warning",status="open"} 2
callsheet_alerts_open{rule="b",severity="critical",status="open"} 1
callsheet_alerts_open{rule="b",severity="critical",status="silenced"} 4
`;
  expect(openAlerts(metrics)).toBe(3);
});

it("counts the errors and warnings in the tracker's own log", () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'callsheet-demo-log-'));
  const file = path.join(folder, 'tracker.log');
  const out = new Writable({
    write(text, _encoding, written) {
      appendFileSync(file, text);
      written();
    },
  });
  const logger = new PinoLogger('info', (text) => text, out);
  logger.error('of the last run');
  const log = new TrackerLog(file);
  logger.log('creating the database cluster', 'Callsheet');
  logger.warn('slowing down', 'Poller');
  logger.error('something broke', 'Error: at one\n at two', 'HttpErrorFilter');
  logger.fatal('the end');
  appendFileSync(file, '\n  API key (also in a file): cs_1\n\n(node:1) Warning: odd\n{"level":"inf');
  expect(log.read()).toEqual([
    { level: 'info', context: 'Callsheet', message: 'creating the database cluster' },
    { level: 'warn', context: 'Poller', message: 'slowing down' },
    { level: 'error', context: 'HttpErrorFilter', message: 'something broke' },
    expect.objectContaining({ level: 'error' }),
    { level: 'warn', context: null, message: '(node:1) Warning: odd' },
  ]);
  appendFileSync(file, 'o","context":"Callsheet","msg":"世界"}\n');
  expect(log.read()).toEqual([{ level: 'info', context: 'Callsheet', message: '世界' }]);
  expect(log).toMatchObject({ errors: 2, warnings: 2 });
  rmSync(folder, { recursive: true });
});

it("compares every finished job with the emulator's truth", () => {
  const truth = (vendorJobId: string, expectedStatus: Truth['expectedStatus'], endedMinutesAgo = 0): Truth => ({
    vendorJobId,
    api: 'alibaba-ims/media-convert',
    expectedStatus,
    endsAt: NOW - endedMinutesAgo * 60_000,
  });
  const truths = [
    truth('good', 'succeeded'),
    truth('wrong', 'failed'),
    truth('claimed', 'failed'),
    truth('late', 'succeeded', 6),
    truth('unheard', 'succeeded', 6),
    truth('new', 'succeeded', -1),
  ];
  const seen = new Map<string, Seen>(
    (
      [
        ['good', 'succeeded', true],
        ['wrong', 'succeeded', true],
        ['claimed', 'succeeded', false],
        ['late', 'running', false],
      ] as const
    ).map(([vendorJobId, status, settled]) => [vendorJobId, { id: 'id', vendorJobId, status, settled }]),
  );
  const verdict = verdictOn(truths, (id) => seen.get(id), NOW);
  expect(verdict).toMatchObject({
    played: 6,
    finished: 2,
    differing: [{ vendorJobId: 'wrong', status: 'succeeded', expectedStatus: 'failed' }],
    overdue: [
      { vendorJobId: 'late', status: 'running' },
      { vendorJobId: 'unheard', status: null },
    ],
  });
  expect(verdictLines(verdict)).toEqual([
    'jobs: 6 played, 2 finished, 4 under way',
    'as the emulator played them: 1 of 2 finished jobs',
    '  differs: alibaba-ims/media-convert wrong is succeeded, the emulator played failed',
    '  overdue: alibaba-ims/media-convert late is still running, the emulator played succeeded',
    '  unknown: alibaba-ims/media-convert unheard: nobody registered it and its callbacks were dropped',
  ]);
});

it('runs for real, ends by itself and leaves no process', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'callsheet-demo-'));
  chmodSync(folder, 0o755);
  const child = spawn(process.execPath, [compiled('emulator/demo'), '--seconds=8'], {
    cwd: folder,
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
  const closed = once(child, 'close');
  try {
    const tracker = await eventually(() => {
      const { server } = JSON.parse(readFileSync(path.join(folder, '.callsheet/demo/demo.lock'), 'utf8'));
      return processName(server.pid) ?? Promise.reject(new Error('there is no tracker'));
    });
    const postgres = await eventually(() => {
      const { server } = JSON.parse(readFileSync(path.join(folder, '.callsheet/demo/postgres.lock'), 'utf8'));
      return processName(server.pid) ?? Promise.reject(new Error('there is no Postgres'));
    });
    const [code] = await closed;
    expect({ code, output }).toMatchObject({ code: 0 });
    expect(isRunning(tracker) || isRunning(postgres)).toBe(false);
    expect(output).toMatch(/creating the database cluster/);
    expect(output).toMatch(
      /docs +http:\/\/127\.0\.0\.1:\d+\/docs +API key +cs_\S+ +alerts +http:\/\/127\.0\.0\.1:\d+\//,
    );
    expect(output).toMatch(/jobs: \d+ played, \d+ finished/);
    expect(output).toMatch(/the tracker's log: 0 errors/);
    expect(output).toBe(stripVTControlCharacters(output));
  } finally {
    child.kill('SIGTERM');
    await closed;
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
});
