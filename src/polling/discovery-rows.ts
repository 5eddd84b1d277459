import { Injectable } from '@nestjs/common';
import type pg from 'pg';
import { v4 as uuidv4 } from 'uuid';
import { SqlPool } from '../database/sql-pool.js';
import { POLL_LANES } from '../domain/poll-schedule.js';
import { Budgets, type Budget } from './budgets.js';
import { newPass, type Covered, type Pass } from './discovery-pass.js';

/** How long a page is left to the process that took it: twice what a slow call takes. Then another one asks for it. */
const LEASE = '30 seconds';

/** In seconds of the limit: a bucket holds twice as much. */
const HALF_A_BUCKET = 0.1;

export type Place = { account: string; api: string };

/** A page that this process, and no other, may ask for now. */
export type Claim = Place & {
  lease: string;
  pass: Pass;
  /** It is the first of a new pass. */
  begins: boolean;
  covered: Covered | null;
  /** Calls in a row that gave no page. */
  failures: number;
  /** What is shown as wrong. */
  errorCode: string | null;
};

/** What a call came to: where the pass stands now, and after how many ms to go on. */
export type Progress = {
  pass: Pass;
  ended: boolean;
  covered: Covered | null;
  failures: number;
  error: { code: string; message: string } | null;
  waitMs: number;
};

type Row = {
  now: Date;
  started_at: Date | null;
  finished_at: Date | null;
  window_from: Date;
  window_to: Date;
  span_to: Date;
  page_token: string | null;
  pages: number;
  listed: number;
  found: number;
  covered_from: Date | null;
  covered_until: Date | null;
  failures: number;
  error_code: string | null;
};

const DUE = 'next_at <= now() AND (leased_until IS NULL OR leased_until <= now())';

const LOCK = `SELECT *, clock_timestamp() AS now FROM discoveries WHERE account = $1 AND api = $2 AND ${DUE} FOR UPDATE SKIP LOCKED`;

/** Jobs that only callbacks speak of do not count: who invents such jobs by the thousand must not keep us from listing. */
const SERVED_FIRST = [POLL_LANES.urgent, POLL_LANES.known, POLL_LANES.found];

/** Lane by lane, since the index of waiting jobs is sorted by lane first. */
const BUSY = `
SELECT EXISTS (SELECT FROM unnest($3::smallint[]) AS lane(number), LATERAL (
  SELECT FROM jobs WHERE account = $1 AND api = $2 AND poll_lane = lane.number AND next_poll_at <= now() LIMIT 1
) AS due) AS busy`;

const BEGIN = `
UPDATE discoveries SET lease = $3, leased_until = clock_timestamp() + interval '${LEASE}', started_at = $4,
  finished_at = NULL, window_from = $5, window_to = $6, span_to = $7, page_token = $8, pages = $9, listed = $10, found = $11
WHERE account = $1 AND api = $2`;

/** Only by the lease: who comes back after it ran out, and somebody else went on, changes nothing. */
const KEEP = `
UPDATE discoveries SET lease = NULL, leased_until = NULL, span_to = $4, page_token = $5, pages = $6, listed = $7, found = $8,
  finished_at = CASE WHEN $9 THEN clock_timestamp() END, covered_from = $10, covered_until = $11, failures = $12,
  error_code = $13, error_message = $14, next_at = clock_timestamp() + make_interval(secs => $15::float8 / 1000)
WHERE account = $1 AND api = $2 AND lease = $3`;

/** Where discovery stands, as rows: which page is asked for next, and by whom. Times are by Postgres' clock. */
@Injectable()
export class DiscoveryRows {
  constructor(
    private readonly sql: SqlPool,
    private readonly budgets: Budgets,
  ) {}

  /** Makes the rows that are missing; all of them are due at once. */
  async ensure(places: readonly Place[]): Promise<void> {
    await this.sql.query({
      text: `INSERT INTO discoveries (account, api) SELECT account, api FROM json_to_recordset($1::json) AS v(account text, api text)
             ORDER BY account, api
             ON CONFLICT (account, api) DO UPDATE SET next_at = least(discoveries.next_at, now())`,
      values: [JSON.stringify(places)],
    });
  }

  async due(): Promise<Place[]> {
    const { rows } = await this.sql.query<Place>({
      name: 'due-discoveries',
      text: `SELECT account, api FROM discoveries WHERE ${DUE}`,
    });
    return rows;
  }

  /**
   * Takes the next page, and a call out of the budget for it, if there is one to spare: nothing of this account and API
   * is due, and half of what the bucket holds is there, so that the next due job finds some of it.
   */
  claim({ account, api, limit }: Budget, windowMs: number): Promise<Claim | null> {
    return this.sql.transaction(async (client) => {
      const { rows } = await client.query<Row>({ name: 'lock-discovery', text: LOCK, values: [account, api] });
      const [row] = rows;
      if (!row) return null;
      let claim: Claim | null = null;
      await this.budgets.spend(client, { account, api }, async (calls) => {
        if (calls < limit * HALF_A_BUCKET || (await isBusy(client, { account, api }))) return 0;
        claim = claimOf(row, { account, api }, windowMs);
        await begin(client, claim);
        return 1;
      });
      return claim;
    });
  }

  /** Lets go of the claim and keeps what it came to. false: somebody else had taken it over. */
  async keep({ account, api, lease }: Claim, progress: Progress): Promise<boolean> {
    const { pass, ended, covered, failures, error, waitMs } = progress;
    const { rowCount } = await this.sql.query({
      name: 'keep-discovery',
      text: KEEP,
      values: [
        account,
        api,
        lease,
        pass.spanTo,
        pass.token,
        pass.pages,
        pass.listed,
        pass.found,
        ended,
        covered?.from ?? null,
        covered?.until ?? null,
        failures,
        error?.code ?? null,
        error?.message ?? null,
        waitMs,
      ],
    });
    return rowCount === 1;
  }

  /** How many of the listed jobs are not tracked, and of how many others the end is not known. */
  async news({ account, api }: Place, vendorJobIds: readonly string[]): Promise<{ unknown: number; open: number }> {
    const { rows } = await this.sql.query<{ unknown: number; open: number }>({
      name: 'news-of-listing',
      text: `SELECT count(*) FILTER (WHERE j.id IS NULL)::int AS unknown,
                    count(*) FILTER (WHERE NOT j.confirmed OR j.status IN ('queued', 'running', 'lost'))::int AS open
             FROM unnest($3::text[]) AS listed(id)
             LEFT JOIN jobs j ON j.account = $1 AND j.api = $2 AND j.vendor_job_id = listed.id`,
      values: [account, api, [...new Set(vendorJobIds)]],
    });
    return rows[0] ?? { unknown: 0, open: 0 };
  }
}

async function isBusy(client: pg.ClientBase, { account, api }: Place): Promise<boolean> {
  const { rows } = await client.query<{ busy: boolean }>({
    name: 'busy-before-discovery',
    text: BUSY,
    values: [account, api, SERVED_FIRST],
  });
  return rows[0]?.busy ?? true;
}

function claimOf(row: Row, place: Place, windowMs: number): Claim {
  const { covered_from: from, covered_until: until } = row;
  const covered = from && until ? { from, until } : null;
  const underWay = row.started_at !== null && row.finished_at === null;
  const pass: Pass = underWay
    ? {
        startedAt: row.started_at ?? row.now,
        from: row.window_from,
        to: row.window_to,
        spanTo: row.span_to,
        token: row.page_token,
        pages: row.pages,
        listed: row.listed,
        found: row.found,
      }
    : newPass(covered, windowMs, row.now);
  // What could not be listed for an hour is listed up to now, not up to an hour ago.
  const atFirstPage = underWay && pass.pages === 0;
  return {
    ...place,
    lease: uuidv4(),
    pass: atFirstPage ? { ...newPass(covered, windowMs, row.now), startedAt: pass.startedAt, found: pass.found } : pass,
    begins: !underWay,
    covered,
    failures: row.failures,
    errorCode: row.error_code,
  };
}

async function begin(client: pg.ClientBase, { account, api, lease, pass }: Claim): Promise<void> {
  const { startedAt, from, to, spanTo, token, pages, listed, found } = pass;
  await client.query({
    name: 'begin-discovery',
    text: BEGIN,
    values: [account, api, lease, startedAt, from, to, spanTo, token, pages, listed, found],
  });
}
