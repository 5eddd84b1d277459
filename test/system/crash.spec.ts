import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { startProgram } from '../support/program.js';
import { queueStores } from '../support/queue-stores.js';
import { ADMIN_KEY, TOKEN } from '../support/tracker.js';

describe.each(queueStores)('kill -9, queues on $name', (store) => {
  let folder: string;
  let database: TestDatabase;
  let sql: pg.Client;
  let environment: Record<string, string>;

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'callsheet-crash-'));
    database = await createTestDatabase();
    const redisUrl = await store.redisUrl();
    const config = path.join(folder, 'callsheet.yaml');
    writeFileSync(
      config,
      `publicUrl: https://callsheet.example.com
accounts:
  - { name: media-cn, vendor: alibaba-ims, region: cn-shanghai, callback: { tokens: ["\${TOKEN}"] } }\n`,
    );
    environment = {
      DATABASE_URL: database.url,
      CALLSHEET_CONFIG: config,
      CALLSHEET_API_KEY: ADMIN_KEY,
      TOKEN,
      ...(redisUrl === null ? {} : { REDIS_URL: redisUrl }),
    };
    sql = new pg.Client({ connectionString: database.url });
    await sql.connect();
  });
  afterAll(async () => {
    await sql.end();
    await database.drop();
    rmSync(folder, { recursive: true });
  });

  const callBack = (url: string, vendorJobId: string) =>
    fetch(`${url}/callbacks/media-cn/${TOKEN}`, {
      method: 'POST',
      body: JSON.stringify({
        EventType: 'ProduceMediaComplete',
        EventTime: '2026-03-02T10:49:45Z',
        MessageBody: { JobId: vendorJobId, Status: 'Success' },
      }),
    });
  const applied = async (prefix: string): Promise<string[]> => {
    const { rows } = await sql.query<{ id: string }>(
      `SELECT vendor_job_id AS id FROM jobs WHERE vendor_job_id LIKE $1 AND status = 'succeeded' ORDER BY 1`,
      [`${prefix}%`],
    );
    return rows.map(({ id }) => id);
  };

  it('between ack and apply loses nothing', async () => {
    const ids = Array.from({ length: 50 }, (_, i) => `acked-${String(i).padStart(2, '0')}`);
    // A door without workers: what it acknowledges, nobody applies.
    const door = await startProgram(environment, ['--role=api']);
    const answers = await Promise.all(ids.map((id) => callBack(door.url, id)));
    expect(answers.map(({ status }) => status)).toEqual(ids.map(() => 200));
    await door.kill();
    expect(await applied('acked-')).toEqual([]);

    const worker = await startProgram(environment, ['--role=worker']);
    await eventually(async () => expect(await applied('acked-')).toEqual(ids));
    expect(await worker.interrupt()).toBe(0);
  });

  it('in the middle of everything loses nothing that was acknowledged', async () => {
    const acknowledged: string[] = [];
    const program = await startProgram(environment);
    const calling = Array.from({ length: 16 }, async (_, lane) => {
      for (let i = 0; i < 1000; i++) {
        const id = `lane-${lane}-${i}`;
        const answer = await callBack(program.url, id).catch(() => null);
        if (answer?.status !== 200) return;
        acknowledged.push(id);
      }
    });
    await eventually(() => expect(acknowledged.length).toBeGreaterThan(100), { intervalMs: 5 });
    await program.kill();
    await Promise.all(calling);

    const again = await startProgram(environment);
    await eventually(async () => expect(await applied('lane-')).toEqual(expect.arrayContaining(acknowledged)));
    const { rows } = await sql.query(`SELECT count(*)::int AS n FROM history_events e JOIN jobs j ON j.id = e.job_id
      WHERE j.vendor_job_id LIKE 'lane-%' GROUP BY j.id HAVING count(*) <> 2`);
    expect(rows).toEqual([]);
    expect(await again.interrupt()).toBe(0);
  });
});
