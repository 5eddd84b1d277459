import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { startProgram, type Program } from '../support/program.js';
import { ADMIN_KEY, TOKEN } from '../support/tracker.js';

const CODES = ['Code.A', 'Code.B', 'Code.C'];

describe('kill -9 between a failure and its message', () => {
  let folder: string;
  let database: TestDatabase;
  let sql: pg.Client;
  let program: Program;
  let environment: Record<string, string>;

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'callsheet-alerts-'));
    database = await createTestDatabase();
    const config = path.join(folder, 'callsheet.yaml');
    // Callbacks are all there is, so failures count at once.
    writeFileSync(
      config,
      `publicUrl: https://callsheet.example.com
accounts:
  - { name: media-cn, vendor: alibaba-ims, region: cn-shanghai, callback: { tokens: ["\${TOKEN}"] } }
alerts:
  groupWait: 1s
  receivers: [{ name: nobody, type: slack, url: 'http://127.0.0.1:9/hook' }]\n`,
    );
    environment = { DATABASE_URL: database.url, CALLSHEET_CONFIG: config, CALLSHEET_API_KEY: ADMIN_KEY, TOKEN };
    sql = new pg.Client({ connectionString: database.url });
    await sql.connect();
  });
  afterAll(async () => {
    await program?.kill();
    await sql.end();
    await database.drop();
    rmSync(folder, { recursive: true });
  });

  const callBack = (vendorJobId: string, code: string | undefined) =>
    fetch(`${program.url}/callbacks/media-cn/${TOKEN}`, {
      method: 'POST',
      body: JSON.stringify({
        EventType: 'ProduceMediaComplete',
        EventTime: '2026-03-02T10:49:45Z',
        MessageBody: { JobId: vendorJobId, Status: 'Failed', ErrorCode: code, ErrorMessage: 'broken' },
      }),
    }).then(
      ({ status }) => status,
      () => null,
    );

  it('loses no failure, counts none twice, and tells each alert for the first time once', async () => {
    const sent: string[] = [];
    for (const [round, delay] of [5, 350, 800].entries()) {
      program = await startProgram(environment);
      for (let i = 0; i < 40; i++) {
        const id = `${round}-${i}`;
        if ((await callBack(id, CODES[i % 3])) === 200) sent.push(id);
      }
      await new Promise((resolve) => setTimeout(resolve, delay));
      await program.kill();
    }
    program = await startProgram(environment);
    const counted = () =>
      sql.query<{ code: string; failures: number }>('SELECT error_code AS code, failures FROM alerts ORDER BY 1');
    await eventually(async () => {
      const { rows } = await counted();
      expect(rows.reduce((sum, { failures }) => sum + failures, 0)).toBe(sent.length);
      const told = await sql.query(`SELECT payload->>'reason' AS reason, payload->>'dedupKey' AS key FROM deliveries`);
      expect(told.rows.filter(({ reason }) => reason === 'opened')).toHaveLength(3);
      expect(new Set(told.rows.map(({ key }) => key)).size).toBe(3);
    });
    expect(sent).toHaveLength(120);
    expect((await counted()).rows).toEqual(CODES.map((code) => ({ code, failures: code === 'Code.A' ? 42 : 39 })));
    const { rows: left } = await sql.query('SELECT FROM outbox');
    expect(left).toEqual([]);
  }, 90_000);
});
