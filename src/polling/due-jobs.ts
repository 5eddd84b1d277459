import { Injectable } from '@nestjs/common';
import { SqlPool } from '../database/sql-pool.js';
import { Budgets, type Budget } from './budgets.js';

export type DueJob = { id: string; vendorJobId: string };

/** How long a claimed job is left to whoever claimed it: twice what a slow call takes. Then a tick claims it again. */
const LEASE = '20 seconds';
/** A tick hands out no more than this many calls of one API, however large its budget. */
const MOST_CALLS = 200;

/**
 * Oldest deadline first, on the partial index of jobs that wait for a look. SKIP LOCKED: a job that apply or another
 * replica holds comes with the next tick. The lease is the new deadline, so a look that the queue lost is not lost.
 */
const CLAIM = `
WITH due AS (
  SELECT id FROM jobs
  WHERE account = $1 AND api = $2 AND next_poll_at <= now()
  ORDER BY next_poll_at LIMIT $3 FOR UPDATE SKIP LOCKED
)
UPDATE jobs j SET next_poll_at = now() + interval '${LEASE}'
FROM due WHERE j.id = due.id
RETURNING j.id, j.vendor_job_id AS "vendorJobId"`;

/** Claims jobs that are due, never more than the budget of their account and API has calls for. */
@Injectable()
export class DueJobs {
  constructor(
    private readonly sql: SqlPool,
    private readonly budgets: Budgets,
  ) {}

  /** The claimed jobs, grouped as they fit into one call each. */
  claim(budget: Budget, idsPerCall: number): Promise<DueJob[][]> {
    return this.sql.transaction(async (client) => {
      const calls: DueJob[][] = [];
      await this.budgets.spend(client, budget, async (available) => {
        const { rows } = await client.query<DueJob>({
          name: 'claim-due-jobs',
          text: CLAIM,
          values: [budget.account, budget.api, Math.min(available, MOST_CALLS) * idsPerCall],
        });
        for (let i = 0; i < rows.length; i += idsPerCall) calls.push(rows.slice(i, i + idsPerCall));
        return calls.length;
      });
      return calls;
    });
  }
}
