import { Logger } from '@nestjs/common';
import { createPostgresBackend, Queue, Worker, withBackend, type Job, type WorkerOptions } from 'bullmq';
import { Redis } from 'ioredis';
import pg from 'pg';
import { connectionOptions, LIMITS } from '../database/connections.js';

/** Of each worker on Postgres, one of which it keeps to listen. Queues share `LIMITS.queue.max` others. */
const WORKER_CONNECTIONS = 3;
/** So that a peer that is gone without a word is noticed. */
const REDIS_KEEP_ALIVE_MS = 10_000;

export type Processor = (job: Job) => Promise<unknown>;
export type WorkOptions = Pick<WorkerOptions, 'concurrency'>;

/**
 * Where BullMQ keeps its queues: Redis when there is a `REDIS_URL`, otherwise schema `bullmq` of our Postgres. The one
 * place that chooses. Nothing in the store is a fact: wiped at any moment, it costs a moment's delay.
 */
export interface QueueStore {
  readonly kind: 'redis' | 'postgres';
  queue(name: string): Queue;
  work(name: string, processor: Processor, options?: WorkOptions): Worker;
  /** Takes nothing more, waits for the jobs in hand, then closes the worker and its connections. */
  retire(worker: Worker): Promise<void>;
  /** Rejects when the store does not answer. */
  ping(): Promise<void>;
  /** Waits for the jobs in hand, then closes every worker and connection. */
  close(): Promise<void>;
}

/** Where a `QueueStore` is injected. */
export const QUEUE_STORE = Symbol('QueueStore');

export async function openQueueStore(urls: { redisUrl: string | null; databaseUrl: string }): Promise<QueueStore> {
  return urls.redisUrl === null ? openPostgresStore(urls.databaseUrl) : openRedisStore(urls.redisUrl);
}

async function openRedisStore(url: string): Promise<QueueStore> {
  // BullMQ wants blocking commands to wait for ever rather than to fail after some retries.
  const connection = new Redis(url, {
    maxRetriesPerRequest: null,
    enableReadyCheck: true,
    lazyConnect: true,
    keepAlive: REDIS_KEEP_ALIVE_MS,
  });
  const logger = new Logger('QueueStore');
  let lastError: Error | null = null;
  connection.on('error', (error: Error) => {
    lastError = error;
    logger.warn(`Redis: ${error.message}`);
  });
  try {
    await connection.connect();
  } catch (error) {
    // Otherwise it would go on trying for ever, and keep a program alive that has given up.
    connection.disconnect();
    throw lastError ?? error;
  }
  const opened = new Opened(
    (name) => new Queue(name, { connection }),
    (name, processor, options) => ({
      worker: new Worker(name, processor, { connection, ...options }),
      release: () => Promise.resolve(),
    }),
  );
  return {
    kind: 'redis',
    queue: opened.queue,
    work: opened.work,
    retire: opened.retire,
    ping: async () => void (await withTimeout(connection.ping())),
    close: async () => {
      await opened.close();
      connection.disconnect();
    },
  };
}

async function openPostgresStore(databaseUrl: string): Promise<QueueStore> {
  const Postgres = withBackend(createPostgresBackend);
  // Makes or upgrades BullMQ's tables; without it a worker on an empty database retries without end.
  const migration = new Postgres.Queue('migration', {
    connection: { connectionString: databaseUrl, max: 1, migrate: true },
  });
  migration.on('error', () => undefined);
  await migration.waitUntilReady();
  await migration.close();

  const logger = new Logger('QueueStore');
  const config = (name: string, max: number): pg.PoolConfig => ({
    ...connectionOptions(databaseUrl, name, { ...LIMITS.queue, max }),
    options: '-c search_path=bullmq',
  });
  const pool = new pg.Pool(config('callsheet queue', LIMITS.queue.max));
  pool.on('error', (error) => logger.warn(`queue connection: ${error.message}`));
  // Every queue listens to it, and there is one for each account.
  pool.setMaxListeners(0);
  const opened = new Opened(
    (name) => new Postgres.Queue(name, { connection: pool }) as unknown as Queue,
    (name, processor, options) => {
      // A worker takes a connection out of its pool for good, to listen; those come from a pool of their own.
      const own = new pg.Pool(config(`callsheet worker ${name}`, WORKER_CONNECTIONS));
      own.on('error', (error) => logger.warn(`queue connection: ${error.message}`));
      const worker = new Postgres.Worker(name, processor as never, { connection: own, ...options });
      return { worker: worker as unknown as Worker, release: () => own.end() };
    },
  );
  return {
    kind: 'postgres',
    queue: opened.queue,
    work: opened.work,
    retire: opened.retire,
    ping: async () => void (await withTimeout(pool.query('SELECT 1'))),
    close: async () => {
      await opened.close();
      await pool.end();
    },
  };
}

/** A worker, and how its own connections are closed when it has ended. */
type Opening = { worker: Worker; release(): Promise<void> };

/**
 * The queues and workers of one process, each made once. Workers are closed; queues are not, they only lend their shared
 * connection: on Postgres a command that meets a closing queue is never answered, and whoever waits for it waits for ever.
 */
class Opened {
  private readonly logger = new Logger('QueueStore');
  private readonly queues = new Map<string, Queue>();
  private readonly workers = new Map<Worker, Opening & { ended?: Promise<void> }>();

  constructor(
    private readonly makeQueue: (name: string) => Queue,
    private readonly makeWorker: (name: string, processor: Processor, options: WorkOptions) => Opening,
  ) {}

  readonly queue = (name: string): Queue => {
    let queue = this.queues.get(name);
    if (!queue) {
      queue = this.makeQueue(name);
      queue.on('error', (error) => this.logger.warn(`queue ${name}: ${error.message}`));
      this.queues.set(name, queue);
    }
    return queue;
  };

  readonly work = (name: string, processor: Processor, options: WorkOptions = {}): Worker => {
    const opening = this.makeWorker(name, processor, options);
    const { worker } = opening;
    worker.on('error', (error) => this.logger.warn(`worker ${name}: ${error.message}`));
    this.workers.set(worker, opening);
    return worker;
  };

  /** Remembered until it has ended, so that closing everything waits for it as well. */
  readonly retire = async (worker: Worker): Promise<void> => {
    const opening = this.workers.get(worker);
    if (!opening) return;
    opening.ended ??= worker.close().then(() => opening.release());
    await opening.ended;
    this.workers.delete(worker);
  };

  async close(): Promise<void> {
    await Promise.all([...this.workers.keys()].map(this.retire));
  }
}

async function withTimeout<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer within 2 s')), 2000);
  });
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}
