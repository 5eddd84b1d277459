import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';
import { startEmulator, type Emulator } from '../../emulator/emulator.js';
import { imsSignature } from '../../src/callbacks/authenticate.js';
import { SqlPool } from '../../src/database/sql-pool.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { startBriskProgram, type Program } from '../support/program.js';
import { ADMIN_KEY, AUTH_KEY, CREDENTIALS, TOKEN, VENDOR_ACCOUNT } from '../support/tracker.js';

const SECRET = 'AKSECRETFINDME';
const PUBLIC_URL = 'https://callsheet.example.com';
const PARTNER = { accessKeyId: 'AKSECRETFINDMEpartner', accessKeySecret: 'AKSECRETFINDMEpartnersecret' };
const PARTNER_TOKEN = 'AKSECRETFINDME-partner-token';
const API = 'alibaba-ims/media-producing';

describe('SIGHUP', () => {
  let folder: string;
  let file: string;
  let database: TestDatabase;
  let sql: SqlPool;
  let emulator: Emulator;
  let environment: Record<string, string>;
  let program: Program;

  const account = (change: object = {}) => ({
    name: 'media-cn',
    vendor: 'alibaba-ims',
    region: 'cn-shanghai',
    endpoint: emulator.url,
    ...CREDENTIALS,
    callback: { tokens: [TOKEN] },
    ...change,
  });
  const partner = (change: object = {}) =>
    account({ name: 'partner', ...PARTNER, callback: { tokens: [PARTNER_TOKEN] }, ...change });
  const claimOnlyPartner = () => partner({ accessKeyId: undefined, accessKeySecret: undefined });
  const configuration = (accounts: object[], others: object = {}) =>
    stringify({ publicUrl: PUBLIC_URL, accounts, ...others });

  /** Writes the file, sends the signal and waits for the program's word; answers what it said. */
  const reload = async (yaml: string, word = /\breloaded: /): Promise<string> => {
    writeFileSync(file, yaml);
    const before = program.output().length;
    program.hangUp();
    return eventually(() => {
      const said = program.output().slice(before);
      expect(said).toMatch(word);
      return said;
    });
  };
  const ask = async (method: string, route: string, body?: unknown): Promise<{ status: number; body: any }> => {
    const response = await fetch(program.url + route, {
      method,
      headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  };
  const callBack = async (name: string, token: string, body: unknown = {}, headers: Record<string, string> = {}) => {
    const address = `${program.url}/callbacks/${name}/${token}`;
    return (await fetch(address, { method: 'POST', headers, body: JSON.stringify(body) })).status;
  };
  const track = (name: string, vendorJobId: string) =>
    ask('POST', '/v1/jobs', { account: name, api: API, vendorJobId, callbackExpected: false });
  const job = async (vendorJobId: string) => (await ask('GET', `/v1/jobs?q=${vendorJobId}`)).body.data[0];
  const pauses = async (name: string) => {
    const { data } = (await ask('GET', '/v1/accounts')).body;
    return data.find((each: any) => each.name === name).budgets.flatMap(({ paused }: any) => paused ?? []);
  };
  /** Lets the beat come, and a call: a job is tracked, and the vendor asked about it. */
  const look = async () => {
    const { vendorJobId } = emulator.submit({ api: API, outcome: 'succeeded' });
    await track('media-cn', vendorJobId);
    await eventually(async () => expect(await job(vendorJobId)).toMatchObject({ confirmed: true }));
  };
  const askedAs = ({ accessKeyId }: { accessKeyId: string }) => emulator.requests.where({ accessKeyId }).length;

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'callsheet-reload-'));
    file = path.join(folder, 'callsheet.yaml');
    database = await createTestDatabase();
    sql = new SqlPool(database.url);
    emulator = await startEmulator({ seed: 7, timeScale: 0.001, accounts: [VENDOR_ACCOUNT, PARTNER] });
    environment = {
      DATABASE_URL: database.url,
      CALLSHEET_CONFIG: file,
      CALLSHEET_API_KEY: ADMIN_KEY,
      LOG_LEVEL: 'trace',
    };
    writeFileSync(file, configuration([account()]));
    program = await startBriskProgram(environment);
  });
  beforeEach(async () => void (await reload(configuration([account()]))));
  afterAll(async () => {
    expect(await program?.interrupt()).toBe(0);
    expect(program.output()).not.toContain(SECRET);
    await emulator.stop();
    await sql.onModuleDestroy();
    await database.drop();
    rmSync(folder, { recursive: true });
  });

  it('rotates a token: the old one opens nothing, the new one does', async () => {
    const token = 'AKSECRETFINDME-token-0002';
    expect(await callBack('media-cn', TOKEN)).toBe(200);
    await reload(configuration([account({ callback: { tokens: [TOKEN, token] } })]));
    expect([await callBack('media-cn', TOKEN), await callBack('media-cn', token)]).toEqual([200, 200]);
    const said = await reload(configuration([account({ callback: { tokens: [token] } })]));
    expect([await callBack('media-cn', TOKEN), await callBack('media-cn', token)]).toEqual([404, 200]);
    expect(said).toMatch(/reloaded: 1 account \(1 changed\); changed: media-cn \(callback\)/);
    const { data } = (await ask('GET', '/v1/accounts')).body;
    expect(data[0].callbackUrls).toEqual([`${PUBLIC_URL}/callbacks/media-cn/${token}`]);
  });

  it('rotates an auth key and changes the address it signs', async () => {
    const key = 'AKSECRETFINDMEauth2';
    const publicUrl = 'https://callsheet.example.org';
    const signed = (authKey: string, url: string) => {
      const timestamp = String(Math.floor(Date.now() / 1000));
      const signature = imsSignature(`${url}/callbacks/media-cn/${TOKEN}`, timestamp, authKey);
      return callBack('media-cn', TOKEN, {}, { 'x-ice-timestamp': timestamp, 'x-ice-signature': signature });
    };
    await reload(configuration([account({ callback: { tokens: [TOKEN], authKeys: [AUTH_KEY] } })]));
    expect([await signed(AUTH_KEY, PUBLIC_URL), await signed(key, PUBLIC_URL)]).toEqual([200, 401]);
    await reload(configuration([account({ callback: { tokens: [TOKEN], authKeys: [key] } })], { publicUrl }));
    expect([await signed(AUTH_KEY, publicUrl), await signed(key, PUBLIC_URL)]).toEqual([401, 401]);
    expect(await signed(key, publicUrl)).toBe(200);
  });

  it('refuses a wrong file whole, with all that is wrong and no secret, and stays as it was', async () => {
    const wrong = configuration([account({ callback: { tokens: [`${SECRET} short`] } }), { name: SECRET }], {
      publicURL: SECRET,
    });
    const said = await reload(wrong, /not reloaded/);
    expect(said).toMatch(/accounts\[0\]\.callback\.tokens\[0\]: .*accounts\[1\]\..*publicURL: is not a setting/);
    await reload(`accounts: [ "${SECRET}`, /not reloaded.*callsheet\.yaml: /);
    rmSync(file);
    const before = program.output().length;
    program.hangUp();
    await eventually(() => expect(program.output().slice(before)).toMatch(/not reloaded.*there is no file/));
    expect(await callBack('media-cn', TOKEN)).toBe(200);
    expect((await ask('GET', '/v1/accounts')).body.data).toHaveLength(1);
  });

  it('polls a new account, and a removed one no more', async () => {
    const done = emulator.submit({ api: API, accessKeyId: PARTNER.accessKeyId, outcome: 'succeeded' });
    expect((await track('partner', done.vendorJobId)).status).toBe(400);

    expect(await reload(configuration([account(), partner()]))).toMatch(/reloaded: 2 accounts \(1 new\); new: partner/);
    expect((await track('partner', done.vendorJobId)).status).toBe(201);
    await eventually(async () =>
      expect(await job(done.vendorJobId)).toMatchObject({ confirmed: true, terminalAt: expect.any(String) }),
    );

    const open = emulator.submit({ api: API, accessKeyId: PARTNER.accessKeyId, durationMs: 1e9 });
    await track('partner', open.vendorJobId);
    await eventually(async () => expect(await job(open.vendorJobId)).toMatchObject({ status: 'running' }));
    await reload(configuration([account()]), /reloaded: 1 account \(1 removed\)/);
    expect(await callBack('partner', PARTNER_TOKEN)).toBe(404);
    // What was under way comes first.
    await look();
    const asked = askedAs(PARTNER);
    const text = 'UPDATE jobs SET next_poll_at = now() WHERE vendor_job_id = $1 AND next_poll_at IS NOT NULL';
    expect((await sql.query({ text, values: [open.vendorJobId] })).rowCount).toBe(1);
    await look();
    await look();
    expect(askedAs(PARTNER)).toBe(asked);

    // The jobs are still there, and are polled again as soon as the account is.
    await reload(configuration([account(), partner()]));
    await ask('POST', `/v1/jobs/${(await job(open.vendorJobId)).id}/refresh`);
    await eventually(() => expect(askedAs(PARTNER)).toBeGreaterThan(asked));
  });

  it('tries a paused account at once when its credentials are mended', async () => {
    await reload(configuration([account({ accessKeySecret: `${SECRET}-wrong` })]));
    const { vendorJobId } = emulator.submit({ api: API, outcome: 'succeeded' });
    await track('media-cn', vendorJobId);
    await eventually(async () => expect(await pauses('media-cn')).not.toEqual([]));
    expect((await pauses('media-cn'))[0]).toMatchObject({ code: 'SignatureDoesNotMatch', scope: 'account' });

    const degraded = async () => (await ask('GET', '/health/ready')).body.degraded.map((each: any) => each.kind);
    expect(await degraded()).toContain('paused');
    // Nobody needs to hear of an account that is gone.
    await reload(configuration([partner()]));
    expect(await degraded()).not.toContain('paused');
    expect(await (await fetch(`${program.url}/metrics`)).text()).not.toMatch(/budget_paused{.*media-cn/);

    await reload(configuration([account()]));
    await eventually(async () => expect(await pauses('media-cn')).toEqual([]));
    await eventually(async () =>
      expect(await job(vendorJobId)).toMatchObject({ status: 'succeeded', confirmed: true }),
    );
  });

  it('lets a claim-only account that was given credentials confirm its jobs, also at a start', async () => {
    const claimed = async () => {
      const made = emulator.submit({ api: API, accessKeyId: PARTNER.accessKeyId, outcome: 'succeeded' });
      const { vendorJobId } = made;
      await eventually(() => expect(made.isFinal()).toBe(true));
      const body = { EventType: 'ProduceMediaComplete', MessageBody: { JobId: vendorJobId, Status: 'Success' } };
      expect(await callBack('partner', PARTNER_TOKEN, body)).toBe(200);
      await eventually(async () =>
        expect(await job(vendorJobId)).toMatchObject({ status: 'succeeded', confirmed: false, nextPollAt: null }),
      );
      return vendorJobId;
    };
    await reload(configuration([account(), claimOnlyPartner()]));
    const reloaded = await claimed();
    await reload(configuration([account(), partner()]));
    await eventually(async () => expect(await job(reloaded)).toMatchObject({ confirmed: true }));

    await reload(configuration([account(), claimOnlyPartner()]));
    const restarted = await claimed();
    await program.interrupt();
    writeFileSync(file, configuration([account(), partner()]));
    program = await startBriskProgram(environment);
    await eventually(async () => expect(await job(restarted)).toMatchObject({ confirmed: true }));
  });

  it('hides secrets that are no longer in force', async () => {
    const old = { accessKeySecret: `${SECRET}-old-secret`, callback: { tokens: [`${SECRET}-old-token-0001`] } };
    await reload(configuration([account(old)]));
    await reload(configuration([account()]));
    const userData = { echoed: `${old.accessKeySecret} ${old.callback.tokens[0]}` };
    const { vendorJobId } = emulator.submit({ api: API, outcome: 'succeeded', userData });
    await track('media-cn', vendorJobId);
    await eventually(async () => expect(await job(vendorJobId)).toMatchObject({ status: 'succeeded' }));
    const { id } = await job(vendorJobId);
    expect((await ask('GET', `/v1/jobs/${id}`)).body.userData).toEqual({ echoed: '*** ***' });
  });

  it('drops no callback and no request, and goes on polling, however many come', async () => {
    const token = 'AKSECRETFINDME-token-0003';
    const files = [
      configuration([account()]),
      configuration([account({ callback: { tokens: [token, TOKEN] }, requestsPerSecond: 5 }), partner()]),
    ];
    const statuses = new Map<number, number>();
    let answered = 0;
    let sending = true;
    const count = (status: number) => {
      answered++;
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    };
    const senders = Array.from({ length: 8 }, async (_, sender) => {
      for (let i = 0; sending || i < 10; i++) {
        const MessageBody = { JobId: `${sender}-${i}`.padStart(32, '0'), Status: 'Success' };
        count(await callBack('media-cn', TOKEN, { EventType: 'ProduceMediaComplete', MessageBody }));
        count((await ask('GET', '/v1/accounts')).status);
      }
    });
    const before = program.output().length;
    const reloads = () =>
      program
        .output()
        .slice(before)
        .match(/\breloaded: /g)?.length ?? 0;
    const { vendorJobId: meanwhile } = emulator.submit({ api: API, outcome: 'succeeded' });
    let isConfirmed = false;
    try {
      for (let i = 0; i < 30 || !isConfirmed; i++) {
        if (i === 10) await track('media-cn', meanwhile);
        if (i > 10) isConfirmed = (await job(meanwhile)).confirmed;
        const [reloaded, served] = [reloads(), answered];
        writeFileSync(file, files[i % 2] ?? '');
        program.hangUp();
        // Twice without a pause, every other time.
        if (i % 2 === 0) program.hangUp();
        // Any number of requests between two of them, so that they are not in step with anything.
        const requests = 4 + Math.random() * 12;
        await eventually(() => {
          expect(reloads()).toBeGreaterThan(reloaded);
          expect(answered - served).toBeGreaterThan(requests);
        });
      }
    } finally {
      sending = false;
    }
    await Promise.all(senders);
    expect([...statuses.keys()]).toEqual([200]);
    expect(statuses.get(200)).toBeGreaterThan(100);
    expect(reloads()).toBeGreaterThanOrEqual(30);

    const { vendorJobId } = emulator.submit({ api: API, outcome: 'succeeded' });
    await track('media-cn', vendorJobId);
    await eventually(async () => expect(await job(vendorJobId)).toMatchObject({ status: 'succeeded' }));
  });
});
