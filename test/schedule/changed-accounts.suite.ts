import { v7 as uuidv7 } from 'uuid';
import { startEmulator, type Emulator } from '../../emulator/emulator.js';
import { SqlPool } from '../../src/database/sql-pool.js';
import { POLL_LANES } from '../../src/domain/poll-schedule.js';
import { Poller } from '../../src/polling/poller.js';
import { watchUnwatched } from '../../src/polling/unwatched-jobs.js';
import { QUEUE_STORE, type QueueStore } from '../../src/queue/queue-store.js';
import { pollQueue } from '../../src/queue/queues.js';
import { CurrentSettings } from '../../src/settings/current-settings.js';
import type { Account } from '../../src/settings/settings.js';
import { eventually } from '../support/eventually.js';
import { CREDENTIALS, startTracker, testAccount, VENDOR_ACCOUNT, type TestTracker } from '../support/tracker.js';
import { startVendorGate, type VendorGate } from '../support/vendor-gate.js';

const API = 'alibaba-ims/media-producing';

describe('an account that changes while the program runs', () => {
  let emulator: Emulator;
  let gate: VendorGate;
  let tracker: TestTracker;

  beforeAll(async () => {
    emulator = await startEmulator({ seed: 41, timeScale: 0.001, accounts: [VENDOR_ACCOUNT] });
    gate = await startVendorGate(emulator.url);
    tracker = await startTracker({ emulator });
  });
  afterAll(async () => {
    await tracker.stop();
    await gate.stop();
    await emulator.stop();
  });

  /** What a reload does, but for reading the file. */
  const change = async (...accounts: Account[]) => {
    const current = tracker.app.get(CurrentSettings);
    current.replace({ ...current.value, accounts });
    await tracker.app.get(Poller).reload();
  };

  it('is not paused by a refusal of credentials that it no longer has', async () => {
    let refuse = (): void => undefined;
    const refused = new Promise<null>((resolve) => (refuse = () => resolve(null)));
    gate.answer(() => refused);
    await change(testAccount(gate.url, { credentials: { ...CREDENTIALS, accessKeySecret: 'not-it-0123456789' } }));
    const { vendorJobId } = emulator.submit({ api: API, outcome: 'succeeded' });
    await tracker.post('/v1/jobs', { account: 'media-cn', api: API, vendorJobId, callbackExpected: false });
    await eventually(() => expect(gate.calls).toHaveLength(1));
    await change(testAccount(emulator.url));
    refuse();
    await eventually(() =>
      expect(emulator.requests.where({ jobId: vendorJobId })[0]?.outcome).toBe('SignatureDoesNotMatch'),
    );
    await eventually(async () => expect(await tracker.job(vendorJobId)).toMatchObject({ status: 'succeeded' }));
    expect(await tracker.rows('SELECT * FROM budgets WHERE paused_at IS NOT NULL')).toEqual([]);
    // No probe either, which would have ended a pause.
    expect(emulator.requests.where({ jobId: vendorJobId })).toHaveLength(emulator.requests.total);
  });

  it('has a worker for as long as it can be asked', async () => {
    const media = testAccount(emulator.url);
    const second = (change: Partial<Account> = {}) => testAccount(emulator.url, { name: 'second', ...change });
    const workers = () => tracker.app.get<QueueStore>(QUEUE_STORE).queue(pollQueue('second')).getWorkersCount();
    await change(media, second());
    await eventually(async () => expect(await workers()).toBe(1));
    await change(media, second({ requestsPerSecond: 3 }));
    expect(await workers()).toBe(1);
    await change(media, second({ credentials: null }));
    await eventually(async () => expect(await workers()).toBe(0));
    await change(media, second());
    await eventually(async () => expect(await workers()).toBe(1));
    await change(media);
    await eventually(async () => expect(await workers()).toBe(0));
  });

  it('has its new limit at once', async () => {
    const rate = async () => (await tracker.get('/v1/accounts')).body.data[0].budgets[0];
    await change(testAccount(emulator.url, { requestsPerSecond: 3 }));
    expect(await rate()).toMatchObject({ requestsPerSecond: 3, currentRate: 3 });
    await change(testAccount(emulator.url, { requestsPerSecond: 30 }));
    expect(await rate()).toMatchObject({ requestsPerSecond: 30, currentRate: 30 });
  });

  describe('and was claim-only', () => {
    type Row = { name: string; change?: string };
    const insert = async (account: string, rows: Row[]) => {
      for (const { name, change = '' } of rows) {
        await tracker.rows(
          `INSERT INTO jobs (id, account, api, vendor_job_id, status, via, callback_expected, poll_lane)
           VALUES ($1, $2, $3, $4, 'queued', 'callback', true, ${POLL_LANES.unproven})`,
          [uuidv7(), account, API, name],
        );
        if (change !== '') await tracker.rows(`UPDATE jobs SET ${change} WHERE vendor_job_id = $1`, [name]);
      }
    };
    const watch = (name: string, requestsPerSecond: number) =>
      tracker.app
        .get(SqlPool)
        .transaction((client) => watchUnwatched(client, [testAccount('', { name, requestsPerSecond })], 5_000));
    const due = async (account: string) =>
      tracker.rows<{ vendor_job_id: string; poll_lane: number; next_poll_at: Date }>(
        `SELECT vendor_job_id, poll_lane, next_poll_at FROM jobs
         WHERE account = $1 AND next_poll_at IS NOT NULL ORDER BY next_poll_at`,
        [account],
      );

    it('has those of its jobs watched about which the vendor has something to tell', async () => {
      const ended = `status = 'succeeded', terminal_at = now()`;
      await insert('claims', [
        { name: 'live' },
        { name: 'once seen running', change: `status = 'running', confirmed = true` },
        { name: 'ended by a claim', change: ended },
        { name: 'registered part', change: `registered = true, parent_job_id = id` },
        { name: 'ended for sure', change: `${ended}, confirmed = true` },
        { name: 'closed', change: 'closed_at = now()' },
        { name: 'part of a batch', change: 'parent_job_id = id' },
        { name: 'too old', change: `created_at = now() - interval '370 days'` },
      ]);
      await insert('others', [{ name: 'of another account' }]);
      expect(await watch('claims', 10)).toEqual([{ account: 'claims', jobs: 4 }]);
      expect(await watch('claims', 10)).toEqual([]);
      const watched = await due('claims');
      expect(watched.map((row) => row.vendor_job_id).sort()).toEqual([
        'ended by a claim',
        'live',
        'once seen running',
        'registered part',
      ]);
      expect(await due('others')).toEqual([]);
      // Nobody waits for them, and they must not be taken for inventions.
      expect(watched.map((row) => row.poll_lane)).toEqual([
        POLL_LANES.found,
        POLL_LANES.found,
        POLL_LANES.found,
        POLL_LANES.found,
      ]);
    });

    it('has a great many watched little by little, the newest first', async () => {
      await tracker.rows(
        `INSERT INTO jobs (id, account, api, vendor_job_id, status, via, callback_expected, created_at)
         SELECT gen_random_uuid(), 'many', $1, n::text, 'queued', 'callback', true, now() - n * interval '1 minute'
         FROM generate_series(1, 100) AS n`,
        [API],
      );
      const startedAt = Date.now();
      expect(await watch('many', 4)).toEqual([{ account: 'many', jobs: 20 }]);
      const tookMs = Date.now() - startedAt;
      const watched = await due('many');
      expect(watched.map((row) => Number(row.vendor_job_id)).sort((a, b) => a - b)).toEqual(
        Array.from({ length: 20 }, (_, i) => i + 1),
      );
      // One after the other, as fast as the budget is.
      const [first, last] = [watched[0], watched.at(-1)].map((row) => row?.next_poll_at.getTime() ?? 0);
      // The clock goes on from row to row.
      expect(Math.abs((last ?? 0) - (first ?? 0) - 4_750)).toBeLessThanOrEqual(tookMs + 1);
      expect(await watch('many', 4)).toEqual([{ account: 'many', jobs: 20 }]);
    });

    it('is found without a look at anybody else’s jobs', async () => {
      const plan = await tracker.rows<{ 'QUERY PLAN': string }>(
        `EXPLAIN SELECT id FROM jobs WHERE account = 'claims' AND created_at > now() - interval '360 days'
           AND next_poll_at IS NULL AND closed_at IS NULL AND (terminal_at IS NULL OR NOT confirmed)
           AND (registered OR parent_job_id IS NULL) ORDER BY created_at DESC LIMIT 10`,
      );
      expect(JSON.stringify(plan)).toContain('jobs_unwatched');
    });
  });
});
