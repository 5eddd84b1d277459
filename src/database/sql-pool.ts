import { Logger, type OnModuleDestroy } from '@nestjs/common';
import pg from 'pg';

/** Postgres says it could not serialize, or broke a deadlock: the same statement may well pass when sent again. */
const RETRYABLE = new Set(['40001', '40P01']);
const ATTEMPTS = 5;

/** Connections for the hand-written statements of the hot paths: intake, apply, claim. */
export class SqlPool implements OnModuleDestroy {
  private readonly logger = new Logger(SqlPool.name);
  private readonly pool: pg.Pool;

  constructor(databaseUrl: string, max = 8) {
    // Pipelined: statements that need nothing of each other leave at once, not one a round trip.
    const options = { connectionString: databaseUrl, max, application_name: 'callsheet', pipeline: true };
    this.pool = new pg.Pool(options);
    this.pool.on('error', (error) => this.logger.warn(`an idle database connection broke: ${error.message}`));
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
    await this.pool.end();
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
