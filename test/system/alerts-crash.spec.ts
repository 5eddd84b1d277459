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
  groupWait: 10m
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

  const endGroupWait = async () => {
    await sql.query(`UPDATE alerts SET opened_at = opened_at - interval '10 minutes'`);
    await sql.query('UPDATE alert_receivers SET due_at = now()');
  };

  it('loses no failure, counts none twice, and tells each alert for the first time once', async () => {
    const sent: string[] = [];
    const counted = () =>
      sql.query<{ code: string; failures: number }>('SELECT error_code AS code, failures FROM alerts ORDER BY 1');
    const failuresCounted = async () => (await counted()).rows.reduce((sum, { failures }) => sum + failures, 0);
    const numberOf = async (table: string) => (await sql.query(`SELECT FROM ${table}`)).rowCount;
    /** When the process is killed, each time later on the way from a failure to its message. */
    const moments = [
      async () => expect(await numberOf('jobs')).toBeGreaterThan(0),
      async () => expect(await failuresCounted()).toBe(80),
      async () => expect(await numberOf('deliveries')).toBeGreaterThan(0),
    ];
    for (const [round, moment] of moments.entries()) {
      if (round === 2) {
        expect(await numberOf('deliveries')).toBe(0);
        await endGroupWait();
      }
      program = await startProgram(environment);
      for (let i = 0; i < 40; i++) {
        const id = `${round}-${i}`;
        if ((await callBack(id, CODES[i % 3])) === 200) sent.push(id);
      }
      await eventually(moment, { intervalMs: 5 });
      await program.kill();
    }
    await endGroupWait();
    program = await startProgram(environment);
    await eventually(async () => {
      expect(await failuresCounted()).toBe(sent.length);
      const told = await sql.query(`SELECT payload->>'reason' AS reason, payload->>'dedupKey' AS key FROM deliveries`);
      expect(told.rows.filter(({ reason }) => reason === 'opened')).toHaveLength(3);
      expect(new Set(told.rows.map(({ key }) => key)).size).toBe(3);
    });
    expect(sent).toHaveLength(120);
    expect((await counted()).rows).toEqual(CODES.map((code) => ({ code, failures: code === 'Code.A' ? 42 : 39 })));
    const { rows: left } = await sql.query('SELECT FROM outbox');
    expect(left).toEqual([]);
  });
});
