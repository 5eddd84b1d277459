import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export type Say = (line: string) => void;

/**
 * `seconds` of each run of intake; `runs` that the figures are medians of; `jobs` of each kind, for apply; `size`: jobs that
 * are there already; `minutes` of the run that shows what memory is held.
 */
export type BenchOptions = { seconds: number; runs: number; jobs: number; size: number; minutes: number };

/** What a row must reach: of its own figure, or of its ratio to the baseline. */
export type Target = { ours: 'at least' | 'at most'; value: number } | { ratio: 'at least' | 'at most'; value: number };

/** One line of the result. `ratio` is how many times better than the baseline; `target` as people read it. */
export type Row = {
  name: string;
  ours: number;
  unit: string;
  baseline: number | null;
  ratio: number | null;
  target: string | null;
  met: boolean | null;
  oursRange: [number, number];
  baselineRange: [number, number] | null;
};

/** `baseline` empty: there is nothing to compare with. Of `ms`, `MiB` and `calls` less is better. */
type Measured = { name: string; unit: string; target: Target | null; ours: number[]; baseline?: number[] };

const LESS_IS_BETTER = new Set(['ms', 'MiB', 'calls']);

/** Medians of interleaved runs, and how far the runs lie apart. */
export function compared({ name, unit, target, ours, baseline = [] }: Measured): Row {
  const [mine, theirs] = [median(ours), baseline.length > 0 ? median(baseline) : null];
  const ratio = theirs === null ? null : LESS_IS_BETTER.has(unit) ? theirs / mine : mine / theirs;
  return {
    name,
    ours: rounded(mine),
    unit,
    baseline: theirs === null ? null : rounded(theirs),
    ratio: ratio === null ? null : Math.round(ratio * 100) / 100,
    target: target && shownTarget(target, unit),
    met: target && isMet(target, mine, ratio),
    oursRange: rangeOf(ours),
    baselineRange: baseline.length > 0 ? rangeOf(baseline) : null,
  };
}

function isMet(target: Target, ours: number, ratio: number | null): boolean {
  const figure = 'ours' in target ? ours : (ratio ?? Number.NaN);
  const bound = 'ours' in target ? target.ours : target.ratio;
  return bound === 'at least' ? figure >= target.value : figure <= target.value;
}

function shownTarget(target: Target, unit: string): string {
  const bound = ('ours' in target ? target.ours : target.ratio) === 'at least' ? '≥' : '≤';
  return `${bound} ${shown(target.value)} ${'ours' in target ? unit : 'x'}`;
}

function rangeOf(values: number[]): [number, number] {
  return [rounded(Math.min(...values)), rounded(Math.max(...values))];
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
  const figure = (value: number | null, range: [number, number] | null) =>
    value === null || range === null ? '' : `${shown(value)} ${row.unit} (${shown(range[0])}–${shown(range[1])})`;
  return [
    row.name,
    figure(row.ours, row.oursRange),
    figure(row.baseline, row.baselineRange),
    row.ratio === null ? '' : `${row.ratio.toFixed(2)} x`,
    row.target ?? '',
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

/** A row as it is kept: of which benchmark, when it was measured, where, and how. */
type Kept = Row & { bench: string; measuredAt: string; machine: string; options: BenchOptions };

/**
 * Puts the rows of one benchmark into `bench/results.json` and `bench/results.md`, in place of its former ones. Those of the other
 * benchmarks stay, unless they are of another machine: figures of two machines do not mix.
 */
export function keepResults(
  bench: string,
  rows: Row[],
  postgresVersion: string,
  options: BenchOptions,
  order: string[],
): void {
  const here = import.meta.dirname;
  const folder = here.includes(`${path.sep}dist${path.sep}`) ? path.join(here, '../../bench') : here;
  const file = path.join(folder, 'results.json');
  const machine = thisMachine(postgresVersion);
  const measuredAt = `${new Date().toISOString().slice(0, 16)}Z`;
  const former = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Kept[]) : [];
  const kept = [
    ...former.filter((row) => row.machine === machine && row.bench !== bench),
    ...rows.map((row) => ({ ...row, bench, measuredAt, machine, options })),
  ].sort((a, b) => order.indexOf(a.bench) - order.indexOf(b.bench));
  const runs = new Map(kept.map((row) => [row.bench, row]));
  const lines = [
    '# Benchmark results',
    '',
    'Written by `npm run bench`. Both sides, the load and Postgres share one machine; runs alternate, figures are medians.',
    '',
    `- ${machine}`,
    ...[...runs.values()].map(({ bench, measuredAt, options }) => `- ${bench}: ${measuredAt}, ${told(options)}`),
    '',
    table(kept),
    '',
  ];
  writeFileSync(path.join(folder, 'results.md'), lines.join('\n'));
  writeFileSync(file, `${JSON.stringify(kept, null, 2)}\n`);
}

function thisMachine(postgresVersion: string): string {
  const memory = `${Math.round(os.totalmem() / 2 ** 30)} GiB`;
  const queues = process.env['REDIS_URL'] ? 'Redis' : 'Postgres';
  const processor = `${os.cpus()[0]?.model.trim() ?? 'unknown CPU'}, ${os.cpus().length} cores`;
  return `${processor}, ${memory}, ${os.type()} ${os.arch()}, Node ${process.versions.node}, PostgreSQL ${postgresVersion}, queues on ${queues}`;
}

function told(options: BenchOptions): string {
  return Object.entries(options)
    .map(([name, value]) => `--${name}=${value}`)
    .join(' ');
}
