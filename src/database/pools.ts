import type pg from 'pg';
import { isUnanswered, LIMITS } from './connections.js';
import { SqlPool } from './sql-pool.js';

/** How long intake waits for a statement before it tries another connection. The vendor hangs up after 3 s. */
const FIRST_TRY_MS = 2_000;

/**
 * Connections for intake alone. A statement without an answer is tried once more on a new connection: a receipt that the first one stored
 * after all is then a duplicate. The second try may take longer, because a database that is merely slow would otherwise never store anything.
 */
export class IntakePool extends SqlPool {
  constructor(databaseUrl: string) {
    super(databaseUrl, LIMITS.intake, 'callsheet intake');
  }

  override async query<Row extends pg.QueryResultRow>(statement: pg.QueryConfig): Promise<pg.QueryResult<Row>> {
    try {
      // `pg` reads the limit from the statement; its types do not know that yet.
      const limited: pg.QueryConfig & { query_timeout: number } = { ...statement, query_timeout: FIRST_TRY_MS };
      return await super.query<Row>(limited);
    } catch (error) {
      if (!isUnanswered(error)) throw error;
      this.renew();
      return super.query<Row>(statement);
    }
  }
}

/** Connections for what people and scrapers read, so that slow lists take none from the work. */
export class ReadPool extends SqlPool {
  constructor(databaseUrl: string) {
    super(databaseUrl, LIMITS.read, 'callsheet read');
  }
}
