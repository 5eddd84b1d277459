import { PrismaService } from '../src/database/prisma.service.js';
import { ACCOUNT } from './account.js';
import { applyWithPrisma } from './apply-baseline.js';
import { answerKinds, type AnswerKind } from './documents.js';
import { query, settle, type BenchPostgres } from './postgres.js';
import { compared, type BenchOptions, type Row, type Say, type Target } from './report.js';
import { openSide, type Side } from './side.js';

const TARGET: Target = { ratio: 'at least', value: 8 };
const APPLIERS = 2;
/** The baseline is tried with each, and the faster one counts. */
const BASELINE_APPLIERS = [2, 8] as const;
const WARM_UP_JOBS = 300;

/** Observations applied per second: one final answer for each of many queued jobs. */
export async function apply(postgres: BenchPostgres, options: BenchOptions, say: Say): Promise<Row[]> {
  const rows: Row[] = [];
  for (const kind of answerKinds()) rows.push(await measureKind(postgres, kind, options, say));
  return rows;
}

async function measureKind(
  postgres: BenchPostgres,
  kind: AnswerKind,
  { jobs, runs }: BenchOptions,
  say: Say,
): Promise<Row> {
  const name = kind.api.split('/')[1] ?? kind.api;
  const warmUp = sizeOf(WARM_UP_JOBS, kind);
  const count = sizeOf(jobs / runs, kind);
  const ours = await openSide(await postgres.createDatabase('apply'));
  const baseline = await openSide(await postgres.createDatabase('apply_baseline'));
  const prisma = new PrismaService(baseline.databaseUrl);
  const figures = { ours: [] as number[], baseline: BASELINE_APPLIERS.map(() => [] as number[]) };
  let filled = 0;

  const applyOurs = async (count: number) => {
    await fill(ours, kind, filled, count);
    return rate(count, () => Promise.all(Array.from({ length: APPLIERS }, () => ours.tracker.applyPending())));
  };
  const applyBaseline = async (count: number, appliers: number, from = filled) => {
    await fill(baseline, kind, from, count);
    const pending = await prisma.pendingReceipt.findMany({ select: { id: true }, orderBy: { id: 'asc' } });
    return rate(count, () => applyWithPrisma(prisma, pending, appliers));
  };

  try {
    await applyOurs(warmUp);
    await applyBaseline(warmUp, 2);
    filled += warmUp;
    for (let run = 1; run <= runs; run++) {
      figures.ours.push(await applyOurs(count));
      say(`apply ${name} ${run}/${runs} ours: ${Math.round(figures.ours.at(-1) ?? 0)}/s`);
      const half = count / 2;
      for (const [i, appliers] of BASELINE_APPLIERS.entries()) {
        const share = i === 0 ? half : count - half;
        const perSecond = await applyBaseline(share, appliers, filled + (i === 0 ? 0 : half));
        figures.baseline[i]?.push(perSecond);
        say(`apply ${name} ${run}/${runs} baseline, ${appliers} at once: ${Math.round(perSecond)}/s`);
      }
      filled += count;
    }
    await compareContents(ours, baseline, filled);
  } finally {
    await prisma.$disconnect();
    await Promise.all([ours, baseline].map(({ sql }) => sql.onModuleDestroy()));
  }
  return fasterBaseline({ name: `apply: ${name} (${kind.shape})`, ...figures });
}

function fasterBaseline({ name, ours, baseline }: { name: string; ours: number[]; baseline: number[][] }): Row {
  const rows = baseline.map((figures) => compared({ name, unit: '/s', target: TARGET, ours, baseline: figures }));
  return rows.reduce((best, row) => ((row.baseline ?? 0) > (best.baseline ?? 0) ? row : best));
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

/** Registers jobs and stores the final answer about each, the way pollers do: asked first, answered later. */
async function fill({ databaseUrl, sql, registry, receipts }: Side, kind: AnswerKind, from: number, count: number) {
  const { api, jobsPerAnswer } = kind;
  const answers = Array.from({ length: count / jobsPerAnswer }, (_, i) => kind.answer(from / jobsPerAnswer + i));
  for (let i = 0; i < answers.length; i += 500) {
    const some = answers.slice(i, i + 500);
    const ids = some.flatMap(({ vendorJobIds }) => vendorJobIds);
    await registry.register(ids.map((vendorJobId) => ({ account: ACCOUNT, api, vendorJobId })));
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

const CONTENTS = `SELECT
  (SELECT count(*) FROM pending_receipts) AS pending, (SELECT count(*) FROM receipt_problems) AS problems,
  (SELECT count(*) FROM jobs WHERE status = 'succeeded' AND confirmed) AS succeeded,
  (SELECT count(*) FROM jobs WHERE next_poll_at IS NULL AND document_receipt_id IS NOT NULL) AS done,
  (SELECT count(*) FROM subjobs) AS subjobs, (SELECT count(*) FROM outputs) AS outputs,
  (SELECT count(*) FROM streams) AS streams, (SELECT count(*) FROM job_refs) AS refs,
  (SELECT count(*) FROM history_events) AS events, (SELECT count(*) FROM job_receipts) AS receipts`;

/** Fast and wrong does not count: both sides must hold the same at the end, all of it succeeded. */
async function compareContents(ours: Side, baseline: Side, jobs: number): Promise<void> {
  const [mine, theirs] = await Promise.all(
    [ours, baseline].map(
      async ({ databaseUrl }) => (await query<Record<string, string>>(databaseUrl, CONTENTS)).rows[0],
    ),
  );
  const alike = JSON.stringify(mine) === JSON.stringify(theirs);
  if (!alike || mine?.['succeeded'] !== String(jobs) || mine['pending'] !== '0') {
    throw new Error(`of ${jobs} jobs, ours holds ${JSON.stringify(mine)}, the baseline ${JSON.stringify(theirs)}`);
  }
}
