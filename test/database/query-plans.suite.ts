import pg from 'pg';
import { ACCOUNT } from '../../bench/account.js';
import { figureRulesOn, relayOn } from '../../bench/alerts.js';
import { fillDatabase, sampleJobs, type Sample } from '../../bench/fill.js';
import { listCells } from '../../bench/scale-lists.js';
import { openSide } from '../../bench/side.js';
import { PrismaService } from '../../src/database/prisma.service.js';
import { JobQueries } from '../../src/jobs/job-queries.js';
import { forgetInvented } from '../../src/operations/invented-jobs.js';
import { DEFAULT_INTERVALS } from '../../src/loops/intervals.js';
import { Budgets } from '../../src/polling/budgets.js';
import { DueJobs } from '../../src/polling/due-jobs.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

/** With 4,000, a statement for some of them reads them all, and rightly so. */
const JOBS = 7000;
/** Below, reading the whole table is the right thing to do. */
const BIG = 1000;
/** A list looks at 1,500 rows and gathers 1,000. Whole tables have more. */
const MOST_SORTED = 2500;

type Node = {
  'Node Type': string;
  'Relation Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  Plans?: Node[];
};

/** Every statement that the program sends, in its own words. */
const sent: pg.QueryConfig[] = [];
const send = pg.Client.prototype.query;

describe('the plans of', () => {
  let database: TestDatabase;
  let side: Awaited<ReturnType<typeof openSide>>;
  let prisma: PrismaService;
  let explaining: pg.Client;
  let jobs: JobQueries;
  /** One of the newest, so that most of the table lies beyond its place in a list. */
  let sample: Sample;
  let big: Set<string>;

  beforeAll(async () => {
    database = await createTestDatabase();
    await fillDatabase(database.url, { jobs: JOBS }, () => undefined);
    side = await openSide(database.url);
    prisma = new PrismaService(database.url);
    jobs = new JobQueries(prisma, side.sql);
    const samples = await sampleJobs(database.url, 21);
    sample = samples.sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime())[0] as Sample;
    const { rows } = await side.sql.query<{ relname: string }>({
      text: 'SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND reltuples > $1',
      values: [BIG],
    });
    big = new Set(rows.map(({ relname }) => relname));
    expect([...big]).toEqual(
      expect.arrayContaining(['jobs', 'subjobs', 'outputs', 'streams', 'job_refs', 'job_receipts']),
    );
    explaining = new pg.Client({ connectionString: database.url });
    await explaining.connect();
    pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]) {
      const [config, values] = args;
      if (typeof config === 'object' && config !== null && 'text' in config) {
        sent.push({ text: String(config.text), values: ('values' in config ? config.values : values) as unknown[] });
      }
      return Reflect.apply(send, this, args) as never;
    };
  });

  afterAll(async () => {
    pg.Client.prototype.query = send;
    await explaining.end();
    await prisma.$disconnect();
    await side.sql.onModuleDestroy();
    await database.drop();
  });

  /** The plans of everything that was sent meanwhile, as they were carried out. */
  async function plansOf(work: () => Promise<unknown>): Promise<{ text: string; plan: Node }[]> {
    sent.length = 0;
    await work();
    const statements = sent.splice(0).filter(({ text }) => /^\W*(SELECT|INSERT|UPDATE|DELETE|WITH)/i.test(text));
    expect(statements).not.toEqual([]);
    const plans: { text: string; plan: Node }[] = [];
    for (const { text, values } of statements) {
      await explaining.query('BEGIN');
      const { rows } = await explaining
        .query<{ 'QUERY PLAN': [{ Plan: Node }] }>(`EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) ${text}`, values)
        .finally(() => explaining.query('ROLLBACK'));
      const plan = rows[0]?.['QUERY PLAN'][0].Plan;
      if (plan) plans.push({ text: text.replaceAll(/\s+/g, ' '), plan });
    }
    return plans;
  }

  async function flawsOf(work: () => Promise<unknown>): Promise<string[]> {
    const plans = await plansOf(work);
    return plans.flatMap(({ text, plan }) => flawsIn(plan).map((flaw) => `${flaw}: ${text}`));
  }

  function flawsIn(node: Node): string[] {
    const { Plans: below = [] } = node;
    const rows = below.reduce((sum, child) => sum + child['Actual Rows'] * child['Actual Loops'], 0);
    return [
      ...(node['Node Type'] === 'Seq Scan' && big.has(node['Relation Name'] ?? '')
        ? [`scans ${node['Relation Name']}`]
        : []),
      ...(/Sort/.test(node['Node Type']) && rows > MOST_SORTED ? [`sorts ${rows} rows`] : []),
      ...below.flatMap(flawsIn),
    ];
  }

  it('lists scan no table, under every filter and every sort', async () => {
    const flaws: Record<string, string[]> = {};
    const cells = listCells(jobs).filter(({ family, name }, i) => {
      // Every filter with the default sort and with one other; how another sort is walked is not the filter's business.
      return family === 'job list, other sorts'
        ? i % 6 === 0 || name.startsWith('rare status, ')
        : name.includes(', -');
    });
    expect(cells.length).toBeGreaterThan(60);
    for (const [i, { name, ask }] of cells.entries()) {
      const found = await flawsOf(() => ask(sample, i));
      if (found.length > 0) flaws[name] = found;
    }
    expect(flaws).toEqual({});
  });

  it('lists of subjobs look once at each job', async () => {
    const nobodys = { label: [['tenant', 'nobody']] satisfies [string, string][] };
    const plans = await plansOf(() => jobs.subjobs({ ...nobodys, sort: '-createdAt', limit: 50 }));
    const within = (node: Node): Node[] => [node, ...(node.Plans ?? []).flatMap(within)];
    const [walk] = plans.map(({ plan }) => within(plan));
    const looks = (table: string) =>
      (walk ?? [])
        .filter((node) => node['Relation Name'] === table)
        .reduce((sum, node) => sum + node['Actual Rows'] * node['Actual Loops'], 0);
    expect(looks('subjobs')).toBe(1000);
    expect(looks('jobs')).toBeLessThan(500);
  });

  it('one job, its history and lookup scan no table', async () => {
    const flaws = await flawsOf(async () => {
      await jobs.one(sample.id);
      await jobs.history(sample.id, { limit: 50 });
      await jobs.lookup({ ref: sample.outputUrl ?? sample.vendorJobId, limit: 50 });
    });
    expect(flaws).toEqual([]);
  });

  it('registering, intake and apply scan no table', async () => {
    const { account, api, vendorJobId } = sample;
    const flaws = await flawsOf(async () => {
      await side.registry.register([{ account, api, vendorJobId, labels: { seen: 'twice' } }]);
      await side.registry.register([{ account: ACCOUNT, api, vendorJobId: 'new' }]);
      await side.receipts.storeAnswer({
        account,
        api,
        asked: [vendorJobId],
        via: 'poll',
        httpStatus: 404,
        body: Buffer.from('{"Code":"JobNotFound"}'),
        evidence: { number: 1, askedAt: new Date() },
      });
      await side.tracker.applyPending();
    });
    expect(flaws).toEqual([]);
  });

  it('claiming due jobs and the upkeep of jobs scan no table', async () => {
    const budgets = new Budgets(side.sql);
    const api = 'alibaba-ims/media-convert';
    await budgets.ensure([{ account: ACCOUNT, api, limit: 1000 }]);
    const flaws = await flawsOf(async () => {
      const calls = await new DueJobs(side.sql, budgets, DEFAULT_INTERVALS).claim(ACCOUNT, api, 1);
      expect(calls).not.toEqual([]);
      await side.sql.transaction((client) => forgetInvented(client, 500));
    });
    expect(flaws).toEqual([]);
  });

  it('rules that go by figures scan no table', async () => {
    const flaws = await flawsOf(async () => {
      const evaluations = await figureRulesOn(side.sql, database.url).evaluateAll();
      expect(evaluations).toHaveLength(5);
    });
    expect(flaws).toEqual([]);
  });

  it('passing on news scans no table', async () => {
    const { rows } = await side.sql.query<{ id: string }>({
      text: `INSERT INTO outbox (job_id, first_sequence, last_sequence, recorded_at)
             SELECT job_id, min(sequence), max(sequence), recorded_at FROM history_events
             WHERE job_id IN (SELECT id FROM jobs WHERE status IN ('failed', 'partially_failed') LIMIT 50)
             GROUP BY job_id, recorded_at RETURNING id`,
    });
    expect(rows.length).toBeGreaterThan(49);
    const flaws = await flawsOf(() => relayOn(side.sql, database.url).passOnAll());
    expect(flaws).toEqual([]);
    const { rows: alerts } = await side.sql.query({ text: 'SELECT FROM alerts' });
    expect(alerts).not.toEqual([]);
  });
});
