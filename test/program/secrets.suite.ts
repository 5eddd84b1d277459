import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startEmulator, type Emulator } from '../../emulator/emulator.js';
import { imsSignature } from '../../src/callbacks/authenticate.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { runProgram, startBriskProgram, type Program } from '../support/program.js';
import { ADMIN_KEY, AUTH_KEY, CREDENTIALS, TOKEN, VENDOR_ACCOUNT } from '../support/tracker.js';

const SECRET = 'AKSECRETFINDME';

describe('secrets', () => {
  let folder: string;
  let database: TestDatabase;
  let emulator: Emulator;
  let program: Program;
  let environment: Record<string, string>;
  const keys: Record<string, string> = { admin: ADMIN_KEY };

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'callsheet-secrets-'));
    database = await createTestDatabase();
    emulator = await startEmulator({ seed: 5, timeScale: 0.001, accounts: [VENDOR_ACCOUNT] });
    const config = path.join(folder, 'callsheet.yaml');
    writeFileSync(
      config,
      `publicUrl: https://callsheet.example.com
accounts:
  - name: media-cn
    vendor: alibaba-ims
    region: cn-shanghai
    endpoint: ${emulator.url}
    accessKeyId: \${ID}
    accessKeySecret: \${SECRET}
    labelsFromUserData: [ NotifyAddress ]
    callback: { tokens: [ "\${TOKEN}" ], authKeys: [ "\${AUTH_KEY}" ], signature: if-present }\n`,
    );
    environment = {
      DATABASE_URL: database.url,
      CALLSHEET_CONFIG: config,
      CALLSHEET_API_KEY: ADMIN_KEY,
      LOG_LEVEL: 'trace',
      ID: CREDENTIALS.accessKeyId,
      SECRET: CREDENTIALS.accessKeySecret,
      TOKEN,
      AUTH_KEY,
    };
    program = await startBriskProgram(environment);
    for (const scope of ['read', 'write']) {
      const answer = await ask('/v1/keys', 'admin', { name: scope, scope });
      keys[scope] = ((await answer.json()) as { key: string }).key;
    }
  });
  afterAll(async () => {
    await program?.interrupt();
    await emulator.stop();
    await database.drop();
    rmSync(folder, { recursive: true });
  });

  const ask = (route: string, key: string, body?: unknown) =>
    fetch(program.url + route, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        authorization: `Bearer ${keys[key]}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const text = async (route: string, key: string) => (await ask(route, key)).text();

  it('appear in no log line, no error and no answer below admin, also when the vendor echoes them', async () => {
    const publicAddress = `https://callsheet.example.com/callbacks/media-cn/${TOKEN}`;
    const job = emulator.submit({
      api: 'alibaba-ims/media-producing',
      outcome: 'failed',
      userData: { NotifyAddress: publicAddress, echoed: `${CREDENTIALS.accessKeySecret} ${AUTH_KEY}` },
      name: CREDENTIALS.accessKeySecret,
    });
    const callback = `${program.url}/callbacks/media-cn/${TOKEN}`;
    const timestamp = String(Math.floor(Date.now() / 1000));
    const send = (body: unknown, headers: Record<string, string> = {}, address = callback) =>
      fetch(address, { method: 'POST', headers, body: typeof body === 'string' ? body : JSON.stringify(body) });
    const answers = [
      await send({
        EventType: 'ProduceMediaComplete',
        MessageBody: { JobId: job.vendorJobId, Status: 'Fail', ErrorMessage: `token ${TOKEN}`, UserData: job.userData },
      }),
      await send({ EventType: publicAddress, MessageBody: { JobId: TOKEN } }),
      await send(`not JSON ${publicAddress}`),
      await send(
        {},
        { 'x-ice-timestamp': timestamp, 'x-ice-signature': imsSignature(publicAddress, timestamp, `${AUTH_KEY}x`) },
      ),
      await send({}, {}, `${callback}-not`),
      await send('x'.repeat(2 * 1024 * 1024)).catch(() => new Response()),
      await ask(`/v1/jobs?q=${TOKEN}&limit=${TOKEN}`, 'read'),
      await ask(`/v1/${TOKEN}`, 'read'),
      await fetch(`${program.url}/v1/jobs`, { headers: { authorization: `Bearer ${SECRET}-not-a-key` } }),
    ];
    expect(answers).toHaveLength(9);
    const said = await Promise.all(answers.map((answer) => answer.text()));

    const jobId = await eventually(async () => {
      const { data } = (await (await ask(`/v1/jobs?q=${job.vendorJobId}`, 'read')).json()) as { data: any[] };
      expect(data[0]).toMatchObject({ status: 'failed', confirmed: true });
      return data[0].id as string;
    });
    // The vendor refuses our key and says so with the key in it.
    emulator.setFaults({ refuseKeys: [CREDENTIALS.accessKeyId] });
    await ask(`/v1/jobs/${jobId}/refresh`, 'write', {});
    await eventually(async () => expect(await text('/v1/accounts', 'read')).toContain('InvalidAccessKeyId'));

    const { data: receipts } = (await (await ask('/v1/receipts?limit=200', 'admin')).json()) as {
      data: { id: string }[];
    };
    expect(receipts).not.toHaveLength(0);
    const routes = [
      '/v1/jobs',
      `/v1/jobs/${jobId}`,
      `/v1/jobs/${jobId}/history`,
      `/v1/jobs/${jobId}/receipts`,
      '/v1/subjobs',
      '/v1/receipts',
      '/v1/receipts?state=unmatched',
      ...receipts.map(({ id }) => `/v1/receipts/${id}`),
      `/v1/lookup?ref=${TOKEN}`,
      '/v1/accounts',
      '/openapi.json',
      '/health/live',
      '/health/ready',
      '/metrics',
    ];
    for (const key of ['read', 'write']) {
      for (const route of routes) said.push(await text(route, key));
    }
    for (const answer of said) expect(answer).not.toContain(SECRET);
    expect(said.join()).toContain('***');
    expect(said.join()).toContain(job.vendorJobId);
    expect(program.output()).not.toContain(SECRET);
    expect(program.output()).toContain('InvalidAccessKeyId');

    // An admin sees the token, in receipts and accounts only, and never a key of the vendor's.
    const shown = await Promise.all(receipts.map(({ id }) => text(`/v1/receipts/${id}`, 'admin')));
    expect(shown.join()).toContain(TOKEN);
    expect(await text('/v1/accounts', 'admin')).toContain(TOKEN);
    expect(await text(`/v1/jobs/${jobId}`, 'admin')).not.toContain(TOKEN);
    for (const answer of [...shown, await text('/v1/accounts', 'admin')]) {
      expect(answer).not.toContain(CREDENTIALS.accessKeySecret);
      expect(answer).not.toContain(AUTH_KEY);
    }
    emulator.setFaults({ refuseKeys: [] });
  });

  it('are not in what --check says, and --check fails when something does not work', async () => {
    const wrong = { ...environment, SECRET: `${SECRET}-wrong` };
    const [good, bad] = await Promise.all([runProgram(environment, ['--check']), runProgram(wrong, ['--check'])]);
    expect(good.output).toMatch(/media-cn +ok +http/);
    expect(good.output).toMatch(/queue store +ok/);
    expect(good.output).toMatch(/\*\*\* \(\d+ of 256 bytes\)/);
    expect(good.code).toBe(0);
    expect(bad.output).toMatch(/media-cn +FAIL .*SignatureDoesNotMatch/);
    expect(bad.code).toBe(1);
    expect(good.output + bad.output).not.toContain(SECRET);
  });

  it('are not in what a wrong configuration makes it say', async () => {
    const { code, output } = await runProgram({
      ...environment,
      PORT: 'x',
      TOKEN: `${SECRET} short`,
      CALLSHEET_API_KEY: 'short',
    });
    expect(code).toBe(1);
    expect(output).toMatch(/PORT: .*[\s\S]*CALLSHEET_API_KEY: .*[\s\S]*tokens\[0\]/);
    expect(output).not.toContain(SECRET);
  });
});
