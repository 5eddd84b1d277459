import { startEmulator, type Emulator } from '../../emulator/emulator.js';
import { NO_FAULTS } from '../../emulator/faults.js';
import { exclusively } from '../../src/database/exclusively.js';
import { firstUuidOf } from '../../src/database/partitions.js';
import { SqlPool } from '../../src/database/sql-pool.js';
import { POLL_LANES } from '../../src/domain/poll-schedule.js';
import { Maintenance } from '../../src/operations/maintenance.js';
import { Budgets } from '../../src/polling/budgets.js';
import { eventually } from '../support/eventually.js';
import { startWorkerBeside } from '../support/second-worker.js';
import { startTracker, testAccount, VENDOR_ACCOUNT, type TestTracker } from '../support/tracker.js';
import { startVendorGate, type VendorGate } from '../support/vendor-gate.js';

describe('upkeep with two trackers on one database', () => {
  let emulator: Emulator;
  let gate: VendorGate;
  let trackers: [TestTracker, TestTracker];

  beforeAll(async () => {
    emulator = await startEmulator({ seed: 71, accounts: [VENDOR_ACCOUNT] });
    gate = await startVendorGate(emulator.url);
    const accounts = [testAccount(gate.url)];
    const first = await startTracker({ accounts });
    trackers = [first, await startWorkerBeside(first, accounts)];
  });
  afterAll(async () => {
    for (const tracker of trackers.toReversed()) await tracker.stop();
    await gate.stop();
    await emulator.stop();
  });
  afterEach(() => emulator.setFaults(NO_FAULTS));

  const sqlOf = (tracker: TestTracker) => tracker.app.get(SqlPool);
  const budgets = async () => (await trackers[0].get('/v1/accounts')).body.data[0].budgets;

  it('a work is done by one at a time, and by the next when that one has ended or failed', async () => {
    const [first, second] = trackers.map(sqlOf);
    let begins = (): void => undefined;
    const begun = new Promise<void>((resolve) => (begins = resolve));
    let ends = (result: string): void => void result;
    const ended = new Promise<string>((resolve) => (ends = resolve));
    const held = exclusively(first!, 'a-work', () => {
      begins();
      return ended;
    });
    await begun;
    try {
      expect(await exclusively(second!, 'a-work', async () => 'done too')).toBeNull();
      expect(await exclusively(second!, 'other-work', async () => 'done')).toBe('done');
    } finally {
      ends('done');
    }
    expect(await held).toBe('done');
    await expect(exclusively(first!, 'a-work', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await exclusively(second!, 'a-work', async () => 'done too')).toBe('done too');
  });

  it('a work whose connection breaks fails, takes nobody with it, and may be done again', async () => {
    const [first, second] = trackers.map(sqlOf);
    const held = exclusively(first!, 'a-work', async (client) => {
      const broken = new Promise<void>((resolve) => client.once('end', resolve));
      const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      await second!.query({ text: 'SELECT pg_terminate_backend($1)', values: [rows[0]?.pid] });
      await broken;
    });
    await expect(held).rejects.toThrow();
    expect(await exclusively(second!, 'a-work', async () => 'done')).toBe('done');
    expect((await trackers[0].get('/health/ready')).status).toBe(200);
  });

  it('jobs are forgotten and partitions dropped only where nobody else is at it', async () => {
    const [tracker] = trackers;
    const from = new Date('2020-01-01T00:00:00Z');
    const to = new Date('2020-01-02T00:00:00Z');
    await tracker.rows(
      `CREATE TABLE receipts_2020_01_01 PARTITION OF receipts FOR VALUES FROM ('${firstUuidOf(from)}') TO ('${firstUuidOf(to)}')`,
    );
    await tracker.rows(
      `INSERT INTO jobs (id, account, api, vendor_job_id, status, confirmed, via, callback_expected, poll_lane, terminal_at)
       VALUES (gen_random_uuid(), 'media-cn', 'alibaba-ims/media-convert', 'invented', 'lost', true, 'poll', true, $1,
               now() - interval '2 days')`,
      [POLL_LANES.unproven],
    );
    const left = async () => [
      ...(await tracker.rows('SELECT vendor_job_id AS name FROM jobs')),
      ...(await tracker.rows(`SELECT relname AS name FROM pg_class WHERE relname = 'receipts_2020_01_01'`)),
    ];
    const bothTidyUp = () =>
      Promise.all(
        trackers.map(async ({ app }) => {
          await app.get(Maintenance).forgetInventedJobs();
          await app.get(Maintenance).dropExpired();
        }),
      );
    await exclusively(sqlOf(tracker), 'forget', () =>
      exclusively(sqlOf(tracker), 'expiry', async () => {
        await bothTidyUp();
        expect(await left()).toEqual([{ name: 'invented' }, { name: 'receipts_2020_01_01' }]);
      }),
    );
    await bothTidyUp();
    expect(await left()).toEqual([]);
  });

  /** What both do several times a minute, at the same time. */
  const bothMend = async (rounds: number) => {
    for (let round = 0; round < rounds; round++) {
      await Promise.all(trackers.map(({ app }) => app.get(Maintenance).mendBudgets()));
    }
  };

  it('an account that is paused is tried once a minute, by one of them, and recovers though nothing is due', async () => {
    let answers = (): void => undefined;
    const answered = new Promise<null>((resolve) => (answers = () => resolve(null)));
    gate.answer(() => answered);
    emulator.setFaults({ wrongSecrets: [VENDOR_ACCOUNT.accessKeyId] });
    await trackers[0].app.get(Budgets).pause('account', 'media-cn', 'alibaba-ims/media-convert', {
      code: 'SignatureDoesNotMatch',
      reason: 'for the test',
    });
    await trackers[0].rows('UPDATE budgets SET probe_at = now()');
    await eventually(() => expect(gate.calls).toHaveLength(1));
    // Both come by again while the call is under way, and after it.
    await bothMend(5);
    expect(gate.calls).toHaveLength(1);
    answers();
    await eventually(() =>
      expect(emulator.requests.entries.map(({ outcome }) => outcome)).toEqual(['SignatureDoesNotMatch']),
    );
    await bothMend(5);
    expect(gate.calls).toHaveLength(1);
    expect(emulator.requests.total).toBe(1);
    expect(await budgets()).not.toHaveLength(0);
    for (const budget of await budgets()) {
      expect(budget.paused).toMatchObject({ code: 'SignatureDoesNotMatch', scope: 'account' });
    }
    const [next] = await trackers[0].rows(
      `SELECT bool_and(probe_at BETWEEN $1::timestamptz + interval '50 seconds' AND now() + interval '60 seconds') AS soon FROM budgets`,
      [new Date(gate.calls[0]?.at ?? 0)],
    );
    expect(next).toEqual({ soon: true });

    emulator.setFaults(NO_FAULTS);
    await trackers[0].rows('UPDATE budgets SET probe_at = now()');
    await eventually(async () => {
      for (const budget of await budgets()) expect(budget.paused).toBeNull();
    });
    expect(emulator.requests.total).toBe(2);
    expect(await trackers[0].rows('SELECT FROM jobs WHERE next_poll_at IS NOT NULL')).toHaveLength(0);
  });

  it('a throttled rate grows back within a minute, no faster for there being two', async () => {
    const rate = async () => (await budgets()).find(({ api }: { api: string }) => api.endsWith('convert')).currentRate;
    const [{ full = 0 } = {}] = await trackers[0].rows('SELECT max(full_rate) AS full FROM budgets');
    const held = async (): Promise<{ rate: number; ratedAt: Date; throttledAt: Date }> => {
      const [row] = await trackers[0].rows(
        `SELECT rate, rated_at AS "ratedAt", throttled_at AS "throttledAt" FROM budgets WHERE api = 'alibaba-ims/media-convert'`,
      );
      return row as Awaited<ReturnType<typeof held>>;
    };
    const secondsBetween = (from: Date, to: Date) => (to.getTime() - from.getTime()) / 1000;
    await trackers[0].app.get(Budgets).throttled('media-cn', 'alibaba-ims/media-convert');
    const cut = await held();
    expect(cut.rate).toBeCloseTo(full / 2 + (full / 60) * secondsBetween(cut.throttledAt, cut.ratedAt), 1);
    // Six seconds go by, and both come by many times.
    const [before] = await trackers[0].rows(
      `UPDATE budgets SET rated_at = rated_at - interval '6 seconds' WHERE api = 'alibaba-ims/media-convert'
       RETURNING rate, rated_at AS "ratedAt"`,
    );
    await bothMend(10);
    const after = await held();
    const seconds = secondsBetween(before?.['ratedAt'], after.ratedAt);
    expect(seconds).toBeGreaterThanOrEqual(6);
    expect(after.rate).toBeCloseTo(Math.min(full, before?.['rate'] + (full / 60) * seconds), 1);
    expect(await rate()).toBeGreaterThanOrEqual(Math.floor(after.rate));

    await trackers[0].rows(`UPDATE budgets SET rated_at = rated_at - interval '1 minute'`);
    await eventually(async () => expect(await rate()).toBe(full));
  });

  it('calls that are throttled together slow down once', async () => {
    const budgets = trackers[0].app.get(Budgets);
    await trackers[0].rows(`UPDATE budgets SET throttled_at = NULL`);
    await Promise.all(Array.from({ length: 8 }, () => budgets.throttled('media-cn', 'alibaba-ims/dynamic-image')));
    // Without what has grown since.
    const [row] = await trackers[0].rows(
      `SELECT rate / full_rate - extract(epoch FROM rated_at - throttled_at)::float8 / 60 AS share
       FROM budgets WHERE api = 'alibaba-ims/dynamic-image'`,
    );
    expect(row?.['share']).toBeCloseTo(0.5, 3);
  });
});
