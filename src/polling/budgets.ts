import { Injectable } from '@nestjs/common';
import type pg from 'pg';
import { SqlPool } from '../database/sql-pool.js';

/** Paused accounts and APIs are tried again this often, with one call. */
const PROBE_EVERY = '60 seconds';
/** A throttled rate never falls below this share of the limit, and grows back to it within this long. */
const LOWEST_SHARE = 0.05;
const RECOVERY_SECONDS = 60;

export type Budget = { account: string; api: string; limit: number };

/** The clock of the statement itself, not of the transaction: a transaction that waited for the row is older than it. */
const SPEND = `
WITH held AS (
  SELECT account, api,
         least($3::float8, rate + greatest(0, extract(epoch FROM clock_timestamp() - refilled_at)) * $3 / ${RECOVERY_SECONDS}) AS rate,
         tokens, refilled_at, paused_at, probe_at
  FROM budgets WHERE account = $1 AND api = $2 FOR UPDATE
)
SELECT rate, paused_at IS NOT NULL AS paused,
       CASE WHEN paused_at IS NOT NULL THEN CASE WHEN probe_at <= clock_timestamp() THEN 1 ELSE 0 END
       ELSE least(greatest(1, rate), tokens + greatest(0, extract(epoch FROM clock_timestamp() - refilled_at)) * rate) END AS tokens
FROM held`;

/**
 * What may be asked of a vendor: one token bucket per account and API, kept in Postgres and by Postgres' clock, so that it
 * holds across replicas and on both queue stores. A bucket holds one second of its rate.
 */
@Injectable()
export class Budgets {
  constructor(private readonly sql: SqlPool) {}

  /** Makes the rows that are missing and brings limits up to date with the configuration. */
  async ensure(budgets: Budget[]): Promise<void> {
    if (budgets.length === 0) return;
    await this.sql.query({
      text: `INSERT INTO budgets (account, api, tokens, rate)
             SELECT account, api, greatest(1, "limit"), "limit"
             FROM json_to_recordset($1::json) AS v(account text, api text, "limit" float8)
             ON CONFLICT (account, api) DO UPDATE SET rate = least(budgets.rate, excluded.rate)`,
      values: [JSON.stringify(budgets)],
    });
  }

  /**
   * Locks the bucket, lets `spend` take whole calls out of it and keeps the rest, in the caller's transaction.
   * `spend` gets how many calls there are and answers how many it used.
   */
  async spend(
    client: pg.ClientBase,
    { account, api, limit }: Budget,
    spend: (calls: number) => Promise<number>,
  ): Promise<number> {
    const { rows } = await client.query<{ rate: number; tokens: number; paused: boolean }>({
      name: 'budget-spend',
      text: SPEND,
      values: [account, api, limit],
    });
    const bucket = rows[0];
    if (!bucket || bucket.tokens < 1) return 0;
    const used = await spend(Math.floor(bucket.tokens));
    if (used === 0) return 0;
    await client.query({
      name: 'budget-keep',
      text: `UPDATE budgets SET tokens = $3, rate = $4, refilled_at = clock_timestamp(),
               probe_at = CASE WHEN paused_at IS NULL THEN probe_at ELSE clock_timestamp() + interval '${PROBE_EVERY}' END
             WHERE account = $1 AND api = $2`,
      values: [account, api, bucket.paused ? 0 : bucket.tokens - used, bucket.rate],
    });
    return used;
  }

  /** The vendor throttled us: half the rate, and an empty bucket. */
  async throttled(account: string, api: string, limit: number): Promise<void> {
    await this.sql.query({
      text: `UPDATE budgets SET rate = greatest($3 * ${LOWEST_SHARE}, rate / 2), tokens = 0, refilled_at = clock_timestamp(),
               throttled_at = clock_timestamp()
             WHERE account = $1 AND api = $2`,
      values: [account, api, limit],
    });
  }

  /** No more calls but one a minute, for the whole account or for one API of it. true: it was not paused before. */
  async pause(
    scope: 'account' | 'api',
    account: string,
    api: string,
    problem: { code: string; reason: string; clockSkewMs?: number | null },
  ): Promise<boolean> {
    const { rows } = await this.sql.query<{ fresh: boolean }>({
      text: `UPDATE budgets b SET paused_at = coalesce(b.paused_at, clock_timestamp()), pause_code = $4, pause_reason = $5,
               pause_scope = $3, clock_skew_ms = $6, probe_at = clock_timestamp() + interval '${PROBE_EVERY}'
             FROM (SELECT account, api, paused_at FROM budgets WHERE account = $1 AND ($3 = 'account' OR api = $2)
                   ORDER BY account, api FOR UPDATE) old
             WHERE b.account = old.account AND b.api = old.api
             RETURNING old.paused_at IS NULL AS fresh`,
      values: [account, api, scope, problem.code, problem.reason, problem.clockSkewMs ?? null],
    });
    return rows.some((row) => row.fresh);
  }

  /** A call was answered: whatever paused this API has passed, and what paused the whole account as well. */
  async resume(account: string, api: string): Promise<boolean> {
    const { rowCount } = await this.sql.query({
      name: 'budget-resume',
      text: `UPDATE budgets SET paused_at = NULL, probe_at = NULL, pause_code = NULL, pause_reason = NULL,
               pause_scope = NULL, clock_skew_ms = NULL
             WHERE account = $1 AND paused_at IS NOT NULL AND (api = $2 OR pause_scope = 'account')`,
      values: [account, api],
    });
    return (rowCount ?? 0) > 0;
  }
}
