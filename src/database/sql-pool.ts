import { Logger, type OnModuleDestroy } from '@nestjs/common';
import pg from 'pg';
import { connectionOptions, endWithin, LIMITS, type ConnectionLimits } from './connections.js';

/** Postgres says it could not serialize, or broke a deadlock: the same statement may well pass when sent again. */
const RETRYABLE = new Set(['40001', '40P01']);
const ATTEMPTS = 5;
/** A dead peer never says goodbye, so that the end of a pool is not waited for longer. */
const END_WITHIN_MS = 2_000;

/** Connections for the hand-written statements of the hot paths: apply, claim, upkeep. */
export class SqlPool implements OnModuleDestroy {
  private readonly logger = new Logger(SqlPool.name);
  private pool: pg.Pool;

  constructor(
    private readonly databaseUrl: string,
    private readonly limits: ConnectionLimits = LIMITS.work,
    private readonly name = 'callsheet',
  ) {
    this.pool = this.open();
  }

  private open(): pg.Pool {
    // Pipelined: statements that need nothing of each other leave at once, not one a round trip.
    const pool = new pg.Pool({ ...connectionOptions(this.databaseUrl, this.name, this.limits), pipeline: true });
    pool.on('error', (error) => this.logger.warn(`an idle database connection broke: ${error.message}`));
    return pool;
  }

  /**
   * Replaces every connection. A statement without an answer is a sign that the peer is gone, and then the idle connections beside it are
   * dead as well.
   */
  protected renew(): void {
    const old = this.pool;
    this.pool = this.open();
    void endWithin(END_WITHIN_MS, old);
  }

  query<Row extends pg.QueryResultRow>(statement: pg.QueryConfig): Promise<pg.QueryResult<Row>> {
    return retried(() => this.pool.query<Row>(statement));
  }

  /** Runs `work` in one transaction; again, whole, when Postgres could not serialize it. */
  transaction<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    return retried(async () => {
      const client = await this.pool.connect();
      // One that breaks between two statements tells nobody but its listeners, and without any ends the process.
      client.on('error', this.brokenInHand);
      try {
        await client.query('BEGIN');
        const result = await work(client);
        await client.query('COMMIT');
        this.letGo(client, false);
        return result;
      } catch (error) {
        // A connection that cannot even roll back is not given to the next one.
        const broken = await client.query('ROLLBACK').then(
          () => false,
          () => true,
        );
        this.letGo(client, broken);
        throw error;
      }
    });
  }

  private readonly brokenInHand = (error: Error): void =>
    this.logger.warn(`a database connection broke in the middle of a transaction: ${error.message}`);

  private letGo(client: pg.PoolClient, broken: boolean): void {
    client.off('error', this.brokenInHand);
    client.release(broken);
  }

  async onModuleDestroy(): Promise<void> {
    await endWithin(END_WITHIN_MS, this.pool);
  }
}

async function retried<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === ATTEMPTS || !RETRYABLE.has(codeOf(error) ?? '')) throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 20 * attempt));
    }
  }
}

/** The SQLSTATE of a database error; null for any other error. */
export function codeOf(error: unknown): string | null {
  return error instanceof pg.DatabaseError ? (error.code ?? null) : null;
}
