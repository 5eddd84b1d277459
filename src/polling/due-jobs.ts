import { Inject, Injectable } from '@nestjs/common';
import type pg from 'pg';
import { SqlPool } from '../database/sql-pool.js';
import { POLL_LANES, type PollLane } from '../domain/poll-schedule.js';
import { INTERVALS, type Intervals } from '../loops/intervals.js';
import { Budgets } from './budgets.js';
import { callsOf, worthwhileCalls, type DueJob } from './calls.js';
import { departures, timetable, TURNS } from './timetable.js';

/** A call to be made: not before its time, `departsAt` by Postgres' clock, in `inMs` by anybody's. */
export type ClaimedCall = { jobs: DueJob[]; departsAt: Date; inMs: number };

/** How long a claimed job is left to whoever claimed it: twice what a slow call takes. Then a tick claims it again. */
const LEASE = '20 seconds';
/** A tick hands out no more than this many calls of one API, however large its budget. */
const MOST_CALLS = 200;

/**
 * A job may come into a call that goes out anyway this much of its interval before its time: that costs nothing, and its next
 * look is planned anew. For others to come it waits a tenth, and 15 s at most, so that nobody hears much later of its end.
 */
const EARLY_SHARE = 0.25;
const PATIENCE_SHARE = 0.1;
const MOST_PATIENCE_MS = 15_000;
/** Of jobs that are due soon no more than this many are looked through for those that may come early. */
const LOOKED_THROUGH = 100;

const COLUMNS = 'id, vendor_job_id, next_poll_at, poll_interval_ms, ids_per_call, poll_lane';
const interval = (share: number) => `make_interval(secs => coalesce(poll_interval_ms, 0) * ${share / 1000})`;
const PATIENCE = `least(${interval(PATIENCE_SHARE)}, make_interval(secs => ${MOST_PATIENCE_MS / 1000}))`;

/**
 * Four ranges of the partial index of jobs that wait for a look, each lane to the number of jobs that it may have at most.
 * The oldest deadline comes first, but among unproven jobs the newest: whoever has stolen a callback address may invent
 * a hundred thousand of them, and they must not stand before the honest one that comes after them. Then known ones whose
 * deadline has not come, to fill a call with.
 * SKIP LOCKED: a job that apply or another replica holds comes with the next tick.
 */
const READ_DUE = `
WITH unproven AS (
  SELECT ${COLUMNS} FROM jobs
  WHERE account = $1 AND api = $2 AND poll_lane = ${POLL_LANES.unproven} AND next_poll_at <= now()
  ORDER BY next_poll_at DESC LIMIT $4::int FOR UPDATE SKIP LOCKED
), urgent AS (
  SELECT ${COLUMNS} FROM jobs
  WHERE account = $1 AND api = $2 AND poll_lane = ${POLL_LANES.urgent} AND next_poll_at <= now()
  ORDER BY next_poll_at LIMIT $3::int - (SELECT count(*) FROM unproven) FOR UPDATE SKIP LOCKED
), known AS (
  SELECT ${COLUMNS} FROM jobs
  WHERE account = $1 AND api = $2 AND poll_lane = ${POLL_LANES.known} AND next_poll_at <= now()
  ORDER BY next_poll_at
  LIMIT greatest($6::int, $3::int - (SELECT count(*) FROM unproven) - (SELECT count(*) FROM urgent)) FOR UPDATE SKIP LOCKED
), found AS (
  SELECT ${COLUMNS} FROM jobs
  WHERE account = $1 AND api = $2 AND poll_lane = ${POLL_LANES.found} AND next_poll_at <= now()
  ORDER BY next_poll_at
  LIMIT greatest(0, $3::int - (SELECT count(*) FROM unproven) - (SELECT count(*) FROM urgent) - (SELECT count(*) FROM known))
  FOR UPDATE SKIP LOCKED
), early AS (
  SELECT ${COLUMNS} FROM jobs
  WHERE id = ANY (ARRAY(
    SELECT id FROM (
      SELECT ${COLUMNS} FROM jobs
      WHERE account = $1 AND api = $2 AND poll_lane = ${POLL_LANES.known} AND next_poll_at > now()
      ORDER BY next_poll_at LIMIT ${LOOKED_THROUGH}
    ) soon WHERE next_poll_at - ${interval(EARLY_SHARE)} <= now() ORDER BY next_poll_at LIMIT $5::int
  )) AND next_poll_at > now() FOR UPDATE SKIP LOCKED
), candidates AS (
  SELECT * FROM unproven UNION ALL SELECT * FROM urgent UNION ALL SELECT * FROM known UNION ALL SELECT * FROM found UNION ALL SELECT * FROM early
)
SELECT id, vendor_job_id AS "vendorJobId", next_poll_at AS "dueAt", poll_interval_ms AS "intervalMs",
       ids_per_call AS "idsPerCall", poll_lane AS lane, next_poll_at <= now() AS due,
       poll_lane = ${POLL_LANES.urgent} OR next_poll_at + ${PATIENCE} <= now() AS pressing
FROM candidates`;

type DueRow = {
  id: string;
  vendorJobId: string;
  dueAt: Date;
  intervalMs: number | null;
  idsPerCall: number | null;
  lane: PollLane;
  due: boolean;
  pressing: boolean;
};

/** Claims jobs that are due, never more than the budget of their account and API has calls for. */
@Injectable()
export class DueJobs {
  constructor(
    private readonly sql: SqlPool,
    private readonly budgets: Budgets,
    @Inject(INTERVALS) private readonly intervals: Intervals,
  ) {}

  /**
   * The calls to make until the next tick, each with its time: a budget of 80 calls a minute has less than one to give with
   * each tick, so tokens to come are given away with the moment at which they are whole.
   */
  claim(account: string, api: string, idsPerCall: number): Promise<ClaimedCall[]> {
    return this.sql.transaction(async (client) => {
      const allowance = await this.budgets.lock(client, account, api);
      if (!allowance) return [];
      const lockedAt = performance.now();
      const { now, tokens, rate, unprovenTokens, unprovenRate, turn } = allowance;
      const until = { ahead: this.intervals.pollTick / 1000, most: MOST_CALLS };
      const places = {
        budget: departures({ tokens, rate }, until),
        unproven: departures({ tokens: unprovenTokens, rate: unprovenRate }, until),
      };
      if (places.budget.length === 0) return [];

      const rows = await readDue(client, account, api, {
        all: places.budget.length * idsPerCall,
        unproven: Math.min(places.budget.length, places.unproven.length) * idsPerCall,
        early: idsPerCall - 1,
        inTurn: Math.ceil(places.budget.length / TURNS) * idsPerCall,
      });
      // Nobody shares a call with a job that may be invented: it might have the whole call refused.
      const invented = rows.filter(({ lane }) => lane === POLL_LANES.unproven);
      const calls = worthwhileCalls(
        rows.filter(({ lane }) => lane !== POLL_LANES.unproven),
        idsPerCall,
      );
      const ofLane = (lane: PollLane) => calls.filter(([first]) => first?.lane === lane);
      const table = timetable(
        places,
        {
          urgent: ofLane(POLL_LANES.urgent),
          known: ofLane(POLL_LANES.known),
          unproven: callsOf(invented, idsPerCall),
          found: ofLane(POLL_LANES.found),
        },
        turn,
      );
      if (table.length === 0) return [];

      await lease(
        client,
        table.flatMap(({ call }) => call.map(({ id }) => id)),
      );
      const unproven = table.filter(({ lane }) => lane === 'unproven').length;
      await this.budgets.take(client, { account, api }, allowance, { total: table.length, unproven });
      const passed = performance.now() - lockedAt;
      return table.map(({ call, at }) => ({
        jobs: call.map(({ id, vendorJobId, dueAt, intervalMs }) => ({
          id,
          vendorJobId,
          dueAt: dueAt.toISOString(),
          intervalMs,
        })),
        departsAt: new Date(now.getTime() + at * 1000),
        inMs: Math.max(0, at * 1000 - passed),
      }));
    });
  }

  /** Jobs whose look told nothing, through no fault of theirs, are due again in their old place. */
  async giveBack(jobs: readonly DueJob[]): Promise<void> {
    await this.sql.query({
      name: 'give-back-jobs',
      text: `UPDATE jobs SET next_poll_at = least(next_poll_at, v.due_at), poll_interval_ms = v.interval_ms
             FROM unnest($1::uuid[], $2::timestamptz[], $3::int[]) AS v(id, due_at, interval_ms)
             WHERE jobs.id = v.id AND next_poll_at IS NOT NULL`,
      values: [jobs.map(({ id }) => id), jobs.map(({ dueAt }) => dueAt), jobs.map(({ intervalMs }) => intervalMs)],
    });
  }

  /** From now on the jobs share their calls with so many ids at most; null: with as many as the vendor takes. */
  async restrict(jobs: readonly DueJob[], idsPerCall: number | null): Promise<void> {
    await this.sql.query({
      name: 'restrict-jobs',
      text: 'UPDATE jobs SET ids_per_call = $2 WHERE id = ANY ($1::uuid[]) AND ids_per_call IS DISTINCT FROM $2::int',
      values: [jobs.map(({ id }) => id), idsPerCall],
    });
  }
}

async function readDue(
  client: pg.ClientBase,
  account: string,
  api: string,
  most: { all: number; unproven: number; early: number; inTurn: number },
): Promise<DueRow[]> {
  const { rows } = await client.query<DueRow>({
    name: 'read-due-jobs',
    text: READ_DUE,
    values: [account, api, most.all, most.unproven, most.early, most.inTurn],
  });
  return rows;
}

/** The lease is the new deadline, so a look that the queue lost is not lost; and without interval, so none comes early. */
async function lease(client: pg.ClientBase, ids: string[]): Promise<void> {
  await client.query({
    name: 'lease-jobs',
    text: `UPDATE jobs SET next_poll_at = clock_timestamp() + interval '${LEASE}', poll_interval_ms = NULL
           WHERE id = ANY ($1::uuid[])`,
    values: [ids],
  });
}
