import { Logger, Module, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { v7 as uuidv7 } from 'uuid';
import { AccessModule } from '../../src/access/access.module.js';
import { Receivers } from '../../src/alerts/receivers.js';
import { Silences } from '../../src/alerts/silences.js';
import { makePartitions } from '../../src/database/partitions.js';
import { ReadPool } from '../../src/database/pools.js';
import { PrismaService } from '../../src/database/prisma.service.js';
import { SqlPool } from '../../src/database/sql-pool.js';
import { Channels } from '../../src/delivery/channels.js';
import { Deliveries } from '../../src/delivery/deliveries.js';
import { refHash } from '../../src/domain/job-ref.js';
import type { Prisma } from '../../src/generated/prisma/client.js';
import { frameworkErrors, HTTP_CONVENTIONS } from '../../src/http-error.filter.js';
import { JobsModule } from '../../src/jobs/jobs.module.js';
import { INTERVALS } from '../../src/loops/intervals.js';
import { MetricsModule } from '../../src/metrics/metrics.module.js';
import { OpenApiModule } from '../../src/openapi/openapi.module.js';
import { HealthModule } from '../../src/operations/health.module.js';
import { QUEUE_STORE } from '../../src/queue/queue-store.js';
import { Wakeups } from '../../src/queue/wakeups.js';
import { CurrentSettings } from '../../src/settings/current-settings.js';
import type { Settings } from '../../src/settings/settings.js';
import { WebhooksFile } from '../../src/settings/webhook-settings.js';
import { JobRegistry } from '../../src/tracking/job-registry.js';
import { Endpoints } from '../../src/webhooks/endpoints.js';
import { createTestDatabase } from './database.js';
import { alertSettings, TEST_INTERVALS } from './tracker.js';

export const ADMIN_KEY = 'the-first-admin-key-of-the-tests';
export const TOKEN = 'callback-token-0123456789';
export const SECRET = 'vendor-secret-0123456789';

const SETTINGS: Settings = {
  host: '127.0.0.1',
  port: 0,
  callbackPort: null,
  databaseUrl: null,
  redisUrl: null,
  configFile: null,
  dataDir: '/nonexistent',
  apiKey: ADMIN_KEY,
  logLevel: 'silent',
  publicUrl: 'https://callsheet.example.com',
  accounts: [
    {
      name: 'media-cn',
      vendor: 'alibaba-ims',
      region: 'cn-shanghai',
      endpoint: 'http://127.0.0.1:9',
      credentials: { accessKeyId: 'vendor-key-id-0123', accessKeySecret: SECRET },
      callback: { tokens: [TOKEN], authKeys: [], signature: 'required' },
      labelsFromUserData: [],
      projectId: null,
      discover: { everyMs: 600_000, windowMs: 30 * 86_400_000 },
      requestsPerSecond: 20,
    },
    {
      name: 'claims',
      vendor: 'alibaba-ims',
      region: 'cn-beijing',
      endpoint: 'http://127.0.0.1:9',
      credentials: null,
      callback: { tokens: ['another-token-0123456789'], authKeys: [], signature: 'if-present' },
      labelsFromUserData: [],
      projectId: null,
      discover: null,
      requestsPerSecond: 20,
    },
  ],
  proxies: { http: null, https: null, except: '' },
  retention: { receiptBodiesMs: 30 * 86_400_000, historyMs: 400 * 86_400_000 },
  alerts: alertSettings({
    receivers: [{ name: 'on-call', type: 'slack', url: 'http://127.0.0.1:9/hooks', severities: ['critical'] }],
  }),
  webhooks: WebhooksFile.parse({
    allowPrivateAddresses: ['127.0.0.1'],
    endpoints: [
      {
        name: 'orders',
        url: 'http://127.0.0.1:9/hooks?from=callsheet',
        secrets: [`whsec_${Buffer.alloc(32, 7).toString('base64')}`],
        filter: { account: 'media-cn', label: 'tenant:acme' },
      },
    ],
  }),
};

@Module({})
class HouseModule {
  static on(databaseUrl: string): DynamicModule {
    const providers = [
      { provide: CurrentSettings, useFactory: () => new CurrentSettings(SETTINGS) },
      { provide: INTERVALS, useValue: { ...TEST_INTERVALS, apiKeyCache: 100 } },
      { provide: PrismaService, useFactory: () => new PrismaService(databaseUrl) },
      { provide: SqlPool, useFactory: () => new SqlPool(databaseUrl) },
      { provide: ReadPool, useFactory: () => new ReadPool(databaseUrl) },
      { provide: Wakeups, useValue: { wake: () => undefined } },
      { provide: QUEUE_STORE, useValue: { queue: () => ({ add: async () => undefined }) } },
      JobRegistry,
      Channels,
      Deliveries,
      Receivers,
      Endpoints,
      Silences,
    ];
    return { module: HouseModule, global: true, providers, exports: providers };
  }
}

@Module({
  imports: [MetricsModule, AccessModule, HealthModule, JobsModule, OpenApiModule],
  providers: HTTP_CONVENTIONS,
})
class QueriesModule {}

@Module({})
class TestModule {
  static on(databaseUrl: string): DynamicModule {
    return { module: TestModule, imports: [HouseModule.on(databaseUrl), QueriesModule] };
  }
}

export type Answer = { status: number; headers: Headers; text: string; body: any };
export type QueriesApp = Awaited<ReturnType<typeof startQueriesApp>>;

/** The program's query side on a database of its own: no queues, no polling. `onRoute` hears of every route. */
export async function startQueriesApp(onRoute: (method: string, url: string) => void = () => undefined) {
  Logger.overrideLogger(false);
  const database = await createTestDatabase();
  const adapter = new FastifyAdapter({ frameworkErrors });
  adapter.getInstance().addHook('onRoute', ({ method, url }) => {
    for (const one of [method].flat()) onRoute(one, url);
  });
  const app = await NestFactory.create<NestFastifyApplication>(TestModule.on(database.url), adapter, {
    abortOnError: false,
    forceCloseConnections: true,
  });
  await makePartitions(app.get(SqlPool), new Date());
  await app.listen(0, '127.0.0.1');
  const url = (await app.getUrl()).replace('[::1]', '127.0.0.1');
  const prisma = app.get(PrismaService);

  const call = async (
    method: string,
    path: string,
    options: { key?: string | null; body?: unknown; headers?: Record<string, string> } = {},
  ) => {
    const { key = ADMIN_KEY, body, headers } = options;
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const answer: Answer = { status: response.status, headers: response.headers, text, body: null };
    if (response.headers.get('content-type')?.includes('json')) answer.body = JSON.parse(text);
    return answer;
  };

  return {
    url,
    app,
    prisma,
    get: (path: string, key?: string | null) => call('GET', path, { key }),
    post: (path: string, body?: unknown, key?: string) => call('POST', path, { body, key }),
    call,
    /** Every page of a list, one after the other. */
    all: async (path: string): Promise<any[]> => {
      const rows: any[] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const page = await call('GET', `${path}${path.includes('?') ? '&' : '?'}${cursor && `cursor=${cursor}`}`);
        if (page.status !== 200) throw new Error(page.text);
        rows.push(...page.body.data);
        cursor = page.body.nextCursor;
      }
      return rows;
    },
    keyOf: async (scope: string): Promise<{ id: string; key: string }> =>
      (await call('POST', '/v1/keys', { body: { name: `${scope} key`, scope } })).body,
    stop: async () => {
      await app.close();
      await database.drop();
    },
  };
}

let made = 0;

/** A job as apply would have written it: a queued one that nobody registered, unless said otherwise. */
export async function makeJob(prisma: PrismaService, change: Partial<Prisma.JobCreateManyInput> = {}) {
  const id = uuidv7();
  const vendorJobId = change.vendorJobId ?? `vendor-${++made}`;
  const job = await prisma.job.create({
    data: {
      id,
      account: 'media-cn',
      api: 'alibaba-ims/media-convert',
      vendorJobId,
      status: 'queued',
      via: 'poll',
      callbackExpected: false,
      ...change,
    },
  });
  await prisma.jobRef.create({ data: { ref: refHash(vendorJobId), jobId: job.id } });
  return job;
}

export async function makeReceipt(
  prisma: PrismaService,
  body: string | Uint8Array,
  change: Partial<Prisma.ReceiptCreateManyInput> = {},
) {
  const id = uuidv7();
  await prisma.receipt.create({
    data: {
      id,
      account: 'media-cn',
      via: 'callback',
      verified: 'token',
      asked: [],
      body: new Uint8Array(typeof body === 'string' ? Buffer.from(body) : body),
      ...change,
    },
  });
  await prisma.receiptKey.create({ data: { keyHash: id, receiptId: id, seen: 2 } });
  return id;
}

/** An alert as the relay would have written it: an open one that a receiver was told of. */
export async function makeAlert(
  prisma: PrismaService,
  { jobId = uuidv7(), ...change }: { jobId?: string } & Partial<Prisma.AlertCreateInput> = {},
): Promise<string> {
  const id = uuidv7();
  const now = new Date();
  await prisma.alert.create({
    data: {
      id,
      fingerprint: id,
      rule: 'subjob-failed',
      kind: 'subjob-failed',
      severity: 'warning',
      labels: { team: 'shorts' },
      account: 'media-cn',
      api: 'alibaba-ims/media-convert',
      errorCode: 'C',
      reason: 'a part of a job failed',
      status: 'open',
      opening: 1,
      failures: 2,
      jobs: 1,
      firstSeenAt: now,
      lastSeenAt: now,
      openedAt: now,
      changedAt: now,
      sample: [{ jobId, vendorJobId: 'v', name: null, subjobPath: 'output/0', error: 'E' }],
      shared: [{ kind: 'bucket', value: 'demo', count: 2, missed: 0 }],
      receivers: { create: [{ receiver: 'on-call', toldAt: now, toldOpen: true, toldOpening: 1 }] },
      events: { create: [{ at: now, kind: 'opened', actor: 'rule subjob-failed' }] },
      ...change,
    },
  });
  return id;
}
