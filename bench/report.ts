import { writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export type Say = (line: string) => void;

/** `jobs`: of each kind, for apply. */
export type BenchOptions = { seconds: number; runs: number; jobs: number };

/** One line of the result. `ratio` is how many times better than the baseline; a `target` is a least ratio. */
export type Row = {
  name: string;
  ours: number;
  unit: string;
  baseline: number;
  ratio: number;
  target: number | null;
  met: boolean | null;
  oursRange: [number, number];
  baselineRange: [number, number];
};

type Measured = { name: string; unit: string; target: number | null; ours: number[]; baseline: number[] };

/** Medians of interleaved runs, and how far the runs lie apart. */
export function compared({ name, unit, target, ours, baseline }: Measured): Row {
  const ratio = unit === 'ms' ? median(baseline) / median(ours) : median(ours) / median(baseline);
  return {
    name,
    ours: rounded(median(ours)),
    unit,
    baseline: rounded(median(baseline)),
    ratio: Math.round(ratio * 100) / 100,
    target,
    met: target === null ? null : ratio >= target,
    oursRange: [rounded(Math.min(...ours)), rounded(Math.max(...ours))],
    baselineRange: [rounded(Math.min(...baseline)), rounded(Math.max(...baseline))],
  };
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

function rounded(value: number): number {
  return value >= 100 ? Math.round(value) : Math.round(value * 10) / 10;
}

const HEAD = ['what', 'ours (min–max)', 'baseline (min–max)', 'ratio', 'target', 'met'];

function cells(row: Row): string[] {
  const figure = (value: number, [min, max]: [number, number]) =>
    `${shown(value)} ${row.unit} (${shown(min)}–${shown(max)})`;
  return [
    row.name,
    figure(row.ours, row.oursRange),
    figure(row.baseline, row.baselineRange),
    `${row.ratio.toFixed(2)} x`,
    row.target === null ? '' : `${row.target} x`,
    row.met === null ? '' : row.met ? 'yes' : 'no',
  ];
}

function shown(value: number): string {
  return value.toLocaleString('en-US');
}

/** A Markdown table that also reads well on a terminal. */
export function table(rows: Row[]): string {
  const lines = [HEAD, ...rows.map(cells)];
  const widths = HEAD.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const padded = lines.map((line) => `| ${line.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`);
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [padded[0], rule, ...padded.slice(1)].join('\n');
}

/** `bench/results.md` and `bench/results.json`, of this run alone: figures of two machines do not mix. */
export function writeResults(rows: Row[], postgresVersion: string, options: BenchOptions): void {
  const here = import.meta.dirname;
  const folder = here.includes(`${path.sep}dist${path.sep}`) ? path.join(here, '../../bench') : here;
  const memory = `${Math.round(os.totalmem() / 2 ** 30)} GiB`;
  const queues = process.env['REDIS_URL'] ? 'Redis' : 'Postgres';
  const lines = [
    '# Benchmark results',
    '',
    'Written by `npm run bench`. Both sides, the load and Postgres share one machine; runs alternate, figures are medians.',
    '',
    `- Date: ${new Date().toISOString().slice(0, 10)}`,
    `- Machine: ${os.cpus()[0]?.model.trim() ?? 'unknown CPU'}, ${os.cpus().length} cores, ${memory}, ${os.type()} ${os.arch()}`,
    `- Node ${process.versions.node}, PostgreSQL ${postgresVersion}, queues on ${queues}`,
    `- ${options.runs} runs; intake: ${options.seconds} s each; apply: ${options.jobs} jobs of each kind in all`,
    '',
    table(rows),
    '',
  ];
  writeFileSync(path.join(folder, 'results.md'), lines.join('\n'));
  writeFileSync(path.join(folder, 'results.json'), `${JSON.stringify(rows, null, 2)}\n`);
}
