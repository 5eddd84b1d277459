import { PrismaService } from '../src/database/prisma.service.js';
import { ACCOUNT } from './account.js';
import { applyWithPrisma } from './apply-baseline.js';
import { answerKinds, type AnswerKind } from './documents.js';
import { fillDatabase } from './fill.js';
import { query, settle, type BenchPostgres } from './postgres.js';
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
/** At once, on both sides. */
const APPLIERS = 2;
const WARM_UP_JOBS = 600;
/** Kinds share a database and, some of them, an API: so far apart are the numbers of their answers. */
const APART = 1_000_000;

/** Observations applied per second, among as many jobs as a platform has: one final answer for each of many queued jobs. */
export async function apply(postgres: BenchPostgres, options: BenchOptions, say: Say): Promise<Row[]> {
  const databaseUrl = await postgres.createDatabase('apply');
  await fillDatabase(databaseUrl, { jobs: options.size }, say);
  const ours = await openSide(databaseUrl);
  const rows: Row[] = [];
  try {
    for (const [place, kind] of answerKinds().entries()) {
      rows.push(
        ...(await measureKind(
          postgres,
          ours,
          { ...kind, answer: (n) => kind.answer(place * APART + n) },
          options,
          say,
        )),
      );
    }
  } finally {
    await ours.sql.onModuleDestroy();
  }
  return rows;
}

async function measureKind(
  postgres: BenchPostgres,
  ours: Side,
  kind: AnswerKind,
  { jobs, runs }: BenchOptions,
  say: Say,
): Promise<Row[]> {
  const short = kind.api.split('/')[1] ?? kind.api;
  const warmUp = sizeOf(WARM_UP_JOBS, kind);
  const count = sizeOf(jobs / runs, kind);
  const baseline = await openSide(await postgres.createDatabase('apply_baseline'));
  const prisma = new PrismaService(baseline.databaseUrl);
  const figures = { ours: [] as number[], baseline: [] as number[], nothingNew: [] as number[] };
  const before = await contentsOf(ours);
  let filled = 0;

  const applyOurs = (count: number) =>
    rate(count, () => Promise.all(Array.from({ length: APPLIERS }, () => ours.tracker.applyPending())));
  const applyBaseline = async (count: number) => {
    const pending = await prisma.pendingReceipt.findMany({ select: { id: true }, orderBy: { id: 'asc' } });
    return rate(count, () => applyWithPrisma(prisma, pending, APPLIERS));
  };
  const onBoth = async (count: number) => {
    for (const side of [ours, baseline]) {
      await register(side, kind, filled, count);
      await answer(side, kind, filled, count);
    }
    const perSecond = { ours: await applyOurs(count), baseline: await applyBaseline(count), nothingNew: 0 };
    await answer(ours, kind, filled, count);
    perSecond.nothingNew = await applyOurs(count);
    filled += count;
    return perSecond;
  };

  try {
    await onBoth(warmUp);
    for (let run = 1; run <= runs; run++) {
      const perSecond = await onBoth(count);
      for (const [what, figure] of Object.entries(perSecond)) figures[what as keyof typeof figures].push(figure);
      const shown = Object.entries(perSecond).map(([what, figure]) => `${what} ${Math.round(figure * 10) / 10}/s`);
      say(`apply ${short} ${run}/${runs}: ${shown.join(', ')}`);
    }
    compareContents(before, await contentsOf(ours), await contentsOf(baseline), filled);
  } finally {
    await prisma.$disconnect();
    await baseline.sql.onModuleDestroy();
  }
  return rowsOf(kind, short, figures);
}

function rowsOf(kind: AnswerKind, short: string, figures: Record<'ours' | 'baseline' | 'nothingNew', number[]>): Row[] {
  const aim = AIMS[kind.api];
  const { ours, baseline, nothingNew } = figures;
  const name = `apply: ${short} (${kind.shape})`;
  const news = { unit: '/s', ours, baseline };
  const times: Target = { ratio: 'at least', value: aim?.times ?? TIMES_THE_BASELINE };
  const rows = [compared({ ...news, name, target: aim ? { ours: 'at least', value: aim.perSecond } : times })];
  if (!aim) return rows;
  const again: Target = { ours: 'at least', value: TIMES_WITHOUT_NEWS * aim.perSecond };
  return [
    ...rows,
    compared({ ...news, name: `apply: ${short}, against one transaction each`, target: times }),
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
async function answer({ databaseUrl, sql, receipts }: Side, kind: AnswerKind, from: number, count: number) {
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
  // Autovacuum would do this in its own time: plans made for empty tables are nobody's everyday.
  await query(databaseUrl, 'ANALYZE');
  await settle(databaseUrl);
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
  const alike = JSON.stringify(mine) === JSON.stringify(theirs);
  if (!alike || mine['succeeded'] !== jobs || mine['pending'] !== 0) {
    throw new Error(`of ${jobs} jobs, ours holds ${JSON.stringify(mine)}, the baseline ${JSON.stringify(theirs)}`);
  }
}
