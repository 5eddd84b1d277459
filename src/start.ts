import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { fastify } from 'fastify';
import type { AddressInfo } from 'node:net';
import { AppModule } from './app.module.js';
import { CallbackDoor } from './callbacks/callback-door.js';
import { migrate } from './database/migrate.js';
import { makePartitions } from './database/partitions.js';
import { SqlPool } from './database/sql-pool.js';
import { DEFAULT_INTERVALS, type Intervals } from './loops/intervals.js';
import { Readiness } from './operations/readiness.js';
import type { Role } from './operations/role.js';
import { Relay } from './outbox/relay.js';
import { Poller } from './polling/poller.js';
import { Deliverer } from './delivery/deliverer.js';
import { frameworkErrors } from './http-error.filter.js';
import { openQueueStore } from './queue/queue-store.js';
import { CurrentSettings } from './settings/current-settings.js';
import { ApplyProcessor } from './tracking/apply.processor.js';

export type Running = {
  /** Where it listens, without a slash at the end. */
  url: string;
  /** Where the vendors' door listens: the same, unless it has a port of its own. */
  callbackUrl: string;
  app: NestFastifyApplication;
  /** Brings polling into line with the settings now in force; everything else reads them anew each time. Safe to repeat. */
  followSettings(): Promise<void>;
  /** Stops taking requests, finishes what is in hand, closes every connection. */
  close(): Promise<void>;
};

const REQUEST_WITHIN_MS = 10_000;

/**
 * For both servers. A callback's token may be longer than the 100 characters that Fastify takes in a path. And Fastify waits
 * for the rest of a request for ever: whoever stops in the middle of a body would hold it, and a connection, for good. Both
 * timeouts are given, because Node swaps them where a head may take longer than the whole request.
 */
const SERVER = {
  routerOptions: { maxParamLength: 512 },
  requestTimeout: REQUEST_WITHIN_MS,
  http: { headersTimeout: REQUEST_WITHIN_MS, connectionsCheckingInterval: 1000 },
};

/** Puts a tracker together and starts it: database brought up to date, queues, workers by role, doors. */
export async function start(
  current: CurrentSettings,
  databaseUrl: string,
  role: Role,
  intervals: Intervals = DEFAULT_INTERVALS,
): Promise<Running> {
  const logger = new Logger('Callsheet');
  const settings = current.value;
  for (const name of await migrate(databaseUrl)) logger.log(`applied migration ${name}`);
  const queues = await openQueueStore({ redisUrl: settings.redisUrl, databaseUrl });
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.of({ settings: current, databaseUrl, queues, role, intervals }),
    new FastifyAdapter({ bodyLimit: 1024 * 1024, frameworkErrors, ...SERVER }),
    { abortOnError: false, forceCloseConnections: true },
  );
  await makePartitions(app.get(SqlPool), new Date());
  // Without its queue store a door still stores what vendors say; a balancer must not turn them away for that.
  if (role !== 'api') app.get(Readiness).add({ name: 'queue store', check: () => queues.ping().then(() => null) });

  if (role !== 'worker') {
    app.get(Readiness).add({ name: 'callbacks', check: () => app.get(CallbackDoor).refusal() });
  }

  const door = role !== 'worker' && settings.callbackPort !== null ? fastify(SERVER) : null;
  const close = async (): Promise<void> => {
    await door?.close();
    await app.get(Relay).stop();
    await queues.close();
    await app.get(Deliverer).stop();
    await app.close();
  };
  try {
    if (role !== 'worker') app.get(CallbackDoor).open(door ?? app.getHttpAdapter().getInstance());
    await app.listen(settings.port, settings.host);
    await door?.listen({ port: settings.callbackPort ?? 0, host: settings.host });
    if (role !== 'api') {
      app.get(ApplyProcessor).start();
      app.get(Deliverer).start();
      app.get(Relay).start();
      await app.get(Poller).start();
    }
  } catch (error) {
    // A port that is taken must not leave connections behind.
    await close();
    throw error;
  }
  const url = urlOf(app.getHttpServer().address() as AddressInfo);
  const callbackUrl = door ? urlOf(door.server.address() as AddressInfo) : url;
  const followSettings = async () => {
    if (role !== 'api') await app.get(Poller).reload();
  };
  return { url, callbackUrl, app, followSettings, close };
}

function urlOf({ address, port }: AddressInfo): string {
  return `http://${address === '0.0.0.0' || address === '::' ? '127.0.0.1' : address}:${port}`;
}
