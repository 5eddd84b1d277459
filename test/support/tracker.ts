import { Logger } from '@nestjs/common';
import type { Emulator } from '../../emulator/emulator.js';
import { imsSignature } from '../../src/callbacks/authenticate.js';
import { SqlPool } from '../../src/database/sql-pool.js';
import { DEFAULT_INTERVALS, type Intervals } from '../../src/loops/intervals.js';
import type { Role } from '../../src/operations/role.js';
import { AlertsFile, toAlertSettings } from '../../src/settings/alert-settings.js';
import { CurrentSettings } from '../../src/settings/current-settings.js';
import type { Account, Settings } from '../../src/settings/settings.js';
import { WebhooksFile } from '../../src/settings/webhook-settings.js';
import { start } from '../../src/start.js';
import { createTestDatabase } from './database.js';
import type { TestQueueStore } from './queue-stores.js';
import { wipeQueues } from './wipe-queues.js';

export const TOKEN = 'AKSECRETFINDME-token-0001';
export const AUTH_KEY = 'AKSECRETFINDMEauth1';
export const CREDENTIALS = { accessKeyId: 'AKSECRETFINDMEid', accessKeySecret: 'AKSECRETFINDMEsecret' };
export const ADMIN_KEY = 'AKSECRETFINDME-admin-key';

export const HUAWEI_CREDENTIALS = { accessKeyId: 'AKSECRETFINDMEhwid', accessKeySecret: 'AKSECRETFINDMEhwsecret' };
export const HUAWEI_PROJECT = '0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f';

/** What the emulator knows of our accounts. */
export const VENDOR_ACCOUNT = { ...CREDENTIALS, callbackAuthKey: AUTH_KEY };
export const HUAWEI_VENDOR_ACCOUNT = { ...HUAWEI_CREDENTIALS, projectId: HUAWEI_PROJECT };

export const alertSettings = (inYaml: object = {}) => toAlertSettings(AlertsFile.parse(inYaml));

/** Short, so that no test waits for a loop; not shorter, since every tracker of a run pays for its own. */
export const TEST_INTERVALS: Intervals = {
  ...DEFAULT_INTERVALS,
  pollTick: 100,
  tickUpkeep: 500,
  receiptSweep: 200,
  relay: 100,
  deliverySweep: 100,
  goneChannels: 500,
  budgetUpkeep: 200,
  alertDispatch: 100,
  figureRules: 250,
  discovery: 100,
  unwatchedJobs: 500,
  durationLearning: 500,
  profileRefresh: 500,
  callbackLossRefresh: 500,
  callbackCount: 250,
  // On a busy machine a call is late often, and would be given back for ever. Less than the lease of a job, or it is asked twice.
  callLateness: 15_000,
  gaugesKept: 0,
};

type Options = {
  emulator?: Emulator;
  store?: TestQueueStore;
  account?: Partial<Account>;
  accounts?: Account[];
  role?: Role;
  databaseUrl?: string;
  callbackPort?: number;
  /** Both as in callsheet.yaml. */
  alerts?: object;
  webhooks?: object;
  /** What the subject of a test needs other than `TEST_INTERVALS`. */
  intervals?: Partial<Intervals>;
};

export type Answer = { status: number; body: any; text: string };

/** A tracker of our own: a real program on a database of its own, with one account that the emulator plays. */
export type TestTracker = Awaited<ReturnType<typeof startTracker>>;

export function testAccount(endpoint: string, change: Partial<Account> = {}): Account {
  return {
    name: 'media-cn',
    vendor: 'alibaba-ims',
    region: 'cn-shanghai',
    endpoint,
    credentials: CREDENTIALS,
    callback: { tokens: [TOKEN], authKeys: [AUTH_KEY], signature: 'required' },
    labelsFromUserData: [],
    projectId: null,
    discover: null,
    requestsPerSecond: 100,
    ...change,
  };
}

export function huaweiAccount(endpoint: string, change: Partial<Account> = {}): Account {
  return {
    ...testAccount(endpoint),
    name: 'clips-cn',
    vendor: 'huawei-mpc',
    region: 'cn-north-4',
    credentials: HUAWEI_CREDENTIALS,
    callback: null,
    projectId: HUAWEI_PROJECT,
    ...change,
  };
}

export async function startTracker(options: Options = {}) {
  Logger.overrideLogger(false);
  const database = options.databaseUrl === undefined ? await createTestDatabase() : null;
  const databaseUrl = options.databaseUrl ?? database?.url ?? '';
  const redisUrl = (await options.store?.redisUrl()) ?? null;
  // Nobody listens there: a tracker without an emulator can ask nobody.
  const endpoint = options.emulator?.url ?? 'http://127.0.0.1:9';
  const settings: Settings = {
    host: '127.0.0.1',
    port: 0,
    callbackPort: options.callbackPort ?? null,
    databaseUrl,
    redisUrl,
    configFile: null,
    dataDir: '/nonexistent',
    apiKey: ADMIN_KEY,
    logLevel: 'silent',
    publicUrl: 'http://callsheet.test',
    accounts: options.accounts ?? [testAccount(endpoint, options.account)],
    proxies: { http: null, https: null, except: '' },
    retention: { receiptBodiesMs: 30 * 86_400_000, historyMs: 400 * 86_400_000 },
    alerts: alertSettings(options.alerts),
    webhooks: WebhooksFile.parse(options.webhooks ?? {}),
  };
  const intervals = { ...TEST_INTERVALS, ...options.intervals };
  const running = await start(new CurrentSettings(settings), databaseUrl, options.role ?? 'all', intervals);
  // The vendor signs the address it was given, which is known only now that a port was found.
  const current = running.app.get(CurrentSettings);
  current.replace({ ...current.value, publicUrl: running.url });
  const sql = running.app.get(SqlPool);
  const notifyAddress = `${running.url}/callbacks/media-cn/${TOKEN}`;

  const call = async (method: string, path: string, body?: unknown, key = ADMIN_KEY): Promise<Answer> => {
    const response = await fetch(running.url + path, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, text, body: text.startsWith('{') ? JSON.parse(text) : null };
  };

  return {
    url: running.url,
    callbackUrl: running.callbackUrl,
    app: running.app,
    databaseUrl,
    redisUrl,
    notifyAddress,
    call,
    get: (path: string, key?: string) => call('GET', path, undefined, key),
    post: (path: string, body?: unknown, key?: string) => call('POST', path, body ?? {}, key),
    patch: (path: string, body: unknown, key?: string) => call('PATCH', path, body, key),
    /** Calls back as the vendor does: signed for our address, JSON or whatever is given. */
    callback: async (
      body: unknown,
      change: { headers?: Record<string, string | undefined>; address?: string } = {},
    ) => {
      const timestamp = String(Math.floor(Date.now() / 1000));
      const address = change.address ?? notifyAddress;
      const headers: Record<string, string | undefined> = {
        'content-type': 'application/json',
        'x-ice-timestamp': timestamp,
        'x-ice-signature': imsSignature(address, timestamp, AUTH_KEY),
        ...change.headers,
      };
      const sent = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
      const response = await fetch(address, {
        method: 'POST',
        headers: sent as Record<string, string>,
        body: typeof body === 'string' || body instanceof Uint8Array ? (body as string) : JSON.stringify(body),
      });
      return { status: response.status, text: await response.text() };
    },
    rows: async <Row extends Record<string, any> = Record<string, any>>(
      text: string,
      values: unknown[] = [],
    ): Promise<Row[]> => (await sql.query<Row>({ text, values })).rows,
    /** The job as the API shows it; undefined while there is none. */
    job: async (vendorJobId: string): Promise<any> => {
      const { body } = await call('GET', `/v1/jobs?q=${encodeURIComponent(vendorJobId)}`);
      const found = body.data.find((job: { vendorJobId: string }) => job.vendorJobId === vendorJobId);
      return found && (await call('GET', `/v1/jobs/${found.id}`)).body;
    },
    history: async (id: string): Promise<any[]> => (await call('GET', `/v1/jobs/${id}/history`)).body.data,
    /** Empties the queue store under the running tracker: jobs, schedulers, everything. */
    wipeQueues: () => wipeQueues({ redisUrl, databaseUrl }),
    stop: async () => {
      await running.close();
      await database?.drop();
    },
  };
}
