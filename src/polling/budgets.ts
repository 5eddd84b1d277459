import { Injectable } from '@nestjs/common';
import type pg from 'pg';
import { SqlPool } from '../database/sql-pool.js';
import { TURNS } from './timetable.js';
import { grownRate, throttledRate, type PollRate } from '../domain/poll-rate.js';

/** Paused accounts and APIs are tried again this often, with one call. */
const PROBE_EVERY = '60 seconds';
/**
 * A bucket holds what its rate brings in so many seconds, and one call at least. A burst is one second of the limit: the
 * rest of it is room for calls that leave late (`poller.ts`) and for the network.
 */
const BUCKET_SECONDS = 0.2;
/** What jobs that only callbacks have spoken of get of the rate, in calls: never more, and never less for the others' sake. */
const UNPROVEN_SHARE = 0.2;

/** `limit` in calls per second. */
export type Budget = { account: string; api: string; limit: number };

/** Both buckets of a budget, as of `now` by Postgres' clock; rates in calls per second. */
export type Allowance = {
  now: Date;
  rate: number;
  tokens: number;
  unprovenRate: number;
  unprovenTokens: number;
  /** How many calls are given since one went by its deadline alone (`timetable.ts`). */
  turn: number;
};

/**
 * Two statements in one, since the clock must be read after the row was waited for. In whole milliseconds, as the column
 * keeps them: a fraction lost with each claim would be a call gained with each hundred.
 */
const LOCK = `
WITH held AS (
  SELECT rate, tokens, unproven_tokens, turn, refilled_at
  FROM budgets WHERE account = $1 AND api = $2 AND paused_at IS NULL FOR UPDATE
), timed AS MATERIALIZED (
  SELECT held.*, rate * ${UNPROVEN_SHARE} AS unproven_rate, date_trunc('milliseconds', clock_timestamp()) AS now FROM held
), refilled AS (
  SELECT timed.*, greatest(0, extract(epoch FROM now - refilled_at)) AS seconds FROM timed
)
SELECT now, rate, turn, unproven_rate AS "unprovenRate",
       least(greatest(1, rate * ${BUCKET_SECONDS}), tokens + rate * seconds) AS tokens,
       least(greatest(1, unproven_rate * ${BUCKET_SECONDS}), unproven_tokens + unproven_rate * seconds) AS "unprovenTokens"
FROM refilled`;

/**
 * What may be asked of a vendor: token buckets per account and API, kept in Postgres and by Postgres' clock, so that they
 * hold across replicas and on both queue stores.
 */
@Injectable()
export class Budgets {
  constructor(private readonly sql: SqlPool) {}

  /** Makes the rows that are missing and brings limits up to date with the configuration. */
  async ensure(budgets: Budget[]): Promise<void> {
    if (budgets.length === 0) return;
    await this.sql.query({
      text: `INSERT INTO budgets (account, api, tokens, rate, full_rate)
             SELECT account, api, greatest(1, "limit" * ${BUCKET_SECONDS}), "limit", "limit"
             FROM json_to_recordset($1::json) AS v(account text, api text, "limit" float8) ORDER BY account, api
             ON CONFLICT (account, api) DO UPDATE SET full_rate = excluded.full_rate,
               rate = CASE WHEN budgets.rate >= budgets.full_rate THEN excluded.full_rate
                      ELSE least(budgets.rate, excluded.full_rate) END
             WHERE budgets.full_rate <> excluded.full_rate`,
      values: [JSON.stringify(budgets)],
    });
  }

  /** Locks the budget for the caller's transaction. null: it is paused, or there is none. */
  async lock(client: pg.ClientBase, account: string, api: string): Promise<Allowance | null> {
    const { rows } = await client.query<Allowance>({ name: 'budget-lock', text: LOCK, values: [account, api] });
    return rows[0] ?? null;
  }

  /** Takes calls out of a locked budget, tokens to come included. */
  async take(
    client: pg.ClientBase,
    { account, api }: Pick<Budget, 'account' | 'api'>,
    { now, tokens, unprovenTokens, turn }: Allowance,
    calls: { total: number; unproven: number },
  ): Promise<void> {
    await client.query({
      name: 'budget-take',
      text: `UPDATE budgets SET tokens = $3, unproven_tokens = $4, turn = $5, refilled_at = $6 WHERE account = $1 AND api = $2`,
      values: [
        account,
        api,
        tokens - calls.total,
        unprovenTokens - calls.unproven,
        (turn + calls.total - calls.unproven) % TURNS,
        now,
      ],
    });
  }

  /**
   * For calls that leave at once and may wait: lets `spend` take whole calls that no due job has wanted, in the caller's
   * transaction. `spend` gets how many there are and answers how many it used.
   */
  async spend(
    client: pg.ClientBase,
    budget: Pick<Budget, 'account' | 'api'>,
    spend: (calls: number) => Promise<number>,
  ): Promise<number> {
    const allowance = await this.lock(client, budget.account, budget.api);
    const calls = Math.floor(allowance?.tokens ?? 0);
    if (!allowance || calls < 1) return 0;
    const used = await spend(calls);
    if (used > 0) await this.take(client, budget, allowance, { total: used, unproven: 0 });
    return used;
  }

  /**
   * The vendor throttled a call that was asked at this time, or just now: half the rate, and an empty bucket, once for the
   * calls of one burst.
   */
  async throttled(account: string, api: string, askedAt?: Date): Promise<void> {
    await this.sql.transaction(async (client) => {
      const [held] = await lockRates(client, 'account = $1 AND api = $2', [account, api]);
      if (!held) return;
      const cut = throttledRate(held, askedAt ?? held.now, held.now);
      if (cut === held) return;
      await client.query({
        name: 'budget-throttled',
        text: `UPDATE budgets SET rate = $3, rated_at = $4, throttled_at = $4, tokens = least(0, tokens),
                 unproven_tokens = least(0, unproven_tokens), refilled_at = clock_timestamp()
               WHERE account = $1 AND api = $2`,
        values: [account, api, cut.rate, cut.ratedAt],
      });
    });
  }

  /** Lets throttled rates grow back, by the time that has passed: done twice, it is done once. */
  async recover(client: pg.ClientBase): Promise<void> {
    const held = await lockRates(client, 'rate < full_rate', []);
    for (const row of held) {
      await client.query({
        name: 'budget-recover',
        text: 'UPDATE budgets SET rate = $3, rated_at = $4 WHERE account = $1 AND api = $2',
        values: [row.account, row.api, grownRate(row, row.now), row.now],
      });
    }
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

  /**
   * What is paused and has not been tried for a minute: one API of each account that is paused as a whole, and each API
   * that is paused alone. Moved on in the statement that finds it, so that one process tries it.
   */
  async takeProbes(client: pg.ClientBase): Promise<{ account: string; api: string }[]> {
    const { rows } = await client.query<{ account: string; api: string; scope: 'account' | 'api' }>({
      name: 'budget-probes',
      text: `UPDATE budgets b SET probe_at = clock_timestamp() + interval '${PROBE_EVERY}'
             FROM (SELECT account, api FROM budgets WHERE paused_at IS NOT NULL AND probe_at <= clock_timestamp()
                   ORDER BY account, api FOR UPDATE SKIP LOCKED) due
             WHERE b.account = due.account AND b.api = due.api
             RETURNING b.account, b.api, b.pause_scope AS scope`,
    });
    const probes = rows.map(({ account, api, scope }): [string, { account: string; api: string }] => [
      scope === 'account' ? account : `${account} ${api}`,
      { account, api },
    ]);
    return [...new Map(probes).values()];
  }

  /** What paused these accounts may have been mended: the next round of probes tries them. */
  async probeNow(accounts: readonly string[]): Promise<void> {
    await this.sql.query({
      text: `UPDATE budgets b SET probe_at = clock_timestamp()
             FROM (SELECT account, api FROM budgets WHERE account = ANY ($1) AND paused_at IS NOT NULL
                   ORDER BY account, api FOR UPDATE) paused
             WHERE b.account = paused.account AND b.api = paused.api`,
      values: [accounts],
    });
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

type HeldRate = PollRate & { account: string; api: string; now: Date };

/** In key order. The clock is read once the rows are held, since waiting for them takes its time. */
async function lockRates(client: pg.ClientBase, which: string, values: string[]): Promise<HeldRate[]> {
  const { rows } = await client.query<HeldRate>({
    text: `WITH held AS MATERIALIZED (SELECT * FROM budgets WHERE ${which} ORDER BY account, api FOR UPDATE)
           SELECT account, api, rate, full_rate AS "fullRate", rated_at AS "ratedAt", throttled_at AS "throttledAt",
                  clock_timestamp() AS now FROM held`,
    values,
  });
  return rows;
}
