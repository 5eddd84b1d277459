import { PrismaService } from '../src/database/prisma.service.js';
import { ACCOUNT } from './account.js';
import { applyWithPrisma } from './apply-baseline.js';
import { answerKinds, type AnswerKind } from './documents.js';
import { filledDatabase, LEFT_AMONG_MANY } from './fill.js';
import { query, type BenchPostgres } from './postgres.js';
import { compared, type BenchOptions, type Row, type Say, type Target } from './report.js';
import { openSide, type Side } from './side.js';

/** What one transaction an observation is to be beaten by, at least; and what is to be reached where it is the aim. */
const TIMES_THE_BASELINE = 8;
const AIMS: Record<string, { perSecond: number; times: number }> = {
  'alibaba-ims/media-producing': { perSecond: 5000, times: 20 },
  'alibaba-ims/media-convert': { perSecond: 1800, times: 8 },
};
/** So many times faster when an answer says nothing new. */
const TIMES_WITHOUT_NEWS = 3;
/** At once, on every side. */
const APPLIERS = 2;
const WARM_UP_JOBS = 600;
/**
 * Before anything is measured among many jobs. After a checkpoint the first write to a page logs all of it, and a full database
 * has pages enough for seconds of that; a server at work meets it once in five minutes.
 */
const SETTLE_JOBS = 20_000;
/** The baseline takes its time, and a part of the jobs says as much about its rate. */
const BASELINE_SHARE = 1 / 8;
/** Kinds share a database and, some of them, an API: so far apart are the numbers of their answers. */
const APART = 1_000_000;

type Sides = { ours: Side; empty: Side };
type Figures = Record<'ours' | 'empty' | 'baseline' | 'nothingNew', number[]>;

/** Observations applied per second, among as many jobs as a platform has: one final answer for each of many queued jobs. */
export async function apply(postgres: BenchPostgres, options: BenchOptions, say: Say): Promise<Row[]> {
  const sides: Sides = {
    ours: await openSide(await filledDatabase(postgres, 'apply', options.size, say)),
    empty: await openSide(await postgres.createDatabase('apply_empty')),
  };
  const rows: Row[] = [];
  try {
    const kinds = answerKinds().map((kind, place) => ({
      ...kind,
      answer: (n: number) => kind.answer(place * APART + n),
    }));
    await touchPages(sides.ours, kinds[0], options, say);
    for (const kind of kinds) rows.push(...(await measureKind(postgres, sides, kind, options, say)));
  } finally {
    for (const { sql } of Object.values(sides)) await sql.onModuleDestroy();
  }
  await postgres.dropDatabase('apply');
  return rows;
}

async function touchPages(ours: Side, kind: AnswerKind | undefined, { size }: BenchOptions, say: Say): Promise<void> {
  if (!kind) return;
  const jobs = Math.min(SETTLE_JOBS, size);
  say(`apply: ${jobs.toLocaleString('en-US')} jobs before anything is measured`);
  const from = APART - jobs;
  await register(ours, kind, from, jobs);
  await answer(ours, kind, from, jobs);
  await ours.tracker.applyPending();
}

async function measureKind(
  postgres: BenchPostgres,
  { ours, empty }: Sides,
  kind: AnswerKind,
  { jobs, runs }: BenchOptions,
  say: Say,
): Promise<Row[]> {
  const short = kind.api.split('/')[1] ?? kind.api;
  const count = sizeOf(jobs / runs, kind);
  const baseline = await openSide(await postgres.createDatabase('apply_baseline'));
  const prisma = new PrismaService(baseline.databaseUrl);
  const figures: Figures = { ours: [], empty: [], baseline: [], nothingNew: [] };
  let filled = 0;

  const applyOurs = async (side: Side, count: number, told = false) => {
    if (!told) await register(side, kind, filled, count);
    await answer(side, kind, filled, count);
    return rate(count, () => Promise.all(Array.from({ length: APPLIERS }, () => side.tracker.applyPending())));
  };
  const applyBaseline = async (count: number) => {
    await register(baseline, kind, filled, count);
    await answer(baseline, kind, filled, count);
    const pending = await prisma.pendingReceipt.findMany({ select: { id: true }, orderBy: { id: 'asc' } });
    return rate(count, () => applyWithPrisma(prisma, pending, APPLIERS));
  };
  const onAll = async (count: number, baselineCount: number) => {
    const perSecond = {
      ours: await applyOurs(ours, count),
      ...(kind.api in AIMS ? { empty: await applyOurs(empty, count) } : {}),
      baseline: await applyBaseline(baselineCount),
      nothingNew: await applyOurs(ours, count, true),
    };
    filled += count;
    return perSecond;
  };

  try {
    const [before, warmUp] = [await contentsOf(ours), sizeOf(WARM_UP_JOBS, kind)];
    await onAll(warmUp, warmUp);
    for (const { databaseUrl } of [ours, empty, baseline]) await query(databaseUrl, 'ANALYZE');
    compareContents(before, await contentsOf(ours), await contentsOf(baseline), warmUp);
    for (let run = 1; run <= runs; run++) {
      const perSecond = await onAll(count, sizeOf((jobs / runs) * BASELINE_SHARE, kind));
      for (const [what, figure] of Object.entries(perSecond)) figures[what as keyof Figures].push(figure);
      const shown = Object.entries(perSecond).map(([what, figure]) => `${what} ${Math.round(figure * 10) / 10}/s`);
      say(`apply ${short} ${run}/${runs}: ${shown.join(', ')}`);
    }
    mustAllHaveEnded(before, await contentsOf(ours), filled);
  } finally {
    await prisma.$disconnect();
    await baseline.sql.onModuleDestroy();
  }
  return rowsOf(kind, short, figures);
}

function rowsOf(kind: AnswerKind, short: string, { ours, empty, baseline, nothingNew }: Figures): Row[] {
  const aim = AIMS[kind.api];
  const name = `apply: ${short} (${kind.shape})`;
  const news = { unit: '/s', ours, baseline };
  const times: Target = { ratio: 'at least', value: aim?.times ?? TIMES_THE_BASELINE };
  const rows = [compared({ ...news, name, target: aim ? { ours: 'at least', value: aim.perSecond } : times })];
  if (!aim) return rows;
  const again: Target = { ours: 'at least', value: TIMES_WITHOUT_NEWS * aim.perSecond };
  const left: Target = { ratio: 'at least', value: LEFT_AMONG_MANY };
  return [
    ...rows,
    compared({ ...news, name: `apply: ${short}, against one transaction each`, target: times }),
    compared({ name: `apply: ${short}, against an empty database`, unit: '/s', target: left, ours, baseline: empty }),
    compared({
      name: `apply: ${short}, nothing new (against news)`,
      unit: '/s',
      target: again,
      ours: nothingNew,
      baseline: ours,
    }),
  ];
}

/** As many jobs of a kind as are worth `jobs` of the simplest, in whole answers and an even number of them. */
function sizeOf(jobs: number, { weight, jobsPerAnswer }: AnswerKind): number {
  return Math.max(2, Math.ceil(jobs / weight / jobsPerAnswer / 2) * 2) * jobsPerAnswer;
}

async function rate(count: number, work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return count / ((performance.now() - from) / 1000);
}

async function register({ registry }: Side, kind: AnswerKind, from: number, count: number): Promise<void> {
  for (const some of answersOf(kind, from, count)) {
    const ids = some.flatMap(({ vendorJobIds }) => vendorJobIds);
    await registry.register(ids.map((vendorJobId) => ({ account: ACCOUNT, api: kind.api, vendorJobId })));
  }
}

/** Stores the final answer about each job, the way pollers do: asked first, answered later. */
async function answer({ sql, receipts }: Side, kind: AnswerKind, from: number, count: number) {
  const { api } = kind;
  for (const some of answersOf(kind, from, count)) {
    const { rows } = await sql.query<{ number: string; now: Date }>({
      text: `SELECT nextval('observation_number') AS number, clock_timestamp() AS now FROM generate_series(1, $1)`,
      values: [some.length],
    });
    await Promise.all(
      some.map(({ vendorJobIds, body }, k) =>
        receipts.storeAnswer({
          account: ACCOUNT,
          api,
          asked: vendorJobIds,
          via: 'poll',
          httpStatus: 200,
          body,
          evidence: { number: Number(rows[k]?.number), askedAt: rows[k]?.now ?? new Date() },
        }),
      ),
    );
  }
}

function answersOf(kind: AnswerKind, from: number, count: number) {
  const { jobsPerAnswer } = kind;
  const answers = Array.from({ length: count / jobsPerAnswer }, (_, i) => kind.answer(from / jobsPerAnswer + i));
  return Array.from({ length: Math.ceil(answers.length / 500) }, (_, i) => answers.slice(i * 500, (i + 1) * 500));
}

const CONTENTS = `SELECT
  (SELECT count(*) FROM pending_receipts) AS pending, (SELECT count(*) FROM receipt_problems) AS problems,
  (SELECT count(*) FROM jobs WHERE status = 'succeeded' AND confirmed) AS succeeded,
  (SELECT count(*) FROM jobs WHERE next_poll_at IS NULL AND document_receipt_id IS NOT NULL) AS done,
  (SELECT count(*) FROM subjobs) AS subjobs, (SELECT count(*) FROM outputs) AS outputs,
  (SELECT count(*) FROM streams) AS streams, (SELECT count(*) FROM job_refs) AS refs,
  (SELECT count(*) FROM history_events) AS events, (SELECT count(*) FROM job_receipts) AS receipts`;
type Contents = Record<string, number>;

async function contentsOf({ databaseUrl }: Side): Promise<Contents> {
  const { rows } = await query<Record<string, string>>(databaseUrl, CONTENTS);
  return Object.fromEntries(Object.entries(rows[0] ?? {}).map(([what, count]) => [what, Number(count)]));
}

/** Fast and wrong does not count: both sides must have come to hold the same, all of it succeeded. */
function compareContents(before: Contents, after: Contents, theirs: Contents, jobs: number): void {
  const mine = Object.fromEntries(Object.entries(after).map(([what, count]) => [what, count - (before[what] ?? 0)]));
  if (JSON.stringify(mine) !== JSON.stringify(theirs)) {
    throw new Error(`of ${jobs} jobs, ours holds ${JSON.stringify(mine)}, the baseline ${JSON.stringify(theirs)}`);
  }
  mustAllHaveEnded(before, after, jobs);
}

function mustAllHaveEnded(before: Contents, { succeeded, pending }: Contents, jobs: number): void {
  if (pending !== 0 || (succeeded ?? 0) - (before['succeeded'] ?? 0) !== jobs) {
    throw new Error(
      `of ${jobs} jobs, ${(succeeded ?? 0) - (before['succeeded'] ?? 0)} succeeded, ${pending} are pending`,
    );
  }
}
