import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { SqlPool } from '../src/database/sql-pool.js';
import { durationsOf } from '../src/domain/duration-profile.js';
import { nextLookMs, planLooks, type Plan } from '../src/domain/inspection-plan.js';
import { readProfiles } from '../src/tracking/durations.js';
import { backoff, fixed, knowsTheEnd, oracle, outcomeOf, type Looks, type Outcome } from './polling-baselines.js';
import { LOGNORMAL, shown } from './polling-workload.js';

/** A schedule at one setting: what a job costs, and how long its end goes unseen. */
type Point = { schedule: string; kind: string; calls: number; delaySeconds: number; label?: string };

const OURS = 'learned, no callbacks';
const OURS_CALLED_BACK = 'learned, 1 % of callbacks lost';
const COLORS = {
  'fixed interval': '#c0392b',
  'growing interval': '#e59500',
  [OURS]: '#1f6fb4',
  [OURS_CALLED_BACK]: '#12805c',
  oracle: '#555555',
  'knows the end': '#a05fb4',
};
const [WIDTH, HEIGHT, LEGEND] = [1280, 480, 44];
const SECONDS_SHOWN = [0.3, 1, 3, 10, 30, 100, 300];
const CALLS_SHOWN = [1, 2, 5, 10, 20, 50, 100, 200, 500];
const SECONDS = [5, 10, 20, 40, 60, 120, 240, 480];
const FACTORS = [1.1, 1.2, 1.35, 1.5, 2, 3];
const PRICES = [250, 500, 1000, 2000, 4000, 8000, 16_000, 32_000];

/** The looks that plans have led to at these prices, from the profiles that a simulation has left behind. */
export async function learnedLooks(sql: SqlPool): Promise<(priceMs: number) => Looks> {
  const profiles = await readProfiles(sql, { since: null, most: 1000 });
  return (priceMs) => {
    const plans = new Map<string, Plan>();
    for (const { recipe, ...profile } of profiles) {
      const durations = durationsOf([profile]);
      if (durations) plans.set(recipe, planLooks(durations, 1, priceMs));
    }
    return function* ({ cohort }) {
      const plan = plans.get(cohort.name);
      if (!plan) throw new Error(`nothing was learned about ${cohort.name}`);
      for (let age = 0; ; age += nextLookMs(plan, age)) yield age;
    };
  };
}

/** Draws calls against delay, on log scales, one panel for each median, into docs/images. */
export function plotTradeOff(
  warm: { withoutCallbacks: readonly Outcome[]; withCallbacks: readonly Outcome[] },
  learned: (priceMs: number) => Looks,
): void {
  const points: Point[] = [];
  for (const medianMs of new Set(LOGNORMAL.map((cohort) => cohort.medianMs))) {
    const kind = `median ${shown(medianMs)}`;
    const ofKind = ({ job: { cohort } }: Outcome) => LOGNORMAL.includes(cohort) && cohort.medianMs === medianMs;
    const outcomes = warm.withoutCallbacks.filter(ofKind);
    const add = (schedule: string, some: readonly Outcome[], label?: string) =>
      points.push({ schedule, kind, ...meansOf(some), ...(label === undefined ? {} : { label }) });
    const addLooks = (schedule: string, looks: Looks, label?: string) =>
      add(
        schedule,
        outcomes.map(({ job }) => outcomeOf(job, looks)),
        label,
      );
    for (const s of SECONDS) addLooks('fixed interval', fixed(s * 1000), s === 10 || s === 60 ? `${s} s` : undefined);
    for (const factor of FACTORS) addLooks('growing interval', backoff(factor), factor === 1.5 ? 'x 1.5' : undefined);
    for (const price of PRICES) {
      addLooks('oracle', oracle(price, 1));
      addLooks(OURS, learned(price));
    }
    add(OURS, outcomes, 'ours');
    add(OURS_CALLED_BACK, warm.withCallbacks.filter(ofKind), 'ours, called back');
    addLooks('knows the end', knowsTheEnd);
  }
  const { document } = parseHTML('<!doctype html><body></body>') as unknown as { document: never };
  const lines = points.filter(({ label, schedule }) => !label?.startsWith('ours') && schedule !== 'knows the end');
  const marked = points.filter(({ label, schedule }) => label !== undefined || schedule === 'knows the end');
  const place = { x: 'delaySeconds', y: 'calls', fx: 'kind' };
  const label = { ...place, fill: 'schedule', text: 'label', fontWeight: 'bold' };
  const style = { background: 'white', color: '#222', fontFamily: 'Helvetica, Arial, sans-serif', fontSize: '13px' };
  const color = { domain: Object.keys(COLORS), range: Object.values(COLORS) };
  const panels = Plot.plot({
    document,
    width: WIDTH,
    height: HEIGHT,
    marginLeft: 50,
    marginBottom: 46,
    marginTop: 34,
    style,
    color,
    fx: { label: null, domain: [...new Set(points.map(({ kind }) => kind))], padding: 0.05 },
    x: { type: 'log', domain: [0.2, 500], label: 'mean delay until the end is seen, in seconds' },
    y: { type: 'log', domain: [1, 1000], label: 'calls a job' },
    marks: [
      Plot.frame({ stroke: '#bbb' }),
      Plot.gridX(SECONDS_SHOWN),
      Plot.gridY(CALLS_SHOWN),
      Plot.axisX(SECONDS_SHOWN, { text: String }),
      Plot.axisY(CALLS_SHOWN, { text: String }),
      Plot.line(lines, { ...place, stroke: 'schedule', strokeWidth: 2, sort: 'delaySeconds' }),
      Plot.dot(marked, { ...place, fill: 'schedule', r: 5 }),
      Plot.text(
        marked.filter(({ schedule }) => schedule !== OURS),
        { ...label, dx: 9, dy: -7, textAnchor: 'start' },
      ),
      Plot.text(
        marked.filter(({ schedule }) => schedule === OURS),
        { ...label, dx: -9, dy: 9, textAnchor: 'end' },
      ),
    ],
  }) as unknown as { outerHTML: string };
  // As wide as its text, roughly.
  let x = 0;
  const entries = color.domain.map((schedule) => {
    const entry = { schedule, x };
    x += 40 + 7.2 * schedule.length;
    return entry;
  });
  const legend = Plot.plot({
    document,
    width: WIDTH,
    height: LEGEND,
    margin: 0,
    marginLeft: 60,
    axis: null,
    style,
    color,
    x: { domain: [0, WIDTH - 60] },
    marginRight: 0,
    marks: [
      Plot.dotX(entries, { x: 'x', fill: 'schedule', r: 5 }),
      Plot.textX(entries, { x: 'x', text: 'schedule', dx: 12, textAnchor: 'start' }),
    ],
  }) as unknown as { outerHTML: string };
  const svg = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${LEGEND + HEIGHT}" width="${WIDTH}">`,
    '<rect width="100%" height="100%" fill="white"/>',
    legend.outerHTML,
    `<g transform="translate(0 ${LEGEND})">${panels.outerHTML}</g>`,
    '</svg>',
  ];
  writeFileSync(fileOf('polling-tradeoff.svg'), `${svg.join('\n')}\n`);
}

function meansOf(outcomes: readonly Outcome[]): { calls: number; delaySeconds: number } {
  const sum = (value: (outcome: Outcome) => number) => outcomes.reduce((total, outcome) => total + value(outcome), 0);
  return {
    calls: sum(({ calls }) => calls) / outcomes.length,
    delaySeconds: sum(({ delayMs }) => delayMs) / outcomes.length / 1000,
  };
}

function fileOf(name: string): string {
  const here = import.meta.dirname;
  const root = here.includes(`${path.sep}dist${path.sep}`) ? path.join(here, '../..') : path.join(here, '..');
  return path.join(root, 'docs/images', name);
}
