import type { Role } from '../src/operations/role.js';
import { Child } from './child.js';
import type { LoadOrder, LoadResult } from './load.js';
import { query, settle, type BenchPostgres } from './postgres.js';
import { compared, type BenchOptions, type Row, type Say } from './report.js';

/** Two generators in any case, so that what they can do is the same for both sides. */
const GENERATORS = 2;
const CONNECTIONS = 64;
const WARM_UP_MS = 1500;
/** A backlog that is not worked off by then never will be. */
const PATIENCE_MS = 120_000;
const EMPTY =
  'TRUNCATE receipts, receipt_keys, pending_receipts, receipt_problems, jobs, job_receipts, job_refs, history_events CASCADE';

type Side = { name: string; databaseUrl: string; doors: string[]; processes: Child[]; figures: Figures[] };
type Figures = { acknowledged: number; applied: number };

/**
 * Two api and two worker processes against one of each, on one database and one queue store: callbacks acknowledged a
 * second, and observations applied a second from the first callback until the last is applied. There is no target: all of
 * them share the cores with Postgres and the load.
 */
export async function replicas(postgres: BenchPostgres, { seconds, runs }: BenchOptions, say: Say): Promise<Row[]> {
  const generators = Array.from({ length: GENERATORS }, () => Child.start('load.js'));
  const sides: Side[] = [];
  try {
    sides.push(await openSide(postgres, 2), await openSide(postgres, 1));
    for (let run = 1; run <= runs; run++) {
      for (const side of sides) {
        // What the other side has left would be asked about meanwhile.
        for (const { databaseUrl } of sides) await query(databaseUrl, EMPTY);
        const { acknowledged, applied } = await measure(generators, side, seconds);
        side.figures.push({ acknowledged, applied });
        say(`replicas ${run}/${runs} ${side.name}: ${Math.round(acknowledged)}/s in, ${Math.round(applied)}/s applied`);
      }
    }
  } finally {
    await Promise.all([...generators, ...sides.flatMap(({ processes }) => processes)].map((child) => child.stop()));
  }
  const [two, one] = sides;
  const row = (name: string, read: (figures: Figures) => number) =>
    compared({
      name,
      unit: '/s',
      target: null,
      ours: two?.figures.map(read) ?? [],
      baseline: one?.figures.map(read) ?? [],
    });
  return [
    row('replicas: acknowledged by 2 api + 2 worker, against 1 + 1', ({ acknowledged }) => acknowledged),
    row('replicas: applied by 2 api + 2 worker, against 1 + 1', ({ applied }) => applied),
  ];
}

async function openSide(postgres: BenchPostgres, each: number): Promise<Side> {
  const databaseUrl = await postgres.createDatabase(`replicas_${each}`);
  const processes: Child[] = [];
  const begin = async (role: Role) => {
    const child = Child.start('intake-ours.js');
    processes.push(child);
    return (await child.ask<{ url: string }>({ databaseUrl, role })).url;
  };
  // The first one brings the database up to date.
  const doors = [await begin('api')];
  for (let i = 1; i < each; i++) doors.push(await begin('api'));
  for (let i = 0; i < each; i++) await begin('worker');
  return { name: `${each} api + ${each} worker`, databaseUrl, doors, processes, figures: [] };
}

async function measure(generators: Child[], { databaseUrl, doors }: Side, seconds: number): Promise<Figures> {
  await settle(databaseUrl);
  const startedAt = performance.now();
  const results = await Promise.all(
    generators.map((generator, i) =>
      generator.ask<LoadResult>({
        url: doors[i % doors.length] ?? '',
        connections: CONNECTIONS / generators.length,
        warmUpMs: WARM_UP_MS,
        measureMs: seconds * 1000,
      } satisfies LoadOrder),
    ),
  );
  const observations = await workedOff(databaseUrl);
  return {
    acknowledged: results.reduce((sum, { perSecond }) => sum + perSecond, 0),
    applied: observations / ((performance.now() - startedAt) / 1000),
  };
}

/** Waits until nothing is pending; answers how many receipts spoke of a job. */
async function workedOff(databaseUrl: string): Promise<number> {
  for (const deadline = performance.now() + PATIENCE_MS; performance.now() < deadline;) {
    const { rows } = await query<{ pending: boolean }>(
      databaseUrl,
      'SELECT EXISTS (SELECT FROM pending_receipts) AS pending',
    );
    if (!rows[0]?.pending) {
      const counted = await query<{ n: number }>(databaseUrl, 'SELECT count(*)::int AS n FROM job_receipts');
      return counted.rows[0]?.n ?? 0;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the workers did not work off what was stored');
}
