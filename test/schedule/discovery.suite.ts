import { startEmulator, type Api, type EmulatedJob, type Emulator } from '../../emulator/emulator.js';
import { burstOf } from '../../emulator/rate-limit.js';
import { newPass } from '../../src/polling/discovery-pass.js';
import { DiscoveryRows } from '../../src/polling/discovery-rows.js';
import { CurrentSettings } from '../../src/settings/current-settings.js';
import type { Account } from '../../src/settings/settings.js';
import { VENDOR_APIS } from '../../src/vendors/registry.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { CREDENTIALS, startTracker, testAccount, VENDOR_ACCOUNT, type TestTracker } from '../support/tracker.js';
import { startVendorGate, type VendorGate } from '../support/vendor-gate.js';

const IMAGE = 'alibaba-ims/dynamic-image';
const CONVERT = 'alibaba-ims/media-convert';
/** The APIs that can be listed. */
const LISTED = VENDOR_APIS.filter(({ listing }) => listing).map(({ name }) => name as Api);
const HOUR = 3_600_000;
const ONCE = { everyMs: HOUR, windowMs: 30 * 24 * HOUR };
const OFTEN = { ...ONCE, everyMs: 300 };
/** What the vendor says when it is asked too often. */
const THROTTLED = { status: 400, body: { Code: 'Throttling.User', Message: 'Request was denied.' } };

describe('looking for jobs that nobody announced', () => {
  let emulator: Emulator;
  let gate: VendorGate;
  let database: TestDatabase;
  const trackers: TestTracker[] = [];

  beforeEach(async () => {
    emulator = await startEmulator({ seed: 47, timeScale: 0.001, accounts: [VENDOR_ACCOUNT] });
    gate = await startVendorGate(emulator.url);
    database = await createTestDatabase();
  });
  afterEach(async () => {
    await Promise.all(trackers.splice(0).map((tracker) => tracker.stop()));
    await gate.stop();
    await emulator.stop();
    await database.drop();
  });

  const start = async (account: Partial<Account> = {}): Promise<TestTracker> => {
    const accounts = [testAccount(gate.url, { discover: ONCE, ...account })];
    const tracker = await startTracker({ databaseUrl: database.url, accounts });
    trackers.push(tracker);
    return tracker;
  };
  const stop = async (tracker: TestTracker): Promise<void> => {
    trackers.splice(trackers.indexOf(tracker), 1);
    await tracker.stop();
  };
  /** As if the configuration had been read again. */
  const change = (tracker: TestTracker, account: Partial<Account>): void => {
    const current = tracker.app.get(CurrentSettings);
    const accounts = current.value.accounts.map((known) => ({ ...known, ...account }));
    current.replace({ ...current.value, accounts });
  };
  const submit = (api: Api, count: number): EmulatedJob[] =>
    Array.from({ length: count }, () => emulator.submit({ api, queueMs: 0, durationMs: 1 }));
  const register = async (tracker: TestTracker, jobs: EmulatedJob[]): Promise<void> => {
    const { body } = await tracker.post('/v1/jobs/batch', {
      jobs: jobs.map(({ api, vendorJobId }) => ({ account: 'media-cn', api, vendorJobId, callbackExpected: false })),
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
  const account = async (tracker: TestTracker): Promise<any> => (await tracker.get('/v1/accounts')).body.data[0];
  const discovery = async (tracker: TestTracker, api: string): Promise<any> =>
    (await account(tracker)).discovery.find((one: { api: string }) => one.api === api);
  /** Waits until an API has been listed to the end. */
  const listed = (tracker: TestTracker, api: string, expected: object = {}) =>
    eventually(
      async () =>
        expect(await discovery(tracker, api)).toMatchObject({
          state: 'waiting',
          finishedAt: expect.any(String),
          ...expected,
        }),
      { timeoutMs: 40_000 },
    );
  const callsOf = (action: string) => gate.calls.filter((call) => call.action === action);
  const listings = () => gate.calls.filter(({ action }) => action.startsWith('List'));

  it('finds the recent jobs of every kind at the start, and follows them to their end', async () => {
    expect(LISTED.length).toBeGreaterThanOrEqual(4);
    for (const api of LISTED) submit(api, 3);
    const tracker = await start();
    await eventually(
      async () => expect(await statusesOf(tracker, emulator.jobs())).toEqual(expectedOf(emulator.jobs())),
      { timeoutMs: 40_000 },
    );
    // The parts of a batch are listed as producing jobs of their own; they belong to it all the same.
    for (const { vendorJobId, api } of emulator.jobs().filter(({ parent }) => parent === undefined)) {
      const job = await tracker.job(vendorJobId);
      expect(job).toMatchObject({ api, registered: false, confirmed: true, parentJobId: null });
      expect((await tracker.history(job.id))[0]).toMatchObject({ kind: 'job.registered', via: 'list' });
    }
    expect(await tracker.rows('SELECT count(*)::int AS jobs FROM jobs WHERE parent_job_id IS NULL')).toEqual([
      { jobs: 3 * LISTED.length },
    ]);
  });

  it('goes through as many pages as there are, and says how far it is', async () => {
    const jobs = submit(IMAGE, 250);
    const tracker = await start();
    await listed(tracker, IMAGE, { pages: 3, listed: 250, found: 250, error: null });
    expect(callsOf('ListDynamicImageJobs')).toHaveLength(3);
    await listed(tracker, CONVERT, { pages: 1, listed: 0, found: 0 });
    await eventually(async () => expect(await statusesOf(tracker, jobs)).toEqual(expectedOf(jobs)), {
      timeoutMs: 40_000,
    });
    const one = await discovery(tracker, IMAGE);
    expect(Date.parse(one.to) - Date.parse(one.from)).toBe(ONCE.windowMs);
    expect(Math.abs(Date.parse(one.nextAt) - Date.parse(one.finishedAt) - ONCE.everyMs)).toBeLessThan(1000);
    const metrics = (await tracker.get('/metrics')).text;
    expect(metrics).toContain(`callsheet_discovery_listed_total{account="media-cn",api="${IMAGE}"} 250`);
    expect(metrics).toContain(`callsheet_discovery_found_total{account="media-cn",api="${IMAGE}"} 250`);
  }, 90_000);

  it('doubles no job that was registered or called back before, or is registered afterwards', async () => {
    const [registered, called, ...others] = submit(IMAGE, 5) as [EmulatedJob, EmulatedJob, ...EmulatedJob[]];
    const tracker = await start({ discover: null });
    await register(tracker, [registered]);
    const body = { JobId: called.vendorJobId, Status: 'Success' };
    const event = { EventType: 'DynamicImageComplete', EventTime: '2026-11-21T07:00:00Z', MessageBody: body };
    expect((await tracker.callback(event)).status).toBe(200);
    await eventually(async () => expect(Object.keys(await statusesOf(tracker, [registered, called]))).toHaveLength(2));

    change(tracker, { discover: ONCE });
    await listed(tracker, IMAGE, { listed: 5, found: 3 });
    const all = [registered, called, ...others];
    await eventually(async () => expect(await statusesOf(tracker, all)).toEqual(expectedOf(all)));
    const [found] = others as [EmulatedJob];
    const { api, vendorJobId } = found;
    const again = await tracker.post('/v1/jobs', { account: 'media-cn', api, vendorJobId });
    expect(again).toMatchObject({ status: 200, body: { registered: true, confirmed: true } });
    expect(await tracker.rows('SELECT count(*)::int AS jobs FROM jobs')).toEqual([{ jobs: 5 }]);
    expect(await tracker.job(registered.vendorJobId)).toMatchObject({ registered: true });
  });

  it('lists only what came since, and an hour more, once everything was listed', async () => {
    submit(IMAGE, 2);
    const tracker = await start();
    await listed(tracker, IMAGE, { listed: 2, found: 2 });
    const first = await discovery(tracker, IMAGE);
    const [later] = submit(IMAGE, 1) as [EmulatedJob];
    change(tracker, { discover: OFTEN });
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
      const [row] =
        await tracker.rows(`SELECT sum(seen)::int AS seen FROM receipt_keys k JOIN receipts r ON r.id = k.receipt_id
                                        WHERE r.via = 'list'`);
      return row?.['seen'];
    };
    await eventually(async () => expect(await statusesOf(tracker, jobs)).toEqual(expectedOf(jobs)));
    const calls = callsOf('ListDynamicImageJobs').length;
    await eventually(() => expect(callsOf('ListDynamicImageJobs').length).toBeGreaterThan(calls));
    const kept = await receipts();
    expect(kept).toBeGreaterThan(0);
    await eventually(() => expect(callsOf('ListDynamicImageJobs').length).toBeGreaterThan(calls + 2));
    expect(await receipts()).toBe(kept);
  });

  it('goes on where a stopped process was, page by page', async () => {
    submit(IMAGE, 250);
    gate.answer(({ query }) => (query['NextPageToken'] === undefined ? null : THROTTLED));
    const first = await start();
    await eventually(async () => expect(await discovery(first, IMAGE)).toMatchObject({ state: 'running', pages: 1 }));
    await eventually(() => expect(callsOf('ListDynamicImageJobs')).toHaveLength(2));
    await stop(first);

    gate.answer(() => null);
    const second = await start();
    await second.rows('UPDATE discoveries SET next_at = now()');
    await listed(second, IMAGE, { pages: 3, listed: 250, found: 250 });
    const pages = callsOf('ListDynamicImageJobs').map(({ query }) => query['NextPageToken']);
    expect(pages).toHaveLength(4);
    expect(pages[2]).toBe(pages[1]);
  }, 90_000);

  it('leaves a page to the process that has it, until its lease is over', async () => {
    submit(IMAGE, 1);
    const tracker = await start({ discover: null });
    await tracker.rows(
      `INSERT INTO discoveries (account, api, lease, leased_until)
       VALUES ('media-cn', $1, gen_random_uuid(), now() + interval '4 seconds')`,
      [IMAGE],
    );
    const leased = Date.now();
    change(tracker, { discover: ONCE });
    await listed(tracker, CONVERT);
    expect(callsOf('ListDynamicImageJobs')).toEqual([]);
    await listed(tracker, IMAGE, { found: 1 });
    expect((callsOf('ListDynamicImageJobs')[0]?.at ?? 0) - leased).toBeGreaterThan(3_900);
  });

  it('is not moved by a process that comes back after its lease was over', async () => {
    const { app, rows } = await start({ discover: null });
    const discoveries = app.get(DiscoveryRows);
    const place = { account: 'media-cn', api: IMAGE };
    await discoveries.ensure([place]);
    const claim = () => discoveries.claim({ ...place, limit: 100 }, ONCE.windowMs);
    const [slow, none] = [await claim(), await claim()];
    expect(slow).toMatchObject({ begins: true });
    expect(none).toBeNull();
    await rows(`UPDATE discoveries SET leased_until = now()`);
    const quick = await eventually(async () => {
      const taken = await claim();
      expect(taken).toMatchObject({ begins: false });
      return taken;
    });
    if (!slow || !quick) throw new Error('both had the page in hand');
    const pass = { ...newPass(null, ONCE.windowMs, new Date()), pages: 7 };
    const progress = { pass, ended: false, covered: null, failures: 0, error: null, waitMs: 0 };
    expect(await discoveries.keep(slow, progress)).toBe(false);
    expect(await rows('SELECT pages FROM discoveries')).toEqual([{ pages: 0 }]);
    expect(await discoveries.keep(quick, progress)).toBe(true);
    expect(await rows('SELECT pages FROM discoveries')).toEqual([{ pages: 7 }]);
  });

  it('begins a pass anew when the vendor no longer knows its token', async () => {
    submit(IMAGE, 250);
    let refused = 0;
    gate.answer(({ query }) => {
      if (query['NextPageToken'] === undefined || refused > 0) return null;
      refused++;
      return { status: 400, body: { Code: 'InvalidParameter', Message: 'NextPageToken is expired.' } };
    });
    const tracker = await start();
    await eventually(async () =>
      expect(await discovery(tracker, IMAGE)).toMatchObject({
        state: 'failed',
        pages: 0,
        error: { code: 'InvalidParameter', message: expect.stringContaining('NextPageToken is expired.') },
      }),
    );
    await listed(tracker, IMAGE, { pages: 3, listed: 250, found: 250, error: null });
  }, 90_000);

  it('lets a throttled listing harm no look at a job', async () => {
    gate.answer(({ action }) => (action.startsWith('List') ? THROTTLED : null));
    const tracker = await start({ requestsPerSecond: 20 });
    await eventually(() => expect(callsOf('ListMediaConvertJobs')).toHaveLength(1));
    const jobs = submit(CONVERT, 10);
    await register(tracker, jobs);
    await eventually(async () => expect(await statusesOf(tracker, jobs)).toEqual(expectedOf(jobs)));
    // It waits until the rate, which the looks share, has grown back.
    expect(callsOf('ListMediaConvertJobs')).toHaveLength(1);
    expect(await discovery(tracker, CONVERT)).toMatchObject({ state: 'running', pages: 0, error: null });
    const [row] = await tracker.rows(
      `SELECT next_at > now() + interval '40 seconds' AS far FROM discoveries WHERE api = $1`,
      [CONVERT],
    );
    expect(row).toEqual({ far: true });
  });

  it('lets a forbidden listing harm neither looks nor other listings, and says so', async () => {
    emulator.setFaults({ forbiddenActions: ['ListMediaConvertJobs'] });
    submit(IMAGE, 1);
    const tracker = await start();
    await eventually(async () =>
      expect(await discovery(tracker, CONVERT)).toMatchObject({ state: 'failed', error: { code: 'Forbidden.RAM' } }),
    );
    await listed(tracker, IMAGE, { found: 1 });
    // Times of a listing are whole seconds: these jobs are younger than the window of the listing that failed.
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const jobs = submit(CONVERT, 2);
    await register(tracker, jobs);
    await eventually(async () => expect(await statusesOf(tracker, jobs)).toEqual(expectedOf(jobs)));
    const { nextAt } = await discovery(tracker, CONVERT);
    expect(Date.parse(nextAt) - Date.now()).toBeGreaterThan(0.9 * HOUR);
    const { budgets } = await account(tracker);
    expect(budgets.filter(({ paused }: { paused: unknown }) => paused !== null)).toEqual([]);
    const { status, body } = await tracker.get('/health/ready');
    expect(status).toBe(200);
    expect(body.degraded).toEqual([
      { account: 'media-cn', api: CONVERT, kind: 'discovery', detail: expect.stringContaining('Forbidden.RAM') },
    ]);

    emulator.setFaults({ forbiddenActions: [] });
    change(tracker, {});
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
    const said = await tracker.rows('SELECT error_message FROM discoveries WHERE error_message IS NOT NULL');
    expect(JSON.stringify(said)).not.toContain(accessKeySecret);
    await eventually(async () => {
      const { body } = await tracker.get('/v1/receipts?state=rejected');
      expect(body.data).toEqual([expect.objectContaining({ api: CONVERT, via: 'list' })]);
    });
  });

  it('waits while jobs are due, and stays with them within the budget', async () => {
    const LIMIT = 10;
    const tracker = await start({ discover: null, requestsPerSecond: LIMIT });
    const jobs = submit(CONVERT, 40);
    await register(tracker, jobs);
    change(tracker, { discover: OFTEN });
    await listed(tracker, IMAGE);
    await eventually(() => expect(callsOf('ListMediaConvertJobs').length).toBeGreaterThan(3), { timeoutMs: 40_000 });
    const looks = callsOf('GetMediaConvertJob');
    expect(new Set(looks.map(({ query }) => query['JobId'])).size).toBe(40);
    expect(callsOf('ListMediaConvertJobs')[0]?.at).toBeGreaterThan(looks[39]?.at ?? 0);
    const times = [...looks, ...callsOf('ListMediaConvertJobs')].map(({ at }) => at);
    expect(burstOf(times, LIMIT)).toBeLessThanOrEqual(LIMIT);
  }, 90_000);

  it('takes its calls out of the budget, however often it is told to list', async () => {
    const LIMIT = 3;
    const jobs = submit(IMAGE, 5);
    const tracker = await start({ discover: { ...ONCE, everyMs: 0 }, requestsPerSecond: LIMIT });
    await eventually(async () => expect(await statusesOf(tracker, jobs)).toEqual(expectedOf(jobs)));
    await eventually(() => expect(callsOf('ListDynamicImageJobs').length).toBeGreaterThan(6));
    const times = gate.calls.filter(
      ({ action }) => action.endsWith('DynamicImageJob') || action.endsWith('DynamicImageJobs'),
    );
    expect(
      burstOf(
        times.map(({ at }) => at),
        LIMIT,
      ),
    ).toBeLessThanOrEqual(LIMIT);
  });

  it('never lists without being told to, nor in a process that only answers', async () => {
    const tracker = await start({ discover: null });
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(listings()).toEqual([]);
    expect(await account(tracker)).toMatchObject({ discovery: null });
    await stop(tracker);

    const accounts = [testAccount(gate.url, { discover: ONCE })];
    const api = await startTracker({ databaseUrl: database.url, accounts, role: 'api' });
    trackers.push(api);
    await new Promise((resolve) => setTimeout(resolve, 2_500));
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
  });
});

/** As the vendor writes a time. */
function seconds(time: string | number): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`;
}
