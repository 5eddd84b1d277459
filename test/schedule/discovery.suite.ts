import { startEmulator, type Api, type EmulatedJob, type Emulator } from '../../emulator/emulator.js';
import { burstOf } from '../../emulator/rate-limit.js';
import { SqlPool } from '../../src/database/sql-pool.js';
import { POLL_LANES } from '../../src/domain/poll-schedule.js';
import { Budgets } from '../../src/polling/budgets.js';
import { Discovery } from '../../src/polling/discovery.js';
import { newPass } from '../../src/polling/discovery-pass.js';
import { DiscoveryRows } from '../../src/polling/discovery-rows.js';
import { DueJobs } from '../../src/polling/due-jobs.js';
import { Poller } from '../../src/polling/poller.js';
import { CurrentSettings } from '../../src/settings/current-settings.js';
import type { Account } from '../../src/settings/settings.js';
import { Schedules } from '../../src/tracking/schedules.js';
import { VENDOR_APIS } from '../../src/vendors/registry.js';
import { eventually } from '../support/eventually.js';
import { CREDENTIALS, startTracker, testAccount, TOKEN, VENDOR_ACCOUNT, type TestTracker } from '../support/tracker.js';
import { startVendorGate, type VendorGate } from '../support/vendor-gate.js';

const IMAGE = 'alibaba-ims/dynamic-image';
const CONVERT = 'alibaba-ims/media-convert';
/** The APIs that can be listed. */
const LISTED = VENDOR_APIS.filter(({ listing }) => listing).map(({ name }) => name as Api);
const HOUR = 3_600_000;
const ONCE = { everyMs: HOUR, windowMs: 30 * 24 * HOUR };
/** With nearly every round. */
const OFTEN = { ...ONCE, everyMs: 50 };
/** Three pages of these hold 25 jobs. */
const SMALL_PAGES = { largestPage: 10 };
/** What the vendor says when it is asked too often. */
const THROTTLED = { status: 400, body: { Code: 'Throttling.User', Message: 'Request was denied.' } };

describe('looking for jobs that nobody announced', () => {
  let emulator: Emulator;
  let gate: VendorGate;
  let shared: TestTracker | null = null;
  const others: TestTracker[] = [];
  let name = '';
  let accountsMade = 0;

  // One program for all tests, each of which has an account, a vendor and jobs of its own.
  beforeEach(async () => {
    accountsMade += 1;
    name = `media-${accountsMade}`;
    emulator = await startEmulator({ seed: 46 + accountsMade, timeScale: 0.001, accounts: [VENDOR_ACCOUNT] });
    gate = await startVendorGate(emulator.url);
  });
  afterEach(async () => {
    for (const other of others.splice(0)) await other.stop();
    if (shared) await follow(shared, []);
    await gate.stop();
    await emulator.stop();
  });
  afterAll(() => shared?.stop());

  /** Slow enough that few calls leave at once: on a busy machine the last of many would be too late to be made. */
  const accountWith = (change: Partial<Account> = {}): Account =>
    testAccount(gate.url, { name, discover: ONCE, requestsPerSecond: 20, ...change });
  /** What a reload does, but for reading the file. */
  const follow = async (tracker: TestTracker, accounts: Account[]): Promise<void> => {
    const current = tracker.app.get(CurrentSettings);
    current.replace({ ...current.value, accounts });
    await tracker.app.get(Poller).reload();
  };
  /** The program with this account: it starts with the first one, and is told of the others. */
  const start = async (change: Partial<Account> = {}): Promise<TestTracker> => {
    const accounts = [accountWith(change)];
    if (shared) await follow(shared, accounts);
    else shared = await startTracker({ accounts });
    return shared;
  };
  /** One more program on the same database. */
  const startBeside = async (
    tracker: TestTracker,
    options: Partial<Parameters<typeof startTracker>[0]> = {},
  ): Promise<TestTracker> => {
    const other = await startTracker({ databaseUrl: tracker.databaseUrl, accounts: [accountWith()], ...options });
    others.push(other);
    return other;
  };
  const stop = async (other: TestTracker): Promise<void> => {
    others.splice(others.indexOf(other), 1);
    await other.stop();
  };
  /** As if the configuration had been read again. */
  const change = (tracker: TestTracker, account: Partial<Account>): Promise<void> =>
    follow(
      tracker,
      tracker.app.get(CurrentSettings).value.accounts.map((known) => ({ ...known, ...account })),
    );
  const submit = (api: Api, count: number): EmulatedJob[] =>
    Array.from({ length: count }, () => emulator.submit({ api, queueMs: 0, durationMs: 1, subjobs: 2 }));
  const register = async (tracker: TestTracker, jobs: EmulatedJob[]): Promise<void> => {
    const { body } = await tracker.post('/v1/jobs/batch', {
      jobs: jobs.map(({ api, vendorJobId }) => ({ account: name, api, vendorJobId, callbackExpected: false })),
    });
    expect(body.results.map(({ status }: { status: number }) => status)).toEqual(jobs.map(() => 201));
  };
  const statusesOf = async (tracker: TestTracker, jobs: EmulatedJob[]): Promise<Record<string, string>> => {
    const ids = jobs.map(({ vendorJobId }) => vendorJobId);
    const rows = await tracker.rows(
      `SELECT vendor_job_id, CASE WHEN confirmed THEN status ELSE 'unconfirmed' END AS status
       FROM jobs WHERE vendor_job_id = ANY ($1)`,
      [ids],
    );
    return Object.fromEntries(rows.map((row) => [row['vendor_job_id'], row['status']]));
  };
  const expectedOf = (jobs: EmulatedJob[]): Record<string, string> =>
    Object.fromEntries(jobs.map(({ vendorJobId, expectedStatus }) => [vendorJobId, expectedStatus]));
  const followed = async (tracker: TestTracker, jobs: EmulatedJob[]): Promise<void> => {
    expect(jobs.length).toBeGreaterThan(0);
    await eventually(async () => expect(await statusesOf(tracker, jobs)).toEqual(expectedOf(jobs)), { intervalMs: 50 });
  };
  const account = async (tracker: TestTracker): Promise<any> => (await tracker.get('/v1/accounts')).body.data[0];
  const discovery = async (tracker: TestTracker, api: string): Promise<any> =>
    (await account(tracker)).discovery.find((one: { api: string }) => one.api === api);
  /** Waits until an API has been listed to the end. */
  const listed = (tracker: TestTracker, api: string, expected: object = {}) =>
    eventually(async () =>
      expect(await discovery(tracker, api)).toMatchObject({
        state: 'waiting',
        finishedAt: expect.any(String),
        ...expected,
      }),
    );
  /** Lets a listing go on that waits after a failed call. */
  const hurry = (tracker: TestTracker, api: string) =>
    tracker.rows('UPDATE discoveries SET next_at = now() WHERE account = $1 AND api = $2', [name, api]);
  const callsOf = (action: string) => gate.calls.filter((call) => call.action === action);
  const listings = () => gate.calls.filter(({ action }) => action.startsWith('List'));

  it('finds the recent jobs of every kind at the start, and follows them to their end', async () => {
    expect(LISTED.length).toBeGreaterThanOrEqual(4);
    for (const api of LISTED) submit(api, 3);
    const tracker = await start();
    await followed(tracker, emulator.jobs());
    // The parts of a batch are listed as producing jobs of their own; they belong to it all the same.
    const whole = emulator.jobs().filter(({ parent }) => parent === undefined);
    expect(whole).toHaveLength(3 * LISTED.length);
    for (const { vendorJobId, api } of whole) {
      const job = await tracker.job(vendorJobId);
      expect(job).toMatchObject({ api, registered: false, confirmed: true, parentJobId: null });
      expect((await tracker.history(job.id))[0]).toMatchObject({ kind: 'job.registered', via: 'list' });
    }
    expect(
      await tracker.rows('SELECT count(*)::int AS jobs FROM jobs WHERE account = $1 AND parent_job_id IS NULL', [name]),
    ).toEqual([{ jobs: 3 * LISTED.length }]);
  });

  it('goes through as many pages as there are, and says how far it is', async () => {
    emulator.setFaults(SMALL_PAGES);
    const jobs = submit(IMAGE, 25);
    const tracker = await start();
    await listed(tracker, IMAGE, { pages: 3, listed: 25, found: 25, error: null });
    expect(callsOf('ListDynamicImageJobs')).toHaveLength(3);
    await listed(tracker, CONVERT, { pages: 1, listed: 0, found: 0 });
    await followed(tracker, jobs);
    const one = await discovery(tracker, IMAGE);
    expect(Date.parse(one.to) - Date.parse(one.from)).toBe(ONCE.windowMs);
    expect(Math.abs(Date.parse(one.nextAt) - Date.parse(one.finishedAt) - ONCE.everyMs)).toBeLessThan(1000);
    const metrics = (await tracker.get('/metrics')).text;
    expect(metrics).toContain(`callsheet_discovery_listed_total{account="${name}",api="${IMAGE}"} 25`);
    expect(metrics).toContain(`callsheet_discovery_found_total{account="${name}",api="${IMAGE}"} 25`);
  });

  it('doubles no job that was registered or called back before, or is registered afterwards', async () => {
    const [registered, called, ...others] = submit(IMAGE, 5) as [EmulatedJob, EmulatedJob, ...EmulatedJob[]];
    const tracker = await start({ discover: null });
    await register(tracker, [registered]);
    const body = { JobId: called.vendorJobId, Status: 'Success' };
    const event = { EventType: 'DynamicImageComplete', EventTime: '2026-11-21T07:00:00Z', MessageBody: body };
    const address = `${tracker.url}/callbacks/${name}/${TOKEN}`;
    expect((await tracker.callback(event, { address })).status).toBe(200);
    await eventually(async () => expect(Object.keys(await statusesOf(tracker, [registered, called]))).toHaveLength(2));

    await change(tracker, { discover: ONCE });
    await listed(tracker, IMAGE, { listed: 5, found: 3 });
    const all = [registered, called, ...others];
    await followed(tracker, all);
    const [found] = others as [EmulatedJob];
    const { api, vendorJobId } = found;
    const again = await tracker.post('/v1/jobs', { account: name, api, vendorJobId });
    expect(again).toMatchObject({ status: 200, body: { registered: true, confirmed: true } });
    expect(await tracker.rows('SELECT count(*)::int AS jobs FROM jobs WHERE account = $1', [name])).toEqual([
      { jobs: 5 },
    ]);
    expect(await tracker.job(registered.vendorJobId)).toMatchObject({ registered: true });
  });

  it('lists only what came since, and an hour more, once everything was listed', async () => {
    submit(IMAGE, 2);
    const tracker = await start();
    await listed(tracker, IMAGE, { listed: 2, found: 2 });
    const first = await discovery(tracker, IMAGE);
    const [later] = submit(IMAGE, 1) as [EmulatedJob];
    await change(tracker, { discover: OFTEN });
    await eventually(async () => expect(await tracker.job(later.vendorJobId)).toMatchObject({ confirmed: true }));
    await eventually(() => expect(callsOf('ListDynamicImageJobs').length).toBeGreaterThan(3));
    const asked = callsOf('ListDynamicImageJobs').map(({ query }) => query);
    expect(asked[0]?.['StartOfCreateTime']).toBe(seconds(first.from));
    expect(asked[1]?.['StartOfCreateTime']).toBe(seconds(Date.parse(first.to) - HOUR));
    expect(Date.parse(asked[1]?.['EndOfCreateTime'] ?? '')).toBeGreaterThanOrEqual(Date.parse(first.to));
  });

  it('keeps no page that names only jobs whose end is known', async () => {
    const jobs = submit(IMAGE, 2);
    const tracker = await start({ discover: OFTEN });
    const receipts = async () => {
      const [row] = await tracker.rows(
        `SELECT sum(seen)::int AS seen FROM receipt_keys k JOIN receipts r ON r.id = k.receipt_id
         WHERE r.via = 'list' AND r.account = $1`,
        [name],
      );
      return row?.['seen'];
    };
    await followed(tracker, jobs);
    const calls = callsOf('ListDynamicImageJobs').length;
    await eventually(() => expect(callsOf('ListDynamicImageJobs').length).toBeGreaterThan(calls));
    const kept = await receipts();
    expect(kept).toBeGreaterThan(0);
    await eventually(() => expect(callsOf('ListDynamicImageJobs').length).toBeGreaterThan(calls + 2));
    expect(await receipts()).toBe(kept);
  });

  it('goes on where a stopped process was, page by page', async () => {
    emulator.setFaults(SMALL_PAGES);
    submit(IMAGE, 25);
    const second = await start({ discover: null });
    gate.answer(({ query }) => (query['NextPageToken'] === undefined ? null : THROTTLED));
    const first = await startBeside(second);
    await eventually(() => expect(callsOf('ListDynamicImageJobs')).toHaveLength(2));
    await eventually(async () => expect(await discovery(first, IMAGE)).toMatchObject({ state: 'running', pages: 1 }));
    await stop(first);

    gate.answer(() => null);
    await change(second, { discover: ONCE });
    await listed(second, IMAGE, { pages: 3, listed: 25, found: 25 });
    const pages = callsOf('ListDynamicImageJobs').map(({ query }) => query['NextPageToken']);
    expect(pages).toHaveLength(4);
    expect(pages[2]).toBe(pages[1]);
  });

  it('leaves a page to the process that has it, until its lease is over', async () => {
    submit(IMAGE, 1);
    const tracker = await start({ discover: null });
    await tracker.rows(
      `INSERT INTO discoveries (account, api, lease, leased_until)
       VALUES ($1, $2, gen_random_uuid(), now() + interval '1 hour')`,
      [name, IMAGE],
    );
    await change(tracker, { discover: OFTEN });
    // Each of these rounds would have listed it as well.
    await eventually(() => expect(callsOf('ListMediaConvertJobs').length).toBeGreaterThan(5));
    expect(callsOf('ListDynamicImageJobs')).toEqual([]);
    await change(tracker, { discover: ONCE });
    const overAt = Date.now();
    await tracker.rows('UPDATE discoveries SET leased_until = now() WHERE account = $1 AND api = $2', [name, IMAGE]);
    await listed(tracker, IMAGE, { found: 1 });
    expect(callsOf('ListDynamicImageJobs')[0]?.at).toBeGreaterThanOrEqual(overAt);
  });

  it('is not moved by a process that comes back after its lease was over', async () => {
    const { app, rows } = await start({ discover: null });
    const discoveries = app.get(DiscoveryRows);
    const place = { account: name, api: IMAGE };
    await discoveries.ensure([place]);
    const claim = () => discoveries.claim({ ...place, limit: 20 }, ONCE.windowMs);
    const [slow, none] = [await claim(), await claim()];
    expect(slow).toMatchObject({ begins: true });
    expect(none).toBeNull();
    await rows('UPDATE discoveries SET leased_until = now() WHERE account = $1', [name]);
    const quick = await eventually(async () => {
      const taken = await claim();
      expect(taken).toMatchObject({ begins: false });
      return taken;
    });
    if (!slow || !quick) throw new Error('both had the page in hand');
    const pass = { ...newPass(null, ONCE.windowMs, new Date()), pages: 7 };
    const progress = { pass, ended: false, covered: null, failures: 0, error: null, waitMs: 0 };
    expect(await discoveries.keep(slow, progress)).toBe(false);
    const pages = () => rows('SELECT pages FROM discoveries WHERE account = $1', [name]);
    expect(await pages()).toEqual([{ pages: 0 }]);
    expect(await discoveries.keep(quick, progress)).toBe(true);
    expect(await pages()).toEqual([{ pages: 7 }]);
  });

  it('begins a pass anew when the vendor no longer knows its token', async () => {
    emulator.setFaults(SMALL_PAGES);
    submit(IMAGE, 25);
    gate.answer(({ query }) =>
      query['NextPageToken'] === undefined
        ? null
        : { status: 400, body: { Code: 'InvalidParameter', Message: 'NextPageToken is expired.' } },
    );
    const tracker = await start();
    await eventually(async () =>
      expect(await discovery(tracker, IMAGE)).toMatchObject({
        state: 'failed',
        pages: 0,
        error: { code: 'InvalidParameter', message: expect.stringContaining('NextPageToken is expired.') },
      }),
    );
    gate.answer(() => null);
    await hurry(tracker, IMAGE);
    await listed(tracker, IMAGE, { pages: 3, listed: 25, found: 25, error: null });
  });

  it('lets a throttled listing harm no look at a job', async () => {
    gate.answer(({ action }) => (action.startsWith('List') ? THROTTLED : null));
    const tracker = await start();
    // It waits until the rate, which the looks share, has grown back.
    const nextAt = await eventually(async () => {
      const [row] = await tracker.rows<{ next_at: Date }>(
        'SELECT next_at FROM discoveries WHERE account = $1 AND api = $2 AND lease IS NULL AND failures = 1',
        [name, CONVERT],
      );
      expect(row).toBeDefined();
      return row?.next_at.getTime() ?? 0;
    });
    expect(callsOf('ListMediaConvertJobs')).toHaveLength(1);
    expect(nextAt - (callsOf('ListMediaConvertJobs')[0]?.at ?? 0)).toBeGreaterThan(40_000);
    // A slow machine must not come to it before the looks are made.
    await tracker.rows(`UPDATE discoveries SET next_at = next_at + interval '1 hour' WHERE account = $1`, [name]);
    const jobs = submit(CONVERT, 10);
    await register(tracker, jobs);
    await followed(tracker, jobs);
    expect(callsOf('ListMediaConvertJobs')).toHaveLength(1);
    expect(await discovery(tracker, CONVERT)).toMatchObject({ state: 'running', pages: 0, error: null });
  });

  it('lets a forbidden listing harm neither looks nor other listings, and says so', async () => {
    emulator.setFaults({ forbiddenActions: ['ListMediaConvertJobs'] });
    submit(IMAGE, 1);
    const tracker = await start();
    await eventually(async () =>
      expect(await discovery(tracker, CONVERT)).toMatchObject({ state: 'failed', error: { code: 'Forbidden.RAM' } }),
    );
    await listed(tracker, IMAGE, { found: 1 });
    // These jobs are younger than the window of the listing that failed.
    await tracker.rows(
      `UPDATE discoveries SET window_from = window_from - interval '1 minute', window_to = window_to - interval '1 minute',
         span_to = span_to - interval '1 minute' WHERE account = $1 AND api = $2`,
      [name, CONVERT],
    );
    const jobs = submit(CONVERT, 2);
    await register(tracker, jobs);
    await followed(tracker, jobs);
    const { nextAt } = await discovery(tracker, CONVERT);
    expect(Date.parse(nextAt) - Date.now()).toBeGreaterThan(0.9 * HOUR);
    const { budgets } = await account(tracker);
    expect(budgets.length).toBeGreaterThan(0);
    expect(budgets.filter(({ paused }: { paused: unknown }) => paused !== null)).toEqual([]);
    const { status, body } = await tracker.get('/health/ready');
    expect(status).toBe(200);
    expect(body.degraded).toEqual([
      { account: name, api: CONVERT, kind: 'discovery', detail: expect.stringContaining('Forbidden.RAM') },
    ]);

    emulator.setFaults({ forbiddenActions: [] });
    await change(tracker, {});
    await listed(tracker, CONVERT, { listed: 2, found: 0, error: null });
    expect((await tracker.get('/health/ready')).body.degraded).toEqual([]);
  });

  it('keeps what is no page, and shows no secret of it', async () => {
    const { accessKeySecret } = CREDENTIALS;
    gate.answer(({ action }) => {
      if (action === 'ListMediaConvertJobs') return { status: 200, body: { Surprise: {} } };
      if (action !== 'ListDynamicImageJobs') return null;
      return { status: 400, body: { Code: 'InvalidParameter', Message: `not with ${accessKeySecret}` } };
    });
    const tracker = await start();
    await eventually(async () => {
      expect(await discovery(tracker, CONVERT)).toMatchObject({ state: 'failed', error: { code: 'NotAPage' } });
      expect(await discovery(tracker, IMAGE)).toMatchObject({
        error: { message: expect.stringContaining('not with ***') },
      });
    });
    const said = await tracker.rows(
      'SELECT error_message FROM discoveries WHERE account = $1 AND error_message IS NOT NULL',
      [name],
    );
    expect(said).toHaveLength(2);
    expect(JSON.stringify(said)).not.toContain(accessKeySecret);
    await eventually(async () => {
      const { body } = await tracker.get(`/v1/receipts?state=rejected&account=${name}`);
      expect(body.data).toEqual([expect.objectContaining({ api: CONVERT, via: 'list' })]);
    });
  });

  it('waits while jobs are due, and stays with them within the budget', async () => {
    const tracker = await start({ discover: null });
    const jobs = submit(CONVERT, 5);
    const ids = jobs.map(({ vendorJobId }) => vendorJobId);
    await register(tracker, jobs);
    await followed(tracker, jobs);
    const looks = () => callsOf('GetMediaConvertJob').map(({ query }) => query['JobId']);
    await tracker.app.get(SqlPool).transaction(async (client) => {
      // Ticks leave out what another transaction holds: these jobs are due and not asked about.
      await client.query('SELECT id FROM jobs WHERE vendor_job_id = ANY ($1) FOR KEY SHARE', [ids]);
      await tracker.rows('UPDATE jobs SET next_poll_at = now() WHERE vendor_job_id = ANY ($1)', [ids]);
      gate.calls.length = 0;
      await change(tracker, { discover: OFTEN });
      await eventually(() => expect(callsOf('ListDynamicImageJobs').length).toBeGreaterThan(5));
      expect(looks()).toEqual([]);
      expect(callsOf('ListMediaConvertJobs')).toEqual([]);
    });
    await eventually(() => expect(new Set(looks()).size).toBe(5));
    await eventually(() => expect(callsOf('ListMediaConvertJobs').length).toBeGreaterThan(3));

    await change(tracker, { discover: null });
    const LIMIT = 10;
    const granted = await grant(tracker, { limit: LIMIT, jobs: 40, seconds: 10 });
    expect(granted.filter(({ of }) => of === 'look')).toHaveLength(40);
    expect(granted.findIndex(({ of }) => of === 'listing')).toBe(40);
    expect(granted.length).toBeGreaterThan(40 + 3);
    const times = granted.map(({ at }) => at);
    expect(burstOf(times, LIMIT)).toBeLessThanOrEqual(LIMIT);
  });

  it('takes its calls out of the budget, however often it is told to list', async () => {
    const LIMIT = 3;
    const tracker = await start({ discover: null });
    const granted = await grant(tracker, { limit: LIMIT, jobs: 5, seconds: 20 });
    expect(granted.filter(({ of }) => of === 'look')).toHaveLength(5);
    expect(granted.filter(({ of }) => of === 'listing').length).toBeGreaterThan(6);
    const times = granted.map(({ at }) => at);
    expect(burstOf(times, LIMIT)).toBeLessThanOrEqual(LIMIT);
  });

  /**
   * What ticks and listings that are always due are given for so many jobs, in the order in which they are given it. Time passes in the
   * budget's row, a tenth of a second at once; `at` counts it in, in ms.
   */
  const grant = async (
    tracker: TestTracker,
    { limit, jobs, seconds }: { limit: number; jobs: number; seconds: number },
  ): Promise<{ of: 'look' | 'listing'; at: number }[]> => {
    // No account of the settings, so that no loop claims anything.
    const place = { account: `${name}-virtual`, api: CONVERT };
    const [dueJobs, rows] = [tracker.app.get(DueJobs), tracker.app.get(DiscoveryRows)];
    await tracker.app.get(Budgets).ensure([{ ...place, limit }]);
    await rows.ensure([place]);
    await tracker.rows(
      `INSERT INTO jobs (id, account, api, vendor_job_id, status, via, callback_expected, poll_lane, next_poll_at)
       SELECT gen_random_uuid(), $1, $2, $1 || n, 'queued', 'api', false, $3, now() FROM generate_series(1, $4::int) n`,
      [place.account, place.api, POLL_LANES.known, jobs],
    );
    const granted: { of: 'look' | 'listing'; at: number }[] = [];
    for (let passedMs = 0; passedMs < seconds * 1000; passedMs += 100) {
      await tracker.rows(
        `UPDATE budgets SET refilled_at = refilled_at - interval '100 milliseconds' WHERE account = $1`,
        [place.account],
      );
      const calls = await dueJobs.claim(place.account, place.api, 1);
      granted.push(...calls.map(({ departsAt }) => ({ of: 'look' as const, at: departsAt.getTime() + passedMs })));
      // Their answers need no further look.
      await tracker.rows('UPDATE jobs SET next_poll_at = NULL WHERE id = ANY ($1)', [
        calls.flatMap(({ jobs: asked }) => asked.map(({ id }) => id)),
      ]);
      const claim = await rows.claim({ ...place, limit }, ONCE.windowMs);
      if (!claim) continue;
      const { pass, covered } = claim;
      granted.push({ of: 'listing', at: pass.startedAt.getTime() + passedMs });
      await rows.keep(claim, { pass, ended: true, covered, failures: 0, error: null, waitMs: 0 });
    }
    return granted;
  };

  it('never lists without being told to, nor in a process that only answers', async () => {
    const tracker = await start({ discover: null });
    const rounds = counted(tracker.app.get(Discovery), 'round');
    await eventually(() => expect(rounds()).toBeGreaterThan(5));
    expect(listings()).toEqual([]);
    expect(await account(tracker)).toMatchObject({ discovery: null });

    const api = await startBeside(tracker, { role: 'api', intervals: { discovery: 10, profileRefresh: 100 } });
    const refreshed = counted(api.app.get(Schedules), 'refresh');
    await eventually(() => expect(refreshed()).toBeGreaterThan(5));
    expect(listings()).toEqual([]);
    expect(await discovery(api, IMAGE)).toEqual({
      api: IMAGE,
      state: 'waiting',
      from: null,
      to: null,
      pages: 0,
      listed: 0,
      found: 0,
      startedAt: null,
      finishedAt: null,
      nextAt: null,
      error: null,
    });
    await stop(api);

    // Once it is told to, everything is listed for the first time.
    await change(tracker, { discover: ONCE });
    for (const listing of LISTED) await listed(tracker, listing);
    expect(listings()).toHaveLength(LISTED.length);
  });
});

/** How often a method has come to its end from now on. */
function counted<Name extends string>(target: Record<Name, () => Promise<void>>, method: Name): () => number {
  const original = target[method].bind(target);
  let ended = 0;
  target[method] = async () => {
    await original();
    ended += 1;
  };
  return () => ended;
}

/** As the vendor writes a time. */
function seconds(time: string | number): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`;
}
