import { Child } from './child.js';
import type { LoadOrder, LoadResult } from './load.js';
import { query, settle, type BenchPostgres } from './postgres.js';
import { compared, type BenchOptions, type Row, type Say, type Target } from './report.js';

const CONNECTIONS = 64;
const WARM_UP_MS = 1500;
/** Of the issue: checks, dedupe and commit included, against one plain Prisma create a request. */
const TARGET: Target = { ratio: 'at least', value: 2 };

type Side = {
  name: string;
  url: string;
  server: Child;
  databaseUrl: string;
  empty: string;
  /** What the database and the server know of: stored once, and seen again. */
  counted(): Promise<{ stored: number; duplicates: number }>;
  results: LoadResult[];
};

/** Callbacks acknowledged per second, each after its commit. */
export async function intake(postgres: BenchPostgres, { seconds, runs }: BenchOptions, say: Say): Promise<Row[]> {
  const generator = Child.start('load.js');
  const sides: Side[] = [];
  try {
    sides.push(await startOurs(postgres), await startBaseline(postgres));
    for (let run = 1; run <= runs; run++) {
      for (const side of sides) {
        const result = await measure(generator, side, seconds);
        say(`intake ${run}/${runs} ${side.name}: ${Math.round(result.perSecond)}/s, p99 ${result.p99Ms.toFixed(1)} ms`);
      }
    }
  } finally {
    await Promise.all([generator, ...sides.map(({ server }) => server)].map((child) => child.stop()));
  }
  const [ours = [], baseline = []] = sides.map(({ results }) => results);
  const row = (name: string, unit: string, target: Target | null, read: (result: LoadResult) => number) =>
    compared({ name, unit, target, ours: ours.map(read), baseline: baseline.map(read) });
  return [
    row('intake: callbacks acknowledged', '/s', TARGET, ({ perSecond }) => perSecond),
    row('intake: half are answered within', 'ms', null, ({ p50Ms }) => p50Ms),
    row('intake: 99 % are answered within', 'ms', null, ({ p99Ms }) => p99Ms),
  ];
}

async function measure(generator: Child, side: Side, seconds: number): Promise<LoadResult> {
  await query(side.databaseUrl, side.empty);
  await settle(side.databaseUrl);
  const order = { url: side.url, connections: CONNECTIONS, warmUpMs: WARM_UP_MS, measureMs: seconds * 1000 };
  const result = await generator.ask<LoadResult>(order satisfies LoadOrder);
  const { stored, duplicates } = await side.counted();
  if (result.refused > 0) throw new Error(`${side.name}: ${result.refused} callbacks were not answered 200`);
  if (stored + duplicates !== result.acknowledged || duplicates === 0) {
    throw new Error(
      `${side.name}: ${result.acknowledged} answers of 200, but ${stored} rows and ${duplicates} duplicates`,
    );
  }
  side.results.push(result);
  return result;
}

async function startOurs(postgres: BenchPostgres): Promise<Side> {
  const databaseUrl = await postgres.createDatabase('intake');
  const server = Child.start('intake-ours.js');
  const { url } = await server.ask<{ url: string }>({ databaseUrl });
  return {
    name: 'ours',
    url,
    server,
    databaseUrl,
    empty: 'TRUNCATE receipts, receipt_keys, pending_receipts',
    results: [],
    async counted() {
      const { rows } = await query<{ stored: number; pending: number; seen: number }>(
        databaseUrl,
        `SELECT (SELECT count(*)::int FROM receipts) AS stored, (SELECT count(*)::int FROM pending_receipts) AS pending,
                (SELECT sum(seen)::int FROM receipt_keys) AS seen`,
      );
      const { stored = 0, pending = 0, seen = 0 } = rows[0] ?? {};
      if (pending !== stored) throw new Error(`${stored} receipts are stored, and ${pending} handed over to apply`);
      return { stored, duplicates: seen - stored };
    },
  };
}

/** The receipts table as one would make it at first: no partitions, and one key. */
const PLAIN_TABLE = `CREATE TABLE receipts (
  id uuid PRIMARY KEY, account text NOT NULL, via text NOT NULL, api text, asked text[] NOT NULL DEFAULT '{}',
  verified text NOT NULL, http_status integer, content_type text, received_at timestamptz(3) NOT NULL DEFAULT now(),
  body bytea NOT NULL
)`;

async function startBaseline(postgres: BenchPostgres): Promise<Side> {
  const databaseUrl = await postgres.createDatabase('intake_baseline');
  await query(databaseUrl, PLAIN_TABLE);
  const server = Child.start('intake-baseline.js');
  const { url } = await server.ask<{ url: string }>({ databaseUrl });
  return {
    name: 'baseline',
    url,
    server,
    databaseUrl,
    empty: 'TRUNCATE receipts',
    results: [],
    async counted() {
      const { rows } = await query<{ stored: number }>(databaseUrl, 'SELECT count(*)::int AS stored FROM receipts');
      return { stored: rows[0]?.stored ?? 0, duplicates: await server.ask<number>('duplicates') };
    },
  };
}
