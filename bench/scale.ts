import { DEFAULT_INTERVALS } from '../src/loops/intervals.js';
import { Budgets } from '../src/polling/budgets.js';
import type { DueJob } from '../src/polling/calls.js';
import { DueJobs } from '../src/polling/due-jobs.js';
import { PrismaService } from '../src/database/prisma.service.js';
import { SqlPool } from '../src/database/sql-pool.js';
import { JobQueries } from '../src/jobs/job-queries.js';
import { ACCOUNT } from './account.js';
import { filledDatabase, sampleJobs, type Sample } from './fill.js';
import { query, settle, type BenchPostgres } from './postgres.js';
import { compared, type BenchOptions, type Row, type Say } from './report.js';
import { listCells } from './scale-lists.js';

const SAMPLES = 200;
const WARM_UP = 20;
const GROWTH = 1.3;
/** A tenth of the jobs is compared with as this, if it takes less: below, it is noise that is compared. */
const SHORTEST_MS = 1;
const DUE = 1000;
const DUE_API = 'alibaba-ims/media-convert';

/** One thing that is asked again and again, with other values each time. */
export type Cell = {
  family: Family;
  name: string;
  ask: (sample: Sample, i: number) => Promise<unknown>;
  /** What has to be done before it can be asked again. */
  restore?: () => Promise<unknown>;
};
type Figure = { family: Family; name: string; p50: number; p95: number };

/** Rows of the result, and the most a p95 may be, in ms. */
const TARGETS = {
  'job list, sort=±createdAt': 10,
  'job list, other sorts': 10,
  'subjob list': 10,
  lookup: 2,
  'one job with everything': 5,
  'history page': 2,
  'claiming 1,000 due jobs': 100,
};
export type Family = keyof typeof TARGETS;

/** What people and the poller ask, with `size` jobs and with a tenth of them. */
export async function scale(postgres: BenchPostgres, { size }: BenchOptions, say: Say): Promise<Row[]> {
  const tenth = await measure(postgres, Math.round(size / 10), say);
  const whole = await measure(postgres, size, say);
  return (Object.keys(TARGETS) as Family[]).flatMap((family) => {
    const [small, large] = [worstOf(tenth, family), worstOf(whole, family)];
    const name = `scale: ${family}, p95`;
    const of = large.name === '' ? '' : ` (worst: ${large.name})`;
    return [
      compared({
        name: `${name}${of}`,
        unit: 'ms',
        target: { ours: 'at most', value: TARGETS[family] },
        ours: [large.p95],
      }),
      compared({
        name: `${name}, against a tenth of the jobs`,
        unit: 'ms',
        target: { ratio: 'at least', value: Math.round(100 / GROWTH) / 100 },
        ours: [Math.max(SHORTEST_MS, large.p95)],
        baseline: [Math.max(SHORTEST_MS, small.p95)],
      }),
    ];
  });
}

/** Families compare their worst: what is the worst filter at one size need not be it at another. */
function worstOf(figures: Figure[], family: Family): Figure {
  return figures
    .filter((figure) => figure.family === family)
    .reduce((worst, figure) => (figure.p95 > worst.p95 ? figure : worst));
}

async function measure(postgres: BenchPostgres, size: number, say: Say): Promise<Figure[]> {
  const name = `scale_${size}`;
  const databaseUrl = await filledDatabase(postgres, name, size, say);
  await makeDue(databaseUrl);
  try {
    return await measureFilled(databaseUrl, size, say);
  } finally {
    await postgres.dropDatabase(name);
  }
}

/** Everything that is measured, on a database that `filledDatabase` has filled and `makeDue` prepared. */
export async function measureFilled(databaseUrl: string, size: number, say: Say, only = ''): Promise<Figure[]> {
  const sql = new SqlPool(databaseUrl);
  const prisma = new PrismaService(databaseUrl);
  const jobs = new JobQueries(prisma, sql);
  try {
    const samples = await sampleJobs(databaseUrl, SAMPLES + WARM_UP);
    const cells = [...listCells(jobs), ...singleCells(jobs), await claimCell(sql)].filter(({ family, name }) =>
      `${family} ${name}`.includes(only),
    );
    const figures: Figure[] = [];
    // What they share is compiled and read by then, or the first ones would pay for it.
    for (const { ask, restore } of cells) {
      for (const [i, sample] of samples.slice(0, 5).entries()) {
        await ask(sample, i);
        await restore?.();
      }
    }
    for (const cell of cells) {
      const figure = await figureOf(cell, samples);
      figures.push(figure);
      const { family, name, p50, p95 } = figure;
      const label = [family, name].filter(Boolean).join(': ');
      say(`${size.toLocaleString('en-US')} jobs, ${label}: p50 ${p50.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms`);
    }
    return figures;
  } finally {
    await prisma.$disconnect();
    await sql.onModuleDestroy();
  }
}

async function figureOf({ family, name, ask, restore }: Cell, samples: Sample[]): Promise<Figure> {
  const times: number[] = [];
  for (const [i, sample] of samples.entries()) {
    const from = performance.now();
    await ask(sample, i);
    if (i >= WARM_UP) times.push(performance.now() - from);
    await restore?.();
  }
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN;
  return { family, name, p50: at(0.5), p95: at(0.95) };
}

function singleCells(jobs: JobQueries): Cell[] {
  const lookup = (name: string, ref: (sample: Sample, i: number) => string): Cell => ({
    family: 'lookup',
    name,
    ask: (sample, i) => jobs.lookup({ ref: ref(sample, i), limit: 50 }),
  });
  return [
    lookup('by the id of the job', ({ vendorJobId }) => vendorJobId),
    lookup('by the id of a subjob', ({ vendorSubjobId, vendorJobId }) => vendorSubjobId ?? vendorJobId),
    lookup('by the URL of an output', ({ outputUrl, vendorJobId }) => outputUrl ?? vendorJobId),
    lookup('by what nobody has', (_, i) => `nobody-${i}`),
    { family: 'one job with everything', name: '', ask: ({ id }) => jobs.one(id) },
    { family: 'history page', name: '', ask: ({ id }) => jobs.history(id, { limit: 50 }) },
  ];
}

/** As many due jobs of one account and API at every size, so that claims are alike. */
export async function makeDue(databaseUrl: string): Promise<void> {
  await query(
    databaseUrl,
    `UPDATE jobs SET next_poll_at = now() - random() * interval '1 hour' WHERE id IN (
       SELECT id FROM jobs WHERE account = '${ACCOUNT}' AND api = '${DUE_API}' AND status = 'succeeded'
       ORDER BY created_at DESC LIMIT ${5 * DUE})`,
  );
  await query(databaseUrl, 'VACUUM (ANALYZE) jobs');
  await settle(databaseUrl);
}

/** With the largest budget there can be; what was claimed is given back in between. */
async function claimCell(sql: SqlPool): Promise<Cell> {
  const budgets = new Budgets(sql);
  const dueJobs = new DueJobs(sql, budgets, DEFAULT_INTERVALS);
  await budgets.ensure([{ account: ACCOUNT, api: DUE_API, limit: 1000 }]);
  let claimed: DueJob[] = [];
  return {
    family: 'claiming 1,000 due jobs',
    name: '',
    ask: async () => {
      claimed = (await dueJobs.claim(ACCOUNT, DUE_API, 5)).flatMap(({ jobs }) => jobs);
      if (claimed.length !== DUE) throw new Error(`${claimed.length} jobs were claimed`);
    },
    restore: async () => {
      await dueJobs.giveBack(claimed);
      await sql.query({ text: 'UPDATE budgets SET tokens = rate, refilled_at = clock_timestamp()' });
    },
  };
}
