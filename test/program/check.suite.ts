import { Logger } from '@nestjs/common';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startEmulator, type Account as VendorAccount, type Emulator } from '../../emulator/emulator.js';
import { check } from '../../src/operations/check.js';
import { loadSettings } from '../../src/settings/load-settings.js';
import type { Account } from '../../src/settings/settings.js';
import { VENDOR_APIS } from '../../src/vendors/registry.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { runProgram } from '../support/program.js';
import {
  ADMIN_KEY,
  AUTH_KEY,
  CREDENTIALS,
  HUAWEI_VENDOR_ACCOUNT,
  huaweiAccount,
  testAccount,
  TOKEN,
  VENDOR_ACCOUNT,
} from '../support/tracker.js';

const SECRET = 'AKSECRETFINDME';
const OURS = `https://callsheet.example.com/callbacks/media-cn/${TOKEN}`;
const EVENTS = VENDOR_APIS.flatMap(({ callback }) => callback?.events ?? []);

describe('--check', () => {
  let database: TestDatabase;
  let emulator: Emulator;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'callsheet-check-'));
    Logger.overrideLogger(false);
    database = await createTestDatabase();
    emulator = await startEmulator({ seed: 11, accounts: [] });
  });
  beforeEach(() => {
    emulator.setAccounts([VENDOR_ACCOUNT, HUAWEI_VENDOR_ACCOUNT]);
    emulator.setFaults({ forbiddenActions: [], clockSkewMs: 0, throttled: 0 });
    emulator.requests.clear();
  });
  afterAll(async () => {
    await emulator.stop();
    await database.drop();
    rmSync(folder, { recursive: true });
  });

  /** What the vendor's side has set for the whole account. */
  const setEventCallback = (eventCallback: VendorAccount['eventCallback'], callbackAuthKey: string = AUTH_KEY) =>
    emulator.setAccounts([
      { ...VENDOR_ACCOUNT, callbackAuthKey, eventCallback: eventCallback ?? {} },
      HUAWEI_VENDOR_ACCOUNT,
    ]);
  const asItShouldBe = { type: 'HTTP', url: OURS, events: EVENTS, authSwitch: 'on' } as const;

  const lines = async (...accounts: Account[]) => {
    const said: string[] = [];
    const settings = { ...loadSettings({}, '/nonexistent'), publicUrl: 'https://callsheet.example.com', accounts };
    const passed = await check(settings, database.url, (line) => said.push(line));
    expect(said.join()).not.toContain(SECRET);
    return { passed, said, last: said.at(-1), warnings: said.filter((line) => line.includes('  WARN ')) };
  };
  const media = (change: Partial<Account> = {}) => testAccount(emulator.url, change);

  it('says that everything works when it does', async () => {
    setEventCallback(asItShouldBe);
    const { passed, said } = await lines(media());
    expect(passed).toBe(true);
    expect(said).toEqual([
      expect.stringMatching(/^configuration {2}ok {3}no callsheet\.yaml, 1 account$/),
      expect.stringMatching(/^database {7}ok {3}Postgres \d+/),
      expect.stringMatching(/^queue store {4}ok {3}BullMQ on Postgres$/),
      `media-cn       ok   ${emulator.url} takes the signature; the clocks agree`,
      `media-cn       ok   callback https://callsheet.example.com/callbacks/media-cn/*** (${OURS.length} of 256 bytes)`,
      `media-cn       ok   GetEventCallback: CallbackURL matches (${OURS.length} bytes); EventTypeList has all ` +
        `${EVENTS.length} events; AuthSwitch is on, AuthKey matches`,
      'everything works',
    ]);
  });

  it('warns of a callback setting that is not as it should be, and passes', async () => {
    setEventCallback({ ...asItShouldBe, url: `${OURS}0`, events: ['ProduceMediaComplete'] }, `${SECRET}other`);
    const { passed, last, warnings } = await lines(media());
    expect(warnings).toEqual([
      expect.stringMatching(/GetEventCallback: CallbackURL does not match \(it has \d+ bytes, ours \d+\): its token/),
      expect.stringMatching(/EventTypeList lacks MediaConvertComplete, .*DynamicImageComplete.*: .* jobs cannot carry/),
      expect.stringMatching(/EventTypeList lacks BatchProduceMediaComplete: /),
      expect.stringMatching(/AuthKey does not match any of callback\.authKeys/),
    ]);
    expect(last).toBe('everything works, 4 warnings');
    expect(passed).toBe(true);
  });

  it('warns of a queue, of nothing set, and of a setting it may not see', async () => {
    setEventCallback({ type: 'MNS', queueName: 'ice-callback-queue' });
    expect((await lines(media())).warnings).toEqual([
      expect.stringMatching(/queue ice-callback-queue: .* no.* read queues/),
    ]);
    emulator.setAccounts([VENDOR_ACCOUNT]);
    expect((await lines(media())).warnings).toEqual([expect.stringMatching(/GetEventCallback: nothing is set/)]);
    emulator.setFaults({ forbiddenActions: ['GetEventCallback'] });
    const { passed, warnings } = await lines(media());
    expect(warnings).toEqual([expect.stringMatching(/GetEventCallback: Forbidden\.RAM: /)]);
    expect(passed).toBe(true);
  });

  it('asks for no callback setting where none is wanted, and of nobody who has none', async () => {
    const claimOnly = media({ name: 'partner', credentials: null });
    const { passed, said } = await lines(media({ callback: null }), claimOnly, huaweiAccount(emulator.url));
    expect(said.join('\n')).toMatch(/^partner +ok {3}no credentials: claim-only/m);
    expect(said.join('\n')).toMatch(/^clips-cn +ok {3}http.* takes the signature/m);
    expect(emulator.requests.where({ action: 'GetEventCallback' })).toEqual([]);
    expect(passed).toBe(true);
  });

  it('warns of operations that the key may not call, and fails when it may call none', async () => {
    setEventCallback(asItShouldBe);
    emulator.setFaults({ forbiddenActions: ['GetDynamicImageJob'] });
    const { passed, warnings } = await lines(media());
    expect(warnings).toEqual([expect.stringMatching(/GetDynamicImageJob at .*: Forbidden\.RAM: .* are not polled/)]);
    expect(passed).toBe(true);

    const operations = VENDOR_APIS.map(({ operation }) => operation);
    emulator.setFaults({ forbiddenActions: operations });
    const none = await lines(media());
    expect(none.said.join('\n')).toMatch(/^media-cn +FAIL GetBatchMediaProducingJob at .*Forbidden\.RAM/m);
    expect(none.passed).toBe(false);
  });

  it('tells how far the clocks are apart', async () => {
    setEventCallback(asItShouldBe);
    emulator.setFaults({ clockSkewMs: -90_000 });
    const { passed, warnings } = await lines(media());
    expect(warnings).toEqual([
      expect.stringMatching(/this clock is (89|90|91) s ahead of the vendor's; from 15 minutes/),
    ]);
    expect(passed).toBe(true);

    emulator.setFaults({ clockSkewMs: 3_600_000 });
    const { said, last } = await lines(media());
    expect(said.join('\n')).toMatch(/FAIL .*InvalidTimeStamp.*; this clock is (3599|3600|3601) s behind the vendor's/);
    expect(last).toBe('1 problem');
  });

  it('goes on after a failure, and counts them', async () => {
    const wrong = { ...CREDENTIALS, accessKeySecret: `${SECRET}-wrong` };
    const nowhere = testAccount('http://127.0.0.1:9', { name: 'nowhere', callback: null });
    const { passed, said, last } = await lines(media({ credentials: wrong }), nowhere);
    expect(said.join('\n')).toMatch(/^media-cn +FAIL .*SignatureDoesNotMatch.*\n(.*\n)*nowhere +FAIL .*ECONNREFUSED/m);
    expect(last).toBe('2 problems');
    expect(passed).toBe(false);
    expect(emulator.requests.entries).toHaveLength(1);
  });

  it('warns of a configuration without an account', async () => {
    const { passed, last } = await lines();
    expect(last).toBe('everything works, 1 warning');
    expect(passed).toBe(true);
  });

  /** The real program, and what it wrote to either stream. */
  const program = (accounts: object[], environment: Record<string, string> = {}) => {
    const file = path.join(folder, 'callsheet.yaml');
    writeFileSync(file, JSON.stringify({ publicUrl: 'https://callsheet.example.com', accounts }));
    const usual = { DATABASE_URL: database.url, CALLSHEET_CONFIG: file, CALLSHEET_API_KEY: ADMIN_KEY };
    return runProgram({ ...usual, ...environment }, ['--check']);
  };

  it('shows no key in either stream, at LOG_LEVEL=trace', async () => {
    setEventCallback(asItShouldBe, `${SECRET}other`);
    const account = { name: 'media-cn', vendor: 'alibaba-ims', region: 'cn-shanghai', endpoint: emulator.url };
    const callback = { tokens: [TOKEN], authKeys: [AUTH_KEY] };
    const { code, output } = await program([{ ...account, ...CREDENTIALS, callback }], { LOG_LEVEL: 'trace' });
    expect(output).toMatch(/AuthKey does not match[^]*\neverything works, 1 warning\n$/);
    expect(output).not.toContain(SECRET);
    expect(code).toBe(0);
  });

  it('ends, with the reason, when Redis does not answer', async () => {
    const { code, output } = await program([], { REDIS_URL: 'redis://127.0.0.1:9' });
    expect(output).toMatch(/queue store +FAIL .*ECONNREFUSED/);
    expect(output).toMatch(/\n1 problem, 1 warning\n/);
    expect(code).toBe(1);
  });
});
