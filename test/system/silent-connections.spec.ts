import type pg from 'pg';
import { createTestDatabase, rowsFrom, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js';
import { startTracker, type TestTracker } from '../support/tracker.js';

const callback = (vendorJobId: string) => ({
  EventType: 'ProduceMediaComplete',
  MessageBody: { JobId: vendorJobId, Status: 'Success' },
});

describe('the callback endpoint, when connections to the database fall silent', () => {
  let database: TestDatabase;
  let proxy: TcpProxy;
  let tracker: TestTracker;

  beforeAll(async () => {
    database = await createTestDatabase();
    const direct = new URL(database.url);
    proxy = await startTcpProxy({ host: direct.hostname, port: Number(direct.port) });
    const through = new URL(database.url);
    through.port = String(proxy.port);
    tracker = await startTracker({ databaseUrl: through.href });
  });
  afterAll(async () => {
    await tracker.stop();
    await proxy.stop();
    await database.drop();
  });

  let sent = 0;
  const send = async (): Promise<number> => (await tracker.callback(callback(`trouble-${sent++}`))).status;
  const sendMany = (count: number) => Promise.all(Array.from({ length: count }, send));
  const directly = <Row extends pg.QueryResultRow>(text: string) => rowsFrom<Row>(database.url, text);

  it('stores callbacks again soon after every connection has fallen silent, and loses none that it acknowledged', async () => {
    expect(await sendMany(20)).toEqual(Array.from({ length: 20 }, () => 200));
    expect(proxy.silence()).toBeGreaterThan(3);
    const statuses: number[] = [];
    // The limits of a statement are seconds; what the kernel waits is a quarter of an hour.
    await eventually(async () => {
      statuses.push(await send());
      expect(statuses.at(-1)).toBe(200);
    });
    expect(await sendMany(20)).toEqual(Array.from({ length: 20 }, () => 200));
    const acknowledged = 40 + statuses.filter((status) => status === 200).length;
    const [row] = await directly<{ n: number }>('SELECT count(*)::int AS n FROM receipts');
    expect(row?.n).toBeGreaterThanOrEqual(acknowledged);
    // Every other pool comes back as well: apply, lists, health and the queues.
    await eventually(async () => expect((await tracker.get('/health/ready')).status).toBe(200));
    await eventually(async () => expect((await tracker.get('/v1/jobs?limit=1')).body.data).toHaveLength(1));
    await eventually(async () => expect(await directly('SELECT FROM pending_receipts')).toHaveLength(0));
  });
});
