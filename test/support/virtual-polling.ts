import { Logger } from '@nestjs/common';
import { LIMITS } from '../../src/database/connections.js';
import { SqlPool } from '../../src/database/sql-pool.js';
import { POLL_LANES } from '../../src/domain/poll-schedule.js';
import { DEFAULT_INTERVALS } from '../../src/loops/intervals.js';
import { Metrics } from '../../src/metrics/metrics.js';
import { Budgets } from '../../src/polling/budgets.js';
import { DueJobs, type ClaimedCall } from '../../src/polling/due-jobs.js';
import { Poller } from '../../src/polling/poller.js';
import { Setbacks } from '../../src/polling/setbacks.js';
import type { VendorClients } from '../../src/polling/vendor-clients.js';
import type { QueueStore } from '../../src/queue/queue-store.js';
import type { CurrentSettings } from '../../src/settings/current-settings.js';
import type { Receipts } from '../../src/tracking/receipts.js';
import { apiNamed } from '../../src/vendors/registry.js';
import { createTestDatabase } from './database.js';

const ACCOUNT = 'media-cn';
const TICK_MS = DEFAULT_INTERVALS.pollTick;
const BEGIN = Date.UTC(2026, 5, 13, 8);

/** Found before Postgres' own, so that every statement of the program reads this clock. It stands still until it is set. */
const CLOCK = `
CREATE SCHEMA virtual;
CREATE TABLE virtual.clock AS SELECT '${new Date(BEGIN).toISOString()}'::timestamptz AS at;
CREATE FUNCTION virtual.now() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT at FROM virtual.clock';
CREATE FUNCTION virtual.clock_timestamp() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT at FROM virtual.clock';
DO $$ BEGIN
  EXECUTE format('ALTER DATABASE %I SET search_path = virtual, pg_catalog, public', current_database());
END $$`;

export type Lane = keyof typeof POLL_LANES;

/** A claimed call: `at` is when it may leave, in ms since the beginning. `ids` are those of the vendor. */
export type VirtualCall = { at: number; worker: number; ids: string[]; claimed: ClaimedCall };

/** Answers a call that is made at `at`, in ms since the beginning; throws a `VendorError` where the vendor would not answer. */
export type VirtualVendor = (at: number, call: VirtualCall) => void;

/**
 * The budget, the claims and the looks of one API as the program has them, on a database whose clock belongs to the test: a
 * minute takes as long as its statements do, and what is counted does not depend on the machine. `workers` claim at the same
 * time, each over connections of its own.
 */
export async function startVirtualPolling({
  api: apiName,
  limit,
  workers = 1,
  looksEveryMs = 3_600_000,
}: {
  api: string;
  /** Calls a second. */
  limit: number;
  workers?: number;
  /** The next look at a job is planned for so long after an answer about it. */
  looksEveryMs?: number;
}) {
  Logger.overrideLogger(false);
  const api = apiNamed(apiName);
  if (!api) throw new RangeError(`no such API: ${apiName}`);
  const database = await createTestDatabase();
  const sql = await poolOnVirtualClock(database.url);
  let [nowMs, tickedMs] = [0, 0];

  const setNow = async (ms: number) => {
    nowMs = ms;
    await sql.query({ name: 'set-clock', text: 'UPDATE virtual.clock SET at = $1', values: [new Date(BEGIN + ms)] });
  };
  /** The vendor's answer plans the next look, as apply does. */
  const answered = async (vendorJobIds: readonly string[]) => {
    await sql.query({
      name: 'answered',
      text: `UPDATE jobs SET next_poll_at = now() + make_interval(secs => $2::int / 1000.0), poll_interval_ms = $2
             WHERE vendor_job_id = ANY ($1)`,
      values: [vendorJobIds, looksEveryMs],
    });
  };

  const made = Array.from({ length: workers }, () => {
    const ownSql = new SqlPool(database.url, { ...LIMITS.work, max: 2 });
    const budgets = new Budgets(ownSql);
    const dueJobs = new DueJobs(ownSql, budgets, DEFAULT_INTERVALS);
    let inHand: { vendor: VirtualVendor; call: VirtualCall } | null = null;
    let asked = false;
    const client = {
      clockSkewMs: () => Promise.resolve(null),
      call: () => {
        asked = true;
        if (inHand) inHand.vendor(nowMs, inHand.call);
        return Promise.resolve({ httpStatus: 200, body: Buffer.from('{}') });
      },
    };
    const clients = { of: () => client } as unknown as VendorClients;
    const settings = { redact: (text: string) => text } as CurrentSettings;
    const receipts = {
      storeAnswer: async ({ asked: ids }: { asked: readonly string[] }) => answered(ids),
    } as unknown as Receipts;
    const setbacks = new Setbacks(ownSql, settings, budgets, dueJobs, clients);
    const poller = new Poller(
      ownSql,
      settings,
      {} as QueueStore,
      budgets,
      dueJobs,
      clients,
      setbacks,
      receipts,
      new Metrics(),
      DEFAULT_INTERVALS,
    );
    return {
      sql: ownSql,
      budgets,
      claim: () => dueJobs.claim(ACCOUNT, api.name, api.idsPerCall),
      /** true: the vendor was asked. */
      look: async (call: VirtualCall, vendor: VirtualVendor) => {
        [inHand, asked] = [{ vendor, call }, false];
        const { jobs, departsAt } = call.claimed;
        await poller.look(ACCOUNT, { api: api.name, departsAt: departsAt.toISOString(), jobs });
        return asked;
      },
    };
  });
  await made[0]?.budgets.ensure([{ account: ACCOUNT, api: api.name, limit }]);
  await sql.query({ text: 'UPDATE budgets SET refilled_at = now(), rated_at = now()' });

  /** What all workers claim at this moment, in the order of departure. */
  const claim = async (): Promise<VirtualCall[]> => {
    const claims = await Promise.all(made.map((worker) => worker.claim()));
    return claims
      .flatMap((calls, worker) =>
        calls.map((claimed) => {
          const ids = claimed.jobs.map(({ vendorJobId }) => vendorJobId);
          return { at: claimed.departsAt.getTime() - BEGIN, worker, ids, claimed };
        }),
      )
      .toSorted((a, b) => a.at - b.at);
  };

  return {
    now: () => nowMs,
    setNow,
    claim,
    rows: async <Row extends Record<string, any> = Record<string, any>>(text: string, values: unknown[] = []) =>
      (await sql.query<Row>({ text, values })).rows,
    /** Jobs named after their lane, whose looks are due in so many ms; `intervalMs` is how long they were put off. */
    add: async (lane: Lane, dueInMs: readonly number[], intervalMs: number | null = null) => {
      const { rows } = await sql.query<{ id: string }>({
        text: `INSERT INTO jobs (id, account, api, vendor_job_id, status, via, callback_expected, poll_lane, next_poll_at, poll_interval_ms)
               SELECT gen_random_uuid(), $1, $2, $3 || '-' || gen_random_uuid(), 'running', 'poll', false, $4,
                      now() + make_interval(secs => ms / 1000.0), $6
               FROM unnest($5::int[]) AS ms RETURNING vendor_job_id AS id`,
        values: [ACCOUNT, api.name, lane, POLL_LANES[lane], dueInMs, intervalMs],
      });
      return rows.map(({ id }) => id);
    },
    /** Removes all jobs, and lets a minute pass at the full rate: the bucket is full. */
    clear: async () => {
      await sql.query({ text: 'TRUNCATE jobs CASCADE' });
      tickedMs = Math.max(nowMs, tickedMs) + 60_000;
      await setNow(tickedMs);
      await sql.query({
        text: 'UPDATE budgets SET turn = 0, rate = full_rate, rated_at = now(), throttled_at = NULL',
      });
    },
    answered,
    /** Polls for so many seconds. Nothing is asked: what is claimed is due again when its lease ends, or by `afterTick`. */
    claimFor: async (
      seconds: number,
      afterTick: (calls: VirtualCall[]) => Promise<unknown> = async () => undefined,
    ) => {
      const calls: VirtualCall[] = [];
      const until = tickedMs + seconds * 1000;
      for (; tickedMs < until; tickedMs += TICK_MS) {
        await setNow(tickedMs);
        const claimed = await claim();
        calls.push(...claimed);
        await afterTick(claimed);
      }
      await setNow(tickedMs);
      return calls;
    },
    /** Polls for so many seconds, and makes each call when its time has come. Answers the calls that were made. */
    pollFor: async (seconds: number, vendor: VirtualVendor) => {
      const calls: VirtualCall[] = [];
      const until = tickedMs + seconds * 1000;
      for (; tickedMs < until; tickedMs += TICK_MS) {
        await setNow(tickedMs);
        // As often as upkeep does it, or oftener: what has grown is a matter of time alone.
        await sql.transaction((client) => made[0]?.budgets.recover(client) ?? Promise.resolve());
        for (const call of await claim()) {
          await setNow(Math.max(nowMs, call.at));
          if (await made[call.worker]?.look(call, vendor)) calls.push({ ...call, at: nowMs });
        }
      }
      await setNow(tickedMs);
      return calls;
    },
    /** Makes a call now, however late it is. true: the vendor was asked. */
    look: async (call: VirtualCall, vendor: VirtualVendor = () => undefined) =>
      (await made[call.worker]?.look(call, vendor)) ?? false,
    stop: async () => {
      for (const worker of made) await worker.sql.onModuleDestroy();
      await sql.onModuleDestroy();
      await database.drop();
    },
  };
}

export type VirtualPolling = Awaited<ReturnType<typeof startVirtualPolling>>;

async function poolOnVirtualClock(url: string): Promise<SqlPool> {
  const own = new SqlPool(url, { ...LIMITS.work, max: 1 });
  await own.query({ text: CLOCK });
  await own.onModuleDestroy();
  return new SqlPool(url, { ...LIMITS.work, max: 2 });
}
