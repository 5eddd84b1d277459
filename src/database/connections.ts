import pg from 'pg';

/**
 * What a pool's connections may take, in ms. A peer that is gone without FIN or RST is noticed by the limits alone: otherwise a
 * statement waits until the kernel gives up, a quarter of an hour later.
 */
export type ConnectionLimits = {
  /** Connections at most. */
  max: number;
  /** Whether idle connections are kept, because making a new one takes time when it is wanted most. */
  keepIdle?: boolean;
  /** How long to wait for a free or a new connection. */
  connectMs: number;
  /** After which Postgres ends a statement. */
  statementMs: number;
  /** After which the client takes the connection for dead and destroys it. Longer than `statementMs`, so that a slow statement ends by Postgres' word. */
  queryMs: number;
};

/**
 * The pools of a process. Intake has connections of its own, so that no list, gauge, upkeep, scrape or health check can take them. What
 * people read has others than what the program works with, for the same reason.
 */
export const LIMITS = {
  intake: { max: 3, keepIdle: true, connectMs: 2_000, statementMs: 10_000, queryMs: 12_000 },
  work: { max: 8, connectMs: 20_000, statementMs: 15_000, queryMs: 18_000 },
  read: { max: 5, connectMs: 5_000, statementMs: 10_000, queryMs: 12_000 },
  prisma: { max: 5, connectMs: 5_000, statementMs: 10_000, queryMs: 12_000 },
  queue: { max: 4, connectMs: 10_000, statementMs: 15_000, queryMs: 18_000 },
} as const satisfies Record<string, ConnectionLimits>;

const KEEP_ALIVE_AFTER_MS = 10_000;

/**
 * Options for `pg`, with TCP keep-alive and all limits. Statement limits are set by a statement of their own after connecting, because
 * session poolers refuse them as parameters of the connection.
 */
export function connectionOptions(databaseUrl: string, name: string, limits: ConnectionLimits): pg.PoolConfig {
  return {
    connectionString: databaseUrl,
    application_name: name,
    max: limits.max,
    ...(limits.keepIdle ? { idleTimeoutMillis: 0 } : {}),
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS,
    connectionTimeoutMillis: limits.connectMs,
    query_timeout: limits.queryMs,
    // pg-pool waits for the promise that this returns; its types do not say so.
    onConnect: (client) => client.query(`SET statement_timeout = ${limits.statementMs}`) as never,
  };
}

/** Whether the client gave up waiting for a statement, so that its connection was destroyed. */
export function isUnanswered(error: unknown): boolean {
  return error instanceof Error && error.message === 'Query read timeout';
}

/** Ends a pool, and waits no longer than `ms` for the goodbyes of its connections. */
export async function endWithin(ms: number, pool: pg.Pool): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([pool.end(), late]).finally(() => clearTimeout(timer));
}
