import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Webhook } from 'standardwebhooks';
import { v7 as uuidv7 } from 'uuid';
import { SqlPool } from '../../src/database/sql-pool.js';
import { alertMessage } from '../support/alert-message.js';
import { selfSigned } from '../support/certificate.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { startHttpReceiver, type HttpReceiver } from '../support/http-receiver.js';
import { startProgram, type Program } from '../support/program.js';
import { startSmtpReceiver, type SmtpReceiver } from '../support/smtp-receiver.js';
import { ADMIN_KEY } from '../support/tracker.js';

const PASSWORD = 'AKSECRETFINDME-receivers';
const SECRET = `whsec_${Buffer.alloc(32, 'AKSECRETFINDME-endpoint').toString('base64')}`;
const QUERY = 'AKSECRETFINDME-query';

describe('the whole program, with receivers and endpoints in callsheet.yaml', () => {
  let folder: string;
  let database: TestDatabase;
  let sql: SqlPool;
  let starttls: SmtpReceiver;
  let implicit: SmtpReceiver;
  let hook: HttpReceiver;
  let endpoint: HttpReceiver;
  let program: Program;

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'callsheet-delivery-'));
    const tls = { ...selfSigned(['localhost']), password: PASSWORD };
    [starttls, implicit, hook, endpoint, database] = await Promise.all([
      startSmtpReceiver(tls),
      startSmtpReceiver({ ...tls, secure: true }),
      startHttpReceiver(),
      startHttpReceiver(),
      createTestDatabase(),
    ]);
    const authority = path.join(folder, 'authority.pem');
    writeFileSync(authority, tls.cert);
    const config = path.join(folder, 'callsheet.yaml');
    const mail = `type: email, host: localhost, username: callsheet, from: c@example.com, to: [ops@example.com]`;
    writeFileSync(
      config,
      `alerts:
  receivers:
    - { name: starttls, ${mail}, password: '\${PASSWORD}', port: ${starttls.port} }
    - { name: implicit, ${mail}, password: '\${PASSWORD}', port: ${implicit.port}, tls: implicit }
    - { name: wrong, ${mail}, password: 'not-\${PASSWORD}', port: ${starttls.port} }
    - { name: hook, type: slack, url: '${hook.url}/services/\${PASSWORD}' }
webhooks:
  allowPrivateAddresses: [127.0.0.0/8]
  endpoints: [{ name: orders, url: '${endpoint.url}/in?token=\${QUERY}', secrets: ['\${SECRET}'] }]\n`,
    );
    sql = new SqlPool(database.url);
    program = await startProgram({
      DATABASE_URL: database.url,
      CALLSHEET_CONFIG: config,
      CALLSHEET_API_KEY: ADMIN_KEY,
      LOG_LEVEL: 'trace',
      NODE_EXTRA_CA_CERTS: authority,
      PASSWORD,
      QUERY,
      SECRET,
    });
  });
  afterAll(async () => {
    await sql.onModuleDestroy();
    await Promise.all([starttls.stop(), implicit.stop(), hook.stop(), endpoint.stop()]);
    const code = await program.interrupt();
    await database.drop();
    rmSync(folder, { recursive: true });
    expect(code).toBe(0);
  });

  const call = async (method: string, route: string) =>
    (await fetch(program.url + route, { method, headers: { authorization: `Bearer ${ADMIN_KEY}` } })).text();
  /** Stores a message and waits until it has failed once; answers what is stored of that. */
  const failed = async (channel: string, payload: object): Promise<string> => {
    await sql.query({
      text: `INSERT INTO deliveries (id, channel, group_key, dedup_key, payload) VALUES ($1, $2, $3, 'a/1', $4)`,
      values: [uuidv7(), channel, uuidv7(), JSON.stringify(payload)],
    });
    await eventually(() => expect(program.output()).toMatch(new RegExp(`${channel}: \\S+ is tried again`)));
    const { rows } = await sql.query({
      text: 'SELECT last_error, answer FROM deliveries WHERE channel = $1',
      values: [channel],
    });
    return JSON.stringify(rows);
  };
  const holdNoSecret = (texts: readonly string[]) => {
    for (const text of texts) {
      for (const secret of [PASSWORD, SECRET, QUERY]) expect(text).not.toContain(secret);
    }
  };

  it('sends mail over TLS, and what receivers echo of secrets is shown and logged by nobody', async () => {
    const test = async (name: string): Promise<any> => JSON.parse(await call('POST', `/v1/receivers/${name}/test`));
    expect(await test('starttls')).toMatchObject({ delivered: true, status: 250 });
    expect(await test('implicit')).toMatchObject({ delivered: true, status: 250 });
    expect([starttls, implicit].flatMap(({ received }) => received)).toMatchObject([
      { user: 'callsheet', secure: true, to: ['ops@example.com'] },
      { user: 'callsheet', secure: true, to: ['ops@example.com'] },
    ]);
    expect(await test('wrong')).toMatchObject({ delivered: false, status: 535 });

    hook.answer((response, request) => response.writeHead(500).end(`no ${request.url} ${PASSWORD}`));
    const stored = await failed('receiver/hook', alertMessage());
    expect(stored).toContain('no /services/*** ***');
    holdNoSecret([
      stored,
      JSON.stringify(await test('hook')),
      await call('GET', '/v1/notifications'),
      await call('GET', '/v1/receivers'),
      await call('GET', '/metrics'),
      program.output(),
    ]);
  });

  it('sends webhooks, and their secrets are shown and logged by nobody', async () => {
    endpoint.answer((response, request) => response.writeHead(500).end(`no ${request.url} ${SECRET}`));
    const stored = await failed('endpoint/orders', {
      type: 'job.failed',
      timestamp: new Date().toISOString(),
      data: {},
    });
    expect(stored).toContain('no /in?token=*** ***');
    const [{ body, headers } = { body: '', headers: {} }] = endpoint.received;
    expect(new Webhook(SECRET).verify(body, headers as Record<string, string>)).toMatchObject({ type: 'job.failed' });
    holdNoSecret([
      stored,
      await call('POST', '/v1/endpoints/orders/test'),
      await call('GET', '/v1/endpoints'),
      await call('GET', '/v1/endpoints/orders/deliveries'),
      await call('GET', '/metrics'),
      program.output(),
    ]);
  });
});
