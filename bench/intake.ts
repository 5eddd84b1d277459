import { Child } from './child.js';
import type { LoadOrder, LoadResult } from './load.js';
import { filledDatabase, LEFT_AMONG_MANY } from './fill.js';
import { Ours } from './ours.js';
import { query, settle, type BenchPostgres } from './postgres.js';
import { compared, type BenchOptions, type Row, type Say, type Target } from './report.js';

const CONNECTIONS = 64;
const WARM_UP_MS = 1500;
/** Once for each process, before anything counts: until then it is compiled. */
const FIRST_MS = 4000;

/** A burst: so many times what the door keeps up with, on more connections than its buffer has room for. */
const BURST = 3;
const BURST_CONNECTIONS = 8000;
/** How soon after a burst all must be as before. */
const RECOVERY_MS = 2000;
/** Most runs of what takes no part in a comparison. */
const FEW = 3;

const EMPTY = 'TRUNCATE receipts, receipt_keys, pending_receipts';

type Side = {
  name: string;
  url: string;
  databaseUrl: string;
  empty: string;
  stop(): Promise<void>;
  /** What the database and the server know of: stored once, and seen again. */
  counted(): Promise<{ stored: number; duplicates: number }>;
  results: LoadResult[];
};

/** Callbacks acknowledged per second, each after its commit; what a burst does; and whether memory grows. */
export async function intake(postgres: BenchPostgres, options: BenchOptions, say: Say): Promise<Row[]> {
  const generator = Child.start('load.js');
  try {
    const rows = await compareSides(postgres, generator, options, say);
    const sustained = rows[0]?.ours ?? 0;
    return [
      ...rows,
      await measureAmongMany(postgres, generator, options, say),
      ...(await measureAll(postgres, generator, options, say)),
      ...(await measureBurst(postgres, generator, sustained, options, say)),
      await measureGrowth(postgres, generator, options, say),
    ];
  } finally {
    await generator.stop();
  }
}

async function compareSides(
  postgres: BenchPostgres,
  generator: Child,
  { seconds, runs }: BenchOptions,
  say: Say,
): Promise<Row[]> {
  const sides: Side[] = [];
  try {
    sides.push(await startOurs(postgres), await startBare(postgres), await startPlain(postgres));
    say('intake: warming up');
    for (const side of sides) await measure(generator, side, { warmUpMs: 0, measureMs: FIRST_MS });
    for (const side of sides) side.results = [];
    for (let run = 1; run <= runs; run++) {
      for (const side of sides) {
        const result = await measure(generator, side, { warmUpMs: WARM_UP_MS, measureMs: seconds * 1000 });
        say(`intake ${run}/${runs} ${side.name}: ${told(result)}`);
      }
    }
  } finally {
    await Promise.all(sides.map((side) => side.stop()));
  }
  const [ours = [], bare = [], plain = []] = sides.map(({ results }) => results);
  const perSecond = (results: LoadResult[]) => results.map((result) => result.perSecond);
  const rate = { unit: '/s', ours: perSecond(ours) };
  return [
    compared({ ...rate, name: 'intake: callbacks acknowledged', target: { ours: 'at least', value: 12_000 } }),
    compared({
      ...rate,
      name: 'intake: against group commit without any check',
      target: { ratio: 'at least', value: 0.6 },
      baseline: perSecond(bare),
    }),
    compared({
      ...rate,
      name: 'intake: against a plain Prisma handler',
      target: { ratio: 'at least', value: 2.5 },
      baseline: perSecond(plain),
    }),
    compared({
      name: 'intake: half are answered within',
      unit: 'ms',
      target: null,
      ours: ours.map(({ p50Ms }) => p50Ms),
      baseline: plain.map(({ p50Ms }) => p50Ms),
    }),
    compared({
      name: 'intake: 99 % are answered within',
      unit: 'ms',
      target: { ours: 'at most', value: 25 },
      ours: ours.map(({ p99Ms }) => p99Ms),
      baseline: plain.map(({ p99Ms }) => p99Ms),
    }),
  ];
}

type Times = Pick<LoadOrder, 'warmUpMs' | 'measureMs'>;

async function measure(generator: Child, side: Side, times: Times): Promise<LoadResult> {
  await query(side.databaseUrl, side.empty);
  await settle(side.databaseUrl);
  const result = await load(generator, { url: side.url, connections: CONNECTIONS, ...times });
  const { stored, duplicates } = await side.counted();
  if (result.shed + result.refused > 0) throw new Error(`${side.name}: not all callbacks were answered 200`);
  if (stored + duplicates !== result.acknowledged) {
    throw new Error(
      `${side.name}: ${result.acknowledged} answers of 200, but ${stored} rows and ${duplicates} duplicates`,
    );
  }
  side.results.push(result);
  return result;
}

function load(generator: Child, order: LoadOrder): Promise<LoadResult> {
  return generator.ask<LoadResult>(order);
}

function told({ perSecond, p99Ms }: LoadResult): string {
  return `${Math.round(perSecond)}/s, p99 ${p99Ms.toFixed(1)} ms`;
}

/** The same door in front of an empty database and of one that holds as many jobs as a platform has. */
async function measureAmongMany(
  postgres: BenchPostgres,
  generator: Child,
  { seconds, runs, size }: BenchOptions,
  say: Say,
): Promise<Row> {
  const many = `${size.toLocaleString('en-US')} jobs`;
  const filled = await filledDatabase(postgres, 'intake_filled', size, say);
  const empty = await postgres.createDatabase('intake_empty');
  const doors = [await Ours.start(filled, 'api'), await Ours.start(empty, 'api')];
  const rates: number[][] = [[], []];
  try {
    for (const { url } of doors)
      await load(generator, { url, connections: CONNECTIONS, warmUpMs: 0, measureMs: FIRST_MS });
    for (let run = 1; run <= runs; run++) {
      for (const [i, { url }] of doors.entries()) {
        const order = { url, connections: CONNECTIONS, warmUpMs: WARM_UP_MS, measureMs: seconds * 1000 };
        const result = await load(generator, order);
        say(`intake ${run}/${runs} ${i === 0 ? `among ${many}` : 'empty'}: ${told(result)}`);
        rates[i]?.push(result.perSecond);
      }
    }
  } finally {
    await Promise.all(doors.map((door) => door.stop()));
  }
  await postgres.dropDatabase('intake_filled');
  const [ours = [], baseline = []] = rates;
  const target: Target = { ratio: 'at least', value: LEFT_AMONG_MANY };
  return compared({ name: `intake: among ${many}, against an empty database`, unit: '/s', target, ours, baseline });
}

/** Door, applying and polling in one process: whatever applying leaves of two cores is the door's. */
async function measureAll(
  postgres: BenchPostgres,
  generator: Child,
  { seconds, runs }: BenchOptions,
  say: Say,
): Promise<Row[]> {
  const databaseUrl = await postgres.createDatabase('intake_all');
  const ours = await Ours.start(databaseUrl, 'all');
  const rates: number[] = [];
  const memory: number[] = [];
  try {
    for (let run = 1; run <= Math.min(runs, FEW); run++) {
      const order = { url: ours.url, connections: CONNECTIONS, warmUpMs: WARM_UP_MS, measureMs: seconds * 1000 };
      const sampled = await ours.sampled(load(generator, order));
      const most = Math.max(...sampled.memory.map(({ mebibytes }) => mebibytes));
      say(`intake --role=all ${run}: ${told(sampled.result)}, ${Math.round(most)} MiB`);
      rates.push(sampled.result.perSecond);
      memory.push(most);
    }
  } finally {
    await ours.stop();
  }
  return [
    compared({ name: 'intake: callbacks acknowledged, --role=all', unit: '/s', target: null, ours: rates }),
    compared({
      name: 'memory of --role=all, as many callbacks as it takes',
      unit: 'MiB',
      target: { ours: 'at most', value: 300 },
      ours: memory,
    }),
  ];
}

async function measureBurst(
  postgres: BenchPostgres,
  generator: Child,
  sustained: number,
  { seconds, runs }: BenchOptions,
  say: Say,
): Promise<Row[]> {
  const databaseUrl = await postgres.createDatabase('intake_burst');
  const ours = await Ours.start(databaseUrl, 'api');
  const usual = { url: ours.url, connections: CONNECTIONS };
  const rate = Math.round(BURST * sustained);
  const burst = {
    url: ours.url,
    connections: BURST_CONNECTIONS,
    rate,
    warmUpMs: WARM_UP_MS,
    measureMs: seconds * 1000,
  };
  const bursts: LoadResult[] = [];
  const memory: number[] = [];
  const recovered: number[] = [];
  try {
    await load(generator, { ...usual, warmUpMs: 0, measureMs: FIRST_MS });
    for (let run = 1; run <= Math.min(runs, FEW); run++) {
      await query(databaseUrl, EMPTY);
      await settle(databaseUrl);
      const { result, memory: samples } = await ours.sampled(load(generator, burst));
      const { rows } = await query<{ seen: number }>(databaseUrl, 'SELECT sum(seen)::int AS seen FROM receipt_keys');
      const after = await load(generator, { ...usual, warmUpMs: RECOVERY_MS, measureMs: 2000 });
      const most = Math.max(...samples.map(({ mebibytes }) => mebibytes));
      say(
        `intake burst of ${rate}/s ${run}: ${told(result)}, ${result.shed} told to come back, ` +
          `${result.unsent} never sent for want of a connection, ${Math.round(most)} MiB; afterwards ${told(after)}`,
      );
      if (result.refused > 0)
        throw new Error(`${result.refused} callbacks of a burst were answered neither 200 nor 503`);
      if (result.acknowledged > (rows[0]?.seen ?? 0)) throw new Error('a callback was acknowledged and is not stored');
      bursts.push(result);
      memory.push(most);
      recovered.push(after.p99Ms);
    }
  } finally {
    await ours.stop();
  }
  const row = (name: string, unit: string, figures: number[], atMost: number | null) =>
    compared({ name, unit, target: atMost === null ? null : { ours: 'at most', value: atMost }, ours: figures });
  const answered = bursts.map(({ answeredP99Ms }) => answeredP99Ms);
  const rates = bursts.map(({ perSecond }) => perSecond);
  return [
    row('burst: 99 % are answered within, 200 or 503', 'ms', answered, 1000),
    row('burst: callbacks acknowledged meanwhile', '/s', rates, null),
    row('burst: memory', 'MiB', memory, null),
    row(`burst: ${RECOVERY_MS / 1000} s later, 99 % are answered within`, 'ms', recovered, 25),
  ];
}

/** Over `minutes`: what the last fifth of the time takes more than the second: the first is the process getting to its size. */
async function measureGrowth(
  postgres: BenchPostgres,
  generator: Child,
  { minutes }: BenchOptions,
  say: Say,
): Promise<Row> {
  const databaseUrl = await postgres.createDatabase('intake_growth');
  const ours = await Ours.start(databaseUrl, 'api');
  const began = performance.now();
  const emptying = setInterval(() => {
    say(`memory: ${Math.round((performance.now() - began) / 1000)} of ${minutes * 60} s`);
    // The database must not fill the disk, and what it holds is not what is asked.
    query(databaseUrl, EMPTY).catch(() => undefined);
  }, 20_000);
  try {
    const order = { url: ours.url, connections: CONNECTIONS, warmUpMs: 0, measureMs: minutes * 60_000 };
    const { result, memory } = await ours.sampled(load(generator, order));
    const fifth = (n: number) => {
      const part = memory.slice(Math.floor((memory.length * n) / 5), Math.floor((memory.length * (n + 1)) / 5));
      return part.reduce((sum, { mebibytes }) => sum + mebibytes, 0) / part.length;
    };
    const fifths = [0, 1, 2, 3, 4].map(fifth);
    say(
      `memory over ${minutes} min at ${told(result)}: ${fifths.map((mebibytes) => Math.round(mebibytes)).join(', ')} MiB`,
    );
    return compared({
      name: `memory: growth in ${minutes} min of as many callbacks as it takes`,
      unit: 'MiB',
      target: { ours: 'at most', value: 20 },
      ours: [(fifths[4] ?? 0) - (fifths[1] ?? 0)],
    });
  } finally {
    clearInterval(emptying);
    await ours.stop();
  }
}

const COUNT_OURS = `
SELECT (SELECT count(*)::int FROM receipts) AS stored, (SELECT count(*)::int FROM pending_receipts) AS pending,
       (SELECT sum(seen)::int FROM receipt_keys) AS seen`;

async function countOurs(databaseUrl: string): Promise<{ stored: number; duplicates: number }> {
  const { rows } = await query<{ stored: number; pending: number; seen: number }>(databaseUrl, COUNT_OURS);
  const { stored = 0, pending = 0, seen = 0 } = rows[0] ?? {};
  if (pending !== stored) throw new Error(`${stored} receipts are stored, and ${pending} handed over to apply`);
  return { stored, duplicates: seen - stored };
}

async function startOurs(postgres: BenchPostgres): Promise<Side> {
  const databaseUrl = await postgres.createDatabase('intake');
  const ours = await Ours.start(databaseUrl, 'api');
  const counted = () => countOurs(databaseUrl);
  return { name: 'ours', url: ours.url, databaseUrl, empty: EMPTY, stop: () => ours.stop(), counted, results: [] };
}

async function startBare(postgres: BenchPostgres): Promise<Side> {
  const databaseUrl = await postgres.createDatabase('intake_bare');
  const server = Child.start('intake-bare.js');
  const { url } = await server.ask<{ url: string }>({ databaseUrl });
  const counted = () => countOurs(databaseUrl);
  return { name: 'bare', url, databaseUrl, empty: EMPTY, stop: () => server.stop(), counted, results: [] };
}

/** The receipts table as one would make it at first: no partitions, and one key. */
const PLAIN_TABLE = `CREATE TABLE receipts (
  id uuid PRIMARY KEY, account text NOT NULL, via text NOT NULL, api text, asked text[] NOT NULL DEFAULT '{}',
  verified text NOT NULL, http_status integer, content_type text, received_at timestamptz(3) NOT NULL DEFAULT now(),
  body bytea NOT NULL
)`;

async function startPlain(postgres: BenchPostgres): Promise<Side> {
  const databaseUrl = await postgres.createDatabase('intake_plain');
  await query(databaseUrl, PLAIN_TABLE);
  const server = Child.start('intake-baseline.js');
  const { url } = await server.ask<{ url: string }>({ databaseUrl });
  return {
    name: 'plain',
    url,
    databaseUrl,
    empty: 'TRUNCATE receipts',
    stop: () => server.stop(),
    async counted() {
      const { rows } = await query<{ stored: number }>(databaseUrl, 'SELECT count(*)::int AS stored FROM receipts');
      return { stored: rows[0]?.stored ?? 0, duplicates: await server.ask<number>('duplicates') };
    },
    results: [],
  };
}
