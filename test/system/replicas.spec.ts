import { QueueEvents } from 'bullmq';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { startEmulator, type Emulator } from '../../emulator/emulator.js';
import { DEFAULT_INTERVALS } from '../../src/loops/intervals.js';
import { TICK_QUEUE } from '../../src/queue/queues.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { leaveOut } from '../support/leave-out.js';
import { startProgram, type Program } from '../support/program.js';
import { queueStores } from '../support/queue-stores.js';
import {
  ADMIN_KEY,
  CREDENTIALS,
  HUAWEI_CREDENTIALS,
  HUAWEI_PROJECT,
  HUAWEI_VENDOR_ACCOUNT,
  TOKEN,
  VENDOR_ACCOUNT,
} from '../support/tracker.js';
import { mostWithin } from '../support/windows.js';

const PRODUCING = 'alibaba-ims/media-producing';
const CONVERT = 'alibaba-ims/media-convert';
const EDITING = 'huawei-mpc/editing';
/** Calls a second. */
const LIMIT = 20;
const HUAWEI_LIMIT = 2;

const stores = queueStores.filter(({ name }) => name === 'Redis');
if (stores.length === 0) leaveOut('the test of two api and two worker processes is', 'redis-server is not on the PATH');

// Two of each are what Redis is for.
(stores.length > 0 ? describe : describe.skip)('two api and two worker processes', () => {
  let folder: string;
  let emulator: Emulator;
  let database: TestDatabase;
  let sql: pg.Client;
  let ticks: QueueEvents;
  let apis: Program[];
  let workers: Program[];

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'callsheet-replicas-'));
    emulator = await startEmulator({ seed: 97, accounts: [VENDOR_ACCOUNT, HUAWEI_VENDOR_ACCOUNT] });
    database = await createTestDatabase();
    sql = new pg.Client({ connectionString: database.url });
    await sql.connect();
    const redisUrl = (await stores[0]?.redisUrl()) ?? '';
    const config = path.join(folder, 'callsheet.yaml');
    const account = { endpoint: emulator.url };
    writeFileSync(
      config,
      JSON.stringify({
        publicUrl: 'https://callsheet.example.com',
        accounts: [
          {
            ...account,
            ...CREDENTIALS,
            name: 'media-cn',
            vendor: 'alibaba-ims',
            region: 'cn-shanghai',
            callback: { tokens: [TOKEN] },
            requestsPerSecond: LIMIT,
          },
          {
            ...account,
            ...HUAWEI_CREDENTIALS,
            name: 'clips-cn',
            vendor: 'huawei-mpc',
            region: 'cn-north-4',
            projectId: HUAWEI_PROJECT,
            requestsPerMinute: HUAWEI_LIMIT * 60,
          },
        ],
      }),
    );
    const environment = {
      DATABASE_URL: database.url,
      REDIS_URL: redisUrl,
      CALLSHEET_CONFIG: config,
      CALLSHEET_API_KEY: ADMIN_KEY,
    };
    [apis, workers] = (await Promise.all(
      ['api', 'worker'].map((role) => Promise.all([0, 1].map(() => startProgram(environment, [`--role=${role}`])))),
    )) as [Program[], Program[]];
    const { hostname, port, pathname } = new URL(redisUrl);
    ticks = new QueueEvents(TICK_QUEUE, {
      connection: { host: hostname, port: Number(port), db: Number(pathname.slice(1)) },
    });
    await ticks.waitUntilReady();
  });
  afterAll(async () => {
    await ticks?.close();
    await Promise.all([...(apis ?? []), ...(workers ?? [])].map((program) => program.kill()));
    await emulator.stop();
    await sql.end();
    await database.drop();
    rmSync(folder, { recursive: true });
  });

  const register = async (api: Program, jobs: { account: string; api: string; vendorJobId: string }[]) => {
    const answer = await fetch(`${api.url}/v1/jobs/batch`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify({ jobs: jobs.map((job) => ({ ...job, callbackExpected: false })) }),
    });
    const { results } = (await answer.json()) as { results: { status: number }[] };
    expect(results.filter(({ status }) => status < 300)).toHaveLength(jobs.length);
  };
  const looksAt = (vendorJobId: string) =>
    emulator.requests.entries.filter(({ jobId, jobIds }) => jobId === vendorJobId || jobIds.includes(vendorJobId));

  it('share the work, keep the budgets, and lose nothing with one of them', async () => {
    const ticked: string[] = [];
    ticks.on('active', ({ jobId }) => ticked.push(jobId));
    const furtherTicks = async (count: number) => {
      const enough = ticked.length + count;
      await eventually(() => expect(ticked.length).toBeGreaterThanOrEqual(enough));
    };
    const begun = Date.now();
    // Looks at jobs that will run for long, each planned for one moment of the next second.
    const planned = Array.from({ length: 50 }, () =>
      emulator.submit({ api: CONVERT, queueMs: 0, durationMs: 36_000_000 }),
    );
    await sql.query(
      `INSERT INTO jobs (id, account, api, vendor_job_id, status, via, callback_expected, registered, created_at, next_poll_at)
       SELECT gen_random_uuid(), 'media-cn', $1, id, 'running', 'manual', false, true, now() - interval '10 hours',
              now() + random() * interval '1 second' FROM unnest($2::text[]) AS id`,
      [CONVERT, planned.map(({ vendorJobId }) => vendorJobId)],
    );
    // Every job calls back at one of the two doors, and half of them are registered at the other.
    const producing = Array.from({ length: 80 }, (_, i) =>
      emulator.submit({
        api: PRODUCING,
        queueMs: 0,
        durationMs: 200 + 10 * i,
        notifyAddress: `${apis[i % 2]?.url}/callbacks/media-cn/${TOKEN}`,
      }),
    );
    const editing = Array.from({ length: 25 }, () => emulator.submit({ api: EDITING, queueMs: 0, durationMs: 500 }));
    const [first, second] = apis as [Program, Program];
    const half = producing
      .slice(0, 40)
      .map(({ vendorJobId }) => ({ account: 'media-cn', api: PRODUCING, vendorJobId }));
    await Promise.all([
      register(first, half.slice(0, 25)),
      register(second, half.slice(15)),
      register(
        second,
        editing.map(({ vendorJobId }) => ({ account: 'clips-cn', api: EDITING, vendorJobId })),
      ),
    ]);

    const looks = () => planned.map(({ vendorJobId }) => looksAt(vendorJobId).length);
    await eventually(() => expect(looks()).not.toContain(0));
    // A second look at one of them would come with a later tick.
    await furtherTicks(3);
    expect(looks()).toEqual(planned.map(() => 1));
    const beats = (Date.now() - begun) / DEFAULT_INTERVALS.pollTick;
    expect(new Set(ticked).size).toBe(ticked.length);
    expect(ticked.length).toBeLessThanOrEqual(beats + 2);
    await workers.shift()?.kill();
    await furtherTicks(3);
    // What the one that is gone was asking about is asked about again when its lease is over.
    await sql.query('UPDATE jobs SET next_poll_at = now() WHERE next_poll_at > now() AND poll_interval_ms IS NULL');

    const expected = new Map(
      [...producing, ...editing].map(({ vendorJobId, expectedStatus }) => [vendorJobId, expectedStatus]),
    );
    await eventually(
      async () => {
        const { rows } = await sql.query<{ id: string; status: string }>(
          'SELECT vendor_job_id AS id, status FROM jobs WHERE api <> $1 AND confirmed',
          [CONVERT],
        );
        expect(new Map(rows.map(({ id, status }) => [id, status]))).toEqual(expected);
      },
      { intervalMs: 100 },
    );
    const timesOf = (action: string) => emulator.requests.where({ action }).map(({ at }) => at);
    const ims = ['GetMediaProducingJob', 'GetMediaConvertJob'].map(timesOf);
    for (const times of ims) expect(times).not.toHaveLength(0);
    for (const times of ims) expect(mostWithin(times, 10_000)).toBeLessThanOrEqual(LIMIT * 10 + LIMIT);
    const huawei = emulator.requests.entries.filter(
      ({ jobIds }) => jobIds.length > 0 && editing.some(({ vendorJobId }) => jobIds.includes(vendorJobId)),
    );
    expect(huawei).not.toHaveLength(0);
    expect(
      mostWithin(
        huawei.map(({ at }) => at),
        10_000,
      ),
    ).toBeLessThanOrEqual(HUAWEI_LIMIT * 10 + HUAWEI_LIMIT);
    // Each history is one story, whoever wrote it.
    const { rows: doubled } = await sql.query(
      `SELECT job_id FROM history_events WHERE kind = 'job.registered' GROUP BY job_id HAVING count(*) > 1`,
    );
    expect(doubled).toEqual([]);
  });
});
