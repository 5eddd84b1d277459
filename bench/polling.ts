import { burstOf } from '../emulator/rate-limit.js';
import { migrate } from '../src/database/migrate.js';
import { SqlPool } from '../src/database/sql-pool.js';
import { backoff, fixed, oracle, outcomeOf, type Looks, type Outcome } from './polling-baselines.js';
import { learnedLooks, plotTradeOff } from './polling-plot.js';
import { simulate, type Scenario, type Simulated } from './polling-simulation.js';
import { ARRIVALS_MS, COHORTS, jobsOf, LOGNORMAL, shown, type Cohort } from './polling-workload.js';
import type { BenchPostgres } from './postgres.js';
import { compared, type BenchOptions, type Row, type Say } from './report.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const JOBS_OF_KIND = 9000;
/** Of the scenarios that are about budgets. */
const FEWER_JOBS_OF_KIND = 5000;
/** Calls a second; with so many nothing ever waits. */
const AMPLE = 300;
/** Jobs registered later than this meet profiles that know their kind. */
const WARM_FROM = ARRIVALS_MS / 2;
const COLD_JOBS = 100;

/** The share of callbacks that is lost; null: none is expected. */
const LOSSES = [null, 0, 0.01, 0.1, 0.5, 1] as const;
type Loss = (typeof LOSSES)[number];
const ORACLE_PRICES = [50, 100, 200, 400, 800, 1500, 2500, 4000, 8000, 16_000, 32_000, 64_000, 128_000];

type Sum = { calls: number; delayMs: number; p95Ms: number };

/**
 * Calls spent and delay until an end is seen, in a simulation with a virtual clock (polling-simulation.ts), compared with
 * other schedules (polling-baselines.ts). Every figure that is not about the start is of jobs that meet warm profiles.
 */
export async function polling(postgres: BenchPostgres, _options: BenchOptions, say: Say): Promise<Row[]> {
  const databaseUrl = await postgres.createDatabase('polling');
  await migrate(databaseUrl);
  const sql = new SqlPool(databaseUrl);
  try {
    const oracles: Row[] = [];
    const cold: Row[] = [];
    const warm = new Map<Loss, Outcome[]>();
    let learned: Awaited<ReturnType<typeof learnedLooks>> | null = null;
    for (const loss of LOSSES) {
      const jobs = jobsOf(COHORTS, { perCohort: JOBS_OF_KIND, callbackLoss: loss ?? 1, seed: 1 });
      say(`polling: ${jobs.length} jobs, ${named(loss)}`);
      const { outcomes } = await simulate(sql, jobs, { callbackExpected: loss !== null, limit: AMPLE });
      if (loss === null) {
        cold.push(...coldStart(outcomes));
        learned = await learnedLooks(sql);
      }
      const ofLoss = outcomes.filter(({ job }) => job.registeredAt >= WARM_FROM);
      warm.set(loss, ofLoss);
      oracles.push(againstOracle(`polling, ${named(loss)}`, ofLoss, loss ?? 1, say));
    }
    const [withoutAny, withMost] = [warm.get(null) ?? [], warm.get(0.01) ?? []];
    if (learned) plotTradeOff({ withoutCallbacks: withoutAny, withCallbacks: withMost }, learned);
    return [
      ...withCallbacks(warm.get(0) ?? [], 0),
      ...withCallbacks(withMost, 0.01),
      ...withoutCallbacks(withoutAny),
      ...oracles,
      await withoutVendorTimes(sql, say),
      ...cold,
      ...(await outage(sql, say)),
      ...(await throttling(sql, say)),
    ];
  } finally {
    await sql.onModuleDestroy();
  }
}

const named = (loss: number | null) => (loss === null ? 'no callbacks' : `${loss * 100} % of callbacks lost`);

function withCallbacks(warm: readonly Outcome[], loss: number): Row[] {
  const [ours, plain] = [sumOf(warm), sumOf(outcomesOf(warm, fixed(10 * SECOND), { callbacks: false }))];
  const name = `polling, ${named(loss)}`;
  return [
    row(`${name}: calls a job (fixed 10 s)`, 'calls', ours.calls, plain.calls, { ratio: 'at least', value: 10 }),
    row(`${name}: mean delay (fixed 10 s)`, 'ms', ours.delayMs, plain.delayMs, { ratio: 'at least', value: 1 }),
  ];
}

function withoutCallbacks(warm: readonly Outcome[]): Row[] {
  const rows: Row[] = [];
  for (const medianMs of [10 * MINUTE, HOUR]) {
    const ofMedian = warm.filter(({ job: { cohort } }) => LOGNORMAL.includes(cohort) && cohort.medianMs === medianMs);
    const [ours, plain] = [sumOf(ofMedian), sumOf(outcomesOf(ofMedian, fixed(10 * SECOND)))];
    const name = `polling, no callbacks, median ${shown(medianMs)}`;
    const inTime = ofMedian.filter(({ job, delayMs }) => delayMs <= Math.max(15 * SECOND, job.durationMs / 10));
    const share = (100 * inTime.length) / ofMedian.length;
    rows.push(
      row(`${name}: calls a job (fixed 10 s)`, 'calls', ours.calls, plain.calls, { ratio: 'at least', value: 5 }),
      row(`${name}: p95 delay`, 'ms', ours.p95Ms, null, {
        ours: 'at most',
        value: Math.max(15 * SECOND, medianMs / 10),
      }),
      row(`${name}: seen within 10 % of the job's own duration or 15 s`, '%', share),
    );
  }
  const ours = sumOf(warm);
  for (const [other, looks] of [
    ['fixed 60 s', fixed(MINUTE)],
    ['2 s growing by half to 5 min', backoff(1.5)],
  ] as const) {
    const theirs = sumOf(outcomesOf(warm, looks));
    rows.push(
      row(`polling, no callbacks, all kinds: calls a job (${other})`, 'calls', ours.calls, theirs.calls),
      row(`polling, no callbacks, all kinds: mean delay (${other})`, 'ms', ours.delayMs, theirs.delayMs),
    );
  }
  return rows;
}

function coldStart(outcomes: readonly Outcome[]): Row[] {
  const byRegistration = [...outcomes].sort((a, b) => a.job.registeredAt - b.job.registeredAt);
  const first = COHORTS.flatMap((cohort) => of(byRegistration, cohort).slice(0, COLD_JOBS));
  const [ours, plain] = [sumOf(first), sumOf(outcomesOf(first, fixed(10 * SECOND)))];
  const name = `polling, no callbacks, the first ${COLD_JOBS} of each kind`;
  return [
    row(`${name}: calls a job (fixed 10 s)`, 'calls', ours.calls, plain.calls),
    row(`${name}: mean delay (fixed 10 s)`, 'ms', ours.delayMs, plain.delayMs),
  ];
}

/** The kind of jobs for which ours needs most calls, in terms of what the oracle needs for the same mean delay. */
function againstOracle(name: string, warm: readonly Outcome[], callbackLoss: number, say: Say): Row {
  const oracles = ORACLE_PRICES.map((price) => oracle(price, callbackLoss));
  const ratios = COHORTS.map((cohort) => {
    const outcomes = of(warm, cohort);
    const ours = sumOf(outcomes);
    const curve = oracles.map((looks) => sumOf(outcomesOf(outcomes, looks)));
    const ratio = ours.calls / callsAt(ours.delayMs, curve);
    say(
      `  ${cohort.name}: ${ours.calls.toFixed(2)} calls, ${Math.round(ours.delayMs)} ms; the oracle's calls at that delay x ${ratio.toFixed(2)}`,
    );
    return ratio;
  });
  const target = { ours: 'at most', value: 1.3 } as const;
  return row(
    `${name}: calls in terms of the oracle's at equal delay, worst kind`,
    'x',
    Math.max(...ratios),
    null,
    target,
  );
}

/** Calls of a curve, from short delays to long ones, at a mean delay: between two points as on paper with log scales. */
function callsAt(delayMs: number, curve: readonly Sum[]): number {
  const right = curve.findIndex((point) => point.delayMs > delayMs);
  const [a, b] = [curve[right - 1], curve[right]];
  if (!a || !b) return (right < 0 ? curve.at(-1) : b)?.calls ?? Number.NaN;
  const along = Math.log(delayMs / a.delayMs) / Math.log(b.delayMs / a.delayMs);
  return a.calls * (b.calls / a.calls) ** along;
}

/** What every vendor API that is known tells; so it has no target. */
async function withoutVendorTimes(sql: SqlPool, say: Say): Promise<Row> {
  const jobs = jobsOf(COHORTS, { perCohort: FEWER_JOBS_OF_KIND, callbackLoss: 1, seed: 2 });
  say(`polling: ${jobs.length} jobs, no callbacks, durations known from looks alone`);
  const { outcomes } = await simulate(sql, jobs, { callbackExpected: false, limit: AMPLE, vendorTimes: false });
  const warm = outcomes.filter(({ job }) => job.registeredAt >= WARM_FROM);
  return { ...againstOracle('polling, no callbacks, no times from the vendor', warm, 1, say), target: null, met: null };
}

const OUTAGE = { from: 7 * HOUR, until: 8 * HOUR };

async function outage(sql: SqlPool, say: Say): Promise<Row[]> {
  const limit = 15;
  const { outcomes, ...done } = await withLimit(sql, say, { callbackExpected: false, limit, outage: OUTAGE });
  const after = outcomes.filter(({ job }) => job.registeredAt > OUTAGE.until + HOUR);
  const name = `polling, an hour's outage, ${limit} calls/s`;
  return [
    row(`${name}: backlog worked off after`, 'min', (done.caughtUpAt - OUTAGE.until) / MINUTE),
    row(`${name}: calls while an older deadline waited`, 'calls', done.outOfTurn, null, { ours: 'at most', value: 0 }),
    row(`${name}: burst over the budget's rate`, 'calls', burstOf(done.departedAt, limit), null, {
      ours: 'at most',
      value: limit,
    }),
    row(`${name}: mean delay an hour later`, 'ms', sumOf(after).delayMs),
  ];
}

async function throttling(sql: SqlPool, say: Say): Promise<Row[]> {
  const [limit, vendorLimit] = [40, 10];
  const { outcomes, departedAt, throttled } = await withLimit(sql, say, {
    callbackExpected: false,
    limit,
    vendorLimit,
  });
  const name = `polling, the vendor throttles at ${vendorLimit} of our ${limit} calls/s`;
  return [
    row(`${name}: calls refused`, '%', (100 * throttled) / departedAt.length),
    row(`${name}: mean delay`, 'ms', sumOf(outcomes.filter(({ job }) => job.registeredAt >= WARM_FROM)).delayMs),
  ];
}

async function withLimit(sql: SqlPool, say: Say, scenario: Scenario): Promise<Simulated> {
  const jobs = jobsOf(LOGNORMAL, { perCohort: FEWER_JOBS_OF_KIND, callbackLoss: 1, seed: 3 });
  say(`polling: ${jobs.length} jobs, ${scenario.outage ? "an hour's outage" : 'throttling'}`);
  return simulate(sql, jobs, scenario);
}

/** What other looks would have made of the same jobs. */
function outcomesOf(outcomes: readonly Outcome[], looks: Looks, { callbacks = true } = {}): Outcome[] {
  return outcomes.map(({ job }) => outcomeOf(callbacks ? job : { ...job, calledBackAt: Infinity }, looks));
}

function of(outcomes: readonly Outcome[], cohort: Cohort): Outcome[] {
  return outcomes.filter(({ job }) => job.cohort === cohort);
}

function sumOf(outcomes: readonly Outcome[]): Sum {
  const delays = outcomes.map(({ delayMs }) => delayMs).sort((a, b) => a - b);
  return {
    calls: outcomes.reduce((sum, { calls }) => sum + calls, 0) / outcomes.length,
    delayMs: delays.reduce((sum, delay) => sum + delay, 0) / outcomes.length,
    p95Ms: delays[Math.floor(0.95 * delays.length)] ?? Number.NaN,
  };
}

function row(
  name: string,
  unit: string,
  ours: number,
  baseline: number | null = null,
  target: Parameters<typeof compared>[0]['target'] = null,
): Row {
  return compared({ name, unit, target, ours: [ours], ...(baseline === null ? {} : { baseline: [baseline] }) });
}
