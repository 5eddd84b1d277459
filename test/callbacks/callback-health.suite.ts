import { startEmulator, type Emulator } from '../../emulator/emulator.js';
import { Maintenance } from '../../src/operations/maintenance.js';
import { CallbackLoss } from '../../src/tracking/callback-loss.js';
import { eventually } from '../support/eventually.js';
import { startTracker, VENDOR_ACCOUNT, type TestTracker } from '../support/tracker.js';

const PRODUCING = 'alibaba-ims/media-producing';
const CONVERT = 'alibaba-ims/media-convert';
type Api = typeof PRODUCING | typeof CONVERT;

describe('callback health', () => {
  let emulator: Emulator;
  let tracker: TestTracker;

  beforeAll(async () => {
    emulator = await startEmulator({ seed: 91, accounts: [VENDOR_ACCOUNT] });
    // Counted and taken over when a test says so.
    tracker = await startTracker({
      emulator,
      intervals: { callbackCount: 3_600_000, callbackLossRefresh: 3_600_000 },
    });
  });
  afterAll(async () => {
    await tracker.stop();
    await emulator.stop();
  });

  /** A job that is running at the vendor for so long, and that the vendor will call back about on its own if `called`. */
  const submit = (api: Api, durationMs: number, called = false) =>
    emulator.submit({
      api,
      queueMs: 0,
      durationMs,
      outcome: 'succeeded',
      ...(called ? { notifyAddress: tracker.notifyAddress } : {}),
    }).vendorJobId;
  const register = (vendorJobId: string, api: Api, callbackExpected = true) =>
    tracker.post('/v1/jobs', { account: 'media-cn', api, vendorJobId, callbackExpected });
  const becomes = (vendorJobId: string, column: string) =>
    eventually(async () => {
      const [row] = await tracker.rows(`SELECT ${column} AS holds FROM jobs WHERE vendor_job_id = $1`, [vendorJobId]);
      expect(row).toEqual({ holds: true });
    });
  const isSeenRunning = (vendorJobId: string) => becomes(vendorJobId, `status = 'running' AND confirmed`);
  const isSeenEnded = (vendorJobId: string) => becomes(vendorJobId, `status = 'succeeded' AND confirmed`);
  const safetyLook = async (vendorJobId: string) => {
    await tracker.rows('UPDATE jobs SET next_poll_at = now() WHERE vendor_job_id = $1', [vendorJobId]);
    await isSeenEnded(vendorJobId);
  };
  const callBack = async (vendorJobId: string, EventType = 'ProduceMediaComplete') => {
    const body = { JobId: vendorJobId, Status: 'Success' };
    await tracker.callback({ EventType, EventTime: new Date().toISOString(), MessageBody: body });
    await becomes(
      vendorJobId,
      `EXISTS (SELECT FROM job_receipts j JOIN receipts r ON r.id = j.receipt_id WHERE j.job_id = jobs.id AND r.via = 'callback')`,
    );
  };
  const anHourPasses = async () => {
    await tracker.rows(
      `UPDATE jobs SET terminal_at = terminal_at - interval '1 hour', basis = CASE WHEN basis -> 'openAskedAt' IS NULL THEN basis
         ELSE (basis::jsonb || jsonb_build_object('openAskedAt', (basis ->> 'openAskedAt')::bigint - 3600000))::json END`,
    );
    await tracker.rows(`UPDATE job_receipts SET asked_at = asked_at - interval '1 hour'`);
  };
  const count = () => tracker.app.get(Maintenance).countCallbacks();
  const health = async (query = '') => (await tracker.get(`/v1/callback-health${query}`)).body;

  it('tells callbacks that came from those that came late and those that never came', async () => {
    const came = submit(PRODUCING, 700, true);
    const late = submit(PRODUCING, 700);
    const lost = submit(PRODUCING, 700);
    const ofAnOutput = submit(CONVERT, 3_600_000);
    const notExpected = submit(PRODUCING, 700);
    const unannounced = submit(PRODUCING, 700, true);
    for (const id of [came, late, lost]) await register(id, PRODUCING);
    await register(ofAnOutput, CONVERT);
    await register(notExpected, PRODUCING, false);
    await isSeenRunning(ofAnOutput);
    // An output's callback is not the job's: the look that it causes finds the job still running.
    const looks = () => emulator.requests.where({ jobId: ofAnOutput }).length;
    const before = looks();
    await callBack(ofAnOutput, 'MediaConvertOutputComplete');
    await eventually(() => expect(looks()).toBeGreaterThan(before));
    await becomes(
      ofAnOutput,
      `(basis ->> 'openAskedAt')::float8 / 1000 > (
         SELECT extract(epoch FROM max(j.asked_at)) FROM job_receipts j JOIN receipts r ON r.id = j.receipt_id
         WHERE j.job_id = jobs.id AND r.via = 'callback'
       )`,
    );

    for (const id of [came, unannounced]) await isSeenEnded(id);
    await safetyLook(late);
    await callBack(late);
    await safetyLook(lost);
    await safetyLook(notExpected);
    Object.assign(emulator.job(ofAnOutput)?.life ?? {}, { endsAt: Date.now() });
    await safetyLook(ofAnOutput);

    await count();
    expect(await health()).toEqual({ data: [], nextCursor: null });
    await anHourPasses();
    await Promise.all([count(), count(), count()]);
    await count();
    const { data } = await health(`?api=${PRODUCING}`);
    expect(data).toMatchObject([
      {
        account: 'media-cn',
        due: 3,
        late: 1,
        lost: 1,
        share: 1 / 3,
        interval: [expect.closeTo(0.061), expect.closeTo(0.792)],
      },
    ]);
    expect((await health(`?api=${CONVERT}`)).data).toMatchObject([{ due: 1, late: 0, lost: 1, share: 1 }]);
  });

  it('goes through many jobs once each, however many count', async () => {
    await tracker.rows('TRUNCATE callback_health');
    await tracker.rows(`UPDATE upkeep_cursors SET terminal_at = now() - interval '1 day'`);
    await tracker.rows('TRUNCATE jobs CASCADE');
    // 700 at one moment: the id goes on where the time does not.
    await tracker.rows(
      `INSERT INTO jobs (id, account, api, vendor_job_id, status, via, callback_expected, registered, confirmed, terminal_at)
       SELECT gen_random_uuid(), 'media-cn', $1, 'ended-' || i, 'failed', 'poll', true, true, true,
              date_trunc('hour', now()) - make_interval(hours => 1, mins => CASE WHEN i > 700 THEN i % 100 ELSE 0 END)
       FROM generate_series(1, 1700) AS i`,
      [PRODUCING],
    );
    await Promise.all([count(), count()]);
    await count();
    const { data } = await health();
    expect(data.map(({ due, lost }: { due: number; lost: number }) => [due, lost])).toEqual([
      [710, 710],
      [600, 600],
      [390, 390],
    ]);
    const [first] = data;
    const { data: pages, nextCursor } = await health('?limit=1');
    expect(pages).toEqual([first]);
    expect((await health(`?limit=1&cursor=${nextCursor}`)).data).toEqual([data[1]]);
    expect((await health(`?from=${data[1].hour}&to=${first.hour}&account=media-cn`)).data).toEqual([data[1]]);
    expect((await health('?account=nobody')).data).toEqual([]);
  });

  it('says how many of the callbacks now due to reckon with', async () => {
    const loss = tracker.app.get(CallbackLoss);
    expect(loss.of('media-cn', CONVERT)).toBeCloseTo(0.01);
    await loss.refresh();
    expect(loss.of('media-cn', PRODUCING)).toBeGreaterThan(0.98);
    expect((await tracker.get('/metrics')).text).toMatch(
      /callsheet_callback_loss_ratio\{account="media-cn",api="alibaba-ims\/media-producing"\} 0\.98/,
    );
    await tracker.rows(`UPDATE callback_health SET hour = hour - interval '7 hours'`);
    await loss.refresh();
    expect(loss.of('media-cn', PRODUCING)).toBeCloseTo(0.01);
  });
});
