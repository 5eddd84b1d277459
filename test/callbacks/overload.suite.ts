import pg from 'pg';
import { eventually } from '../support/eventually.js';
import { startTracker, type TestTracker } from '../support/tracker.js';

const callback = (vendorJobId: string) => ({
  EventType: 'ProduceMediaComplete',
  MessageBody: { JobId: vendorJobId, Status: 'Success' },
});

describe('more callbacks than the database takes', () => {
  let tracker: TestTracker;
  let letGo: () => Promise<void> = async () => undefined;

  // One for each test: looks at the jobs of one would wait for the table that the other holds.
  beforeEach(async () => {
    tracker = await startTracker();
  });
  afterEach(async () => {
    await letGo();
    await tracker.stop();
  });

  /** Nobody else may write the table until it is let go. */
  async function hold(table: string): Promise<void> {
    const client = new pg.Client({ connectionString: tracker.databaseUrl });
    await client.connect();
    letGo = async () => {
      letGo = async () => undefined;
      await client.end();
    };
    await client.query(`BEGIN; LOCK TABLE ${table} IN EXCLUSIVE MODE`);
  }
  /** On a slow machine a callback may be told to come again, though nothing is in its way: then it does, as the vendor would. */
  const isStored = (vendorJobId: string) =>
    eventually(async () => expect((await tracker.callback(callback(vendorJobId))).status).toBe(200));
  const metric = async (name: string, label = '') => {
    const { text } = await tracker.get('/metrics');
    return Number(new RegExp(`^callsheet_${name}(?:\\{.*${label}.*\\})? (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
  };

  it('are turned away once the foremost has waited too long; those before are stored, and those after', async () => {
    await hold('receipt_keys');
    const calls: Promise<{ status: number }>[] = [];
    await eventually(
      async () => {
        calls.push(tracker.callback(callback(`early-${calls.length}`)));
        expect(await metric('callbacks_shed_total')).toBeGreaterThan(0);
      },
      { intervalMs: 100 },
    );
    const answer = await fetch(tracker.notifyAddress, { method: 'POST', body: 'x'.repeat(2000) });
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
    // Only vendors wait for the database here: everybody else is served.
    expect((await tracker.get('/health/live')).status).toBe(200);

    await letGo();
    const statuses = (await Promise.all(calls)).map(({ status }) => status);
    // On a slow machine the foremost have waited so long that the vendor hears 503; they are stored all the same.
    const gaveUp = await metric('callbacks_received_total', 'result="failed"');
    const shed = (await metric('callbacks_shed_total')) - 1;
    const inTime = statuses.length - gaveUp - shed;
    expect(gaveUp + inTime).toBeGreaterThan(1);
    expect(statuses).toEqual(statuses.map((_, i) => (i >= gaveUp && i < gaveUp + inTime ? 200 : 503)));
    await isStored('late');
    const [row] = await tracker.rows(`SELECT count(*)::int AS n FROM receipts WHERE via = 'callback'`);
    expect(row?.['n']).toBe(gaveUp + inTime + 1);
  });

  it('are stored while applying them does not get on, and how far behind it is can be seen', async () => {
    await hold('jobs');
    for (let i = 0; i < 40; i++) await isStored(`held-${i}`);
    const [pending] = await tracker.rows(
      'SELECT count(*)::int AS rows, count(DISTINCT receipt_id)::int AS callbacks FROM pending_receipts',
    );
    expect(pending?.['callbacks']).toBe(40);
    await eventually(async () => {
      expect(await metric('pending_receipts')).toBe(pending?.['rows']);
      expect(await metric('pending_receipts_oldest_age_seconds')).toBeGreaterThan(0.2);
    });
    await letGo();
    await eventually(async () => {
      expect(await metric('pending_receipts')).toBe(0);
      expect(await metric('pending_receipts_oldest_age_seconds')).toBe(0);
    });
  });
});
