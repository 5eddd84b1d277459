import pg from 'pg';
import { createTestDatabase, rowsFrom, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { ADMIN_KEY, startTracker, type TestTracker } from '../support/tracker.js';

const callback = (vendorJobId: string) => ({
  EventType: 'ProduceMediaComplete',
  MessageBody: { JobId: vendorJobId, Status: 'Success' },
});

describe('the callback endpoint, when the database is in trouble', () => {
  let database: TestDatabase;
  let tracker: TestTracker;

  beforeAll(async () => {
    database = await createTestDatabase();
    tracker = await startTracker({ databaseUrl: database.url, intervals: { refusalsTolerated: 500 } });
  });
  afterAll(async () => {
    await tracker.stop();
    await database.drop();
  });

  let sent = 0;
  const send = async (): Promise<number> => (await tracker.callback(callback(`trouble-${sent++}`))).status;
  const sendMany = (count: number) => Promise.all(Array.from({ length: count }, send));
  const directly = <Row extends pg.QueryResultRow>(text: string) => rowsFrom<Row>(database.url, text);

  it('is not ready once everything has been refused for a while, as on a full disk, and is when storing works again', async () => {
    await directly(`CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$`);
    await directly('CREATE TRIGGER full_disk BEFORE INSERT ON receipts FOR EACH ROW EXECUTE FUNCTION full_disk()');
    expect((await tracker.get('/health/ready')).status).toBe(200);
    const unready = await eventually(async () => {
      expect(await send()).toBe(503);
      const answer = await tracker.get('/health/ready');
      expect(answer.status).toBe(503);
      return answer;
    });
    expect(JSON.parse(unready.text).notReady).toEqual([
      {
        name: 'callbacks',
        reason: expect.stringMatching(/every callback has been refused for \d+ s: .*No space left/),
      },
    ]);
    await directly('DROP TRIGGER full_disk ON receipts');
    // Without a callback that would show it: a balancer sends none to a process that is not ready.
    await eventually(async () => expect((await tracker.get('/health/ready')).status).toBe(200));
    expect(await send()).toBe(200);
  });

  it('asks a database that refuses everything once for a group of callbacks, not once for each', async () => {
    await directly('CREATE SEQUENCE attempts');
    await directly(`CREATE FUNCTION refuse_all() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN PERFORM nextval('attempts'); RAISE EXCEPTION 'disk full' USING ERRCODE = '53100'; END $$`);
    await directly(
      'CREATE TRIGGER refuse_all BEFORE INSERT ON receipts FOR EACH STATEMENT EXECUTE FUNCTION refuse_all()',
    );
    const statuses = await sendMany(64);
    expect(statuses).toEqual(statuses.map(() => 503));
    expect(statuses).toHaveLength(64);
    const [row] = await directly<{ attempts: string }>('SELECT last_value AS attempts FROM attempts');
    // 64 arrive in a few groups; halved down to single ones, they would be 127 attempts at least.
    expect(Number(row?.attempts)).toBeLessThan(64);
    await directly('DROP TRIGGER refuse_all ON receipts');
    await eventually(async () => expect(await send()).toBe(200));
  });

  it('stores callbacks while 200 slow lists, 50 scrapes and 50 health checks hold every other connection', async () => {
    const holder = new pg.Client({ connectionString: database.url });
    await holder.connect();
    // Lists, gauges, apply and health wait for these; intake needs neither.
    holder.on('error', () => undefined);
    await eventually(async () => {
      await holder.query('ROLLBACK; BEGIN');
      // In the order in which a tick takes them; a deadlock all the same ends this statement, and it is tried again.
      await holder.query('LOCK TABLE budgets, jobs IN ACCESS EXCLUSIVE MODE');
    });
    const headers = { authorization: `Bearer ${ADMIN_KEY}` };
    let slow: Promise<readonly [number, string]>[] = [];
    try {
      slow = [
        ...Array.from({ length: 200 }, (_, i) => fetch(`${tracker.url}/v1/jobs?q=job-${i}`, { headers })),
        ...Array.from({ length: 50 }, () => fetch(`${tracker.url}/metrics`)),
        ...Array.from({ length: 50 }, () => fetch(`${tracker.url}/health/ready`)),
      ].map((answer) => answer.then(async (response) => [response.status, await response.text()] as const));
      await eventually(async () => {
        const waiting = await directly<{ n: number }>(
          `SELECT count(*)::int AS n FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock' AND application_name = 'callsheet read'`,
        );
        expect(waiting[0]?.n).toBeGreaterThanOrEqual(5);
      });
      // As the vendor does, who calls again after a 503: the machine may be busy.
      await Promise.all(Array.from({ length: 50 }, () => eventually(async () => expect(await send()).toBe(200))));
      // The lock is still held, so that nothing of what was slow can have been answered from the table.
      const [held] = await directly<{ n: number }>(
        `SELECT count(*)::int AS n FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation = 'jobs'::regclass AND granted`,
      );
      expect(held?.n).toBe(1);
    } finally {
      await holder.query('ROLLBACK');
      await holder.end();
    }
    const answers = await Promise.all(slow);
    expect(answers).toHaveLength(300);
    // Those that waited too long hear so; none is an error of ours.
    expect(answers.map(([status]) => status).filter((status) => status !== 200 && status !== 503)).toEqual([]);
  });
});
