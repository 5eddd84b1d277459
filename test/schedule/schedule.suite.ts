import { startEmulator, type Api, type Emulator } from '../../emulator/emulator.js';
import { SqlPool } from '../../src/database/sql-pool.js';
import { LEVELS, startOf } from '../../src/domain/duration-profile.js';
import { pollIntervalMs } from '../../src/domain/poll-schedule.js';
import { Maintenance } from '../../src/operations/maintenance.js';
import { CallbackLoss } from '../../src/tracking/callback-loss.js';
import { Schedules } from '../../src/tracking/schedules.js';
import { eventually } from '../support/eventually.js';
import { startTracker, VENDOR_ACCOUNT, type TestTracker } from '../support/tracker.js';

const CONVERT = 'alibaba-ims/media-convert';
const PRODUCING = 'alibaba-ims/media-producing';
const MINUTE = 60;
const NEVER = 3_600_000;

/** A look that saw a job running: how old the job was then, and for how long the next look was put off. In seconds. */
type Look = { ageSeconds: number; inSeconds: number };

type Finished = {
  count: number;
  /** From and to, in seconds, evenly spread. */
  took: [number, number];
  api?: string;
  pipeline?: string | null;
  endedMinutesAgo?: number;
};

describe('the learned schedule', () => {
  let emulator: Emulator;
  let tracker: TestTracker;
  let made = 0;

  beforeAll(async () => {
    emulator = await startEmulator({ seed: 7, accounts: [VENDOR_ACCOUNT] });
    // Tests say when it learns.
    tracker = await startTracker({ emulator, intervals: { durationLearning: NEVER, profileRefresh: NEVER } });
  });
  afterAll(async () => {
    await tracker.stop();
    await emulator.stop();
  });
  // As a program that has just started on an empty database: it remembers nothing.
  beforeEach(async () => {
    await tracker.rows('DELETE FROM jobs');
    await tracker.rows('DELETE FROM job_receipts');
    await tracker.rows('DELETE FROM duration_profiles');
    const { app } = tracker;
    Object.assign(app.get(Schedules), new Schedules(app.get(SqlPool), app.get(CallbackLoss)));
  });

  /** Jobs that ended some time ago and took so long by the vendor's clock. */
  const finish = ({ count, took: [from, to], api = CONVERT, pipeline = null, endedMinutesAgo = 5 }: Finished) =>
    tracker.rows(
      `INSERT INTO jobs (id, account, api, vendor_job_id, status, confirmed, via, callback_expected, pipeline_id,
                         created_at, vendor_created_at, vendor_finished_at, terminal_at)
       SELECT gen_random_uuid(), 'media-cn', $1, 'finished-' || $2 || '-' || i, 'succeeded', true, 'poll', false, $3,
              began, began, began + took, began + took + interval '2 seconds'
       FROM generate_series(1, $4::int) i,
            LATERAL (SELECT make_interval(secs => $5 + ($6::float8 - $5) * (i - 0.5) / $4) AS took) t,
            LATERAL (SELECT now() - make_interval(mins => $7) - took AS began) b`,
      [api, ++made, pipeline, count, from, to, endedMinutesAgo],
    );
  /** What the upkeep does twice a minute, and every process once a minute. */
  const learn = async () => {
    await tracker.app.get(Maintenance).learnDurations();
    await tracker.app.get(Schedules).refresh();
  };
  const profiles = () =>
    tracker.rows(
      `SELECT account, api, recipe, cardinality(recent) AS jobs,
              quantiles[1] AS shortest, quantiles[${(LEVELS.length + 1) / 2}] AS median, quantiles[${LEVELS.length}] AS longest
       FROM duration_profiles ORDER BY account, api, recipe`,
    );
  /** Registers a job that runs for hours; what its first look came to, and the job. */
  const watch = async (change: { api?: Api; callbackExpected?: boolean } = {}) => {
    const { api = CONVERT, callbackExpected = false } = change;
    const { vendorJobId } = emulator.submit({ api, queueMs: 0, durationMs: 36_000_000 });
    const job = { account: 'media-cn', api, vendorJobId, callbackExpected };
    const { body } = await tracker.post('/v1/jobs', job);
    const pipeline = await eventually(async () => {
      const [row] = await tracker.rows(`SELECT pipeline_id FROM jobs WHERE id = $1 AND status = 'running'`, [body.id]);
      expect(row).toBeDefined();
      return row?.['pipeline_id'] as string;
    });
    return { ...(await lastLook(body.id)), pipeline, vendorJobId, id: body.id as string };
  };
  /** By the row, so that it does not matter how late the look was. */
  const lastLook = (id: string): Promise<Look> =>
    eventually(async () => {
      const [row] = await tracker.rows<{ due: Date; inMs: number; createdAt: Date; vendorCreatedAt: Date | null }>(
        `SELECT next_poll_at AS due, poll_interval_ms AS "inMs", created_at AS "createdAt", vendor_created_at AS "vendorCreatedAt"
         FROM jobs WHERE id = $1 AND poll_interval_ms IS NOT NULL`,
        [id],
      );
      if (!row) throw new Error('a look is under way');
      return {
        ageSeconds: (row.due.getTime() - row.inMs - startOf(row).getTime()) / 1000,
        inSeconds: row.inMs / 1000,
      };
    });
  const plainly = ({ ageSeconds }: Look, callbackExpected = false): number =>
    pollIntervalMs({ ageMs: ageSeconds * 1000, callbackExpected }) / 1000;
  /** The age at which a job is looked at next. */
  const nextAge = ({ ageSeconds, inSeconds }: Look): number => ageSeconds + inSeconds;

  it('looks as often as the plain curve says while nothing is known', async () => {
    await learn();
    const polled = await watch();
    expect(polled.inSeconds).toBeCloseTo(plainly(polled), 1);
    const calledBack = await watch({ callbackExpected: true });
    expect(calledBack.inSeconds).toBeCloseTo(plainly(calledBack, true), 1);
    expect(calledBack.inSeconds).toBeCloseTo(120, 0);
  });

  it('learns how long finished jobs took: of their recipe, of the API of their account, of the API', async () => {
    await finish({ count: 40, took: [600, 700], pipeline: 'slow' });
    await finish({ count: 40, took: [30, 50], pipeline: 'fast' });
    await finish({ count: 40, took: [5, 6], api: PRODUCING });
    await learn();
    const row = (account: string, api: string, recipe: string, jobs: number) =>
      expect.objectContaining({ account, api, recipe, jobs });
    expect(await profiles()).toEqual([
      row('', CONVERT, '', 80),
      row('', PRODUCING, '', 40),
      row('media-cn', CONVERT, '', 80),
      row('media-cn', CONVERT, 'fast', 40),
      row('media-cn', CONVERT, 'slow', 40),
      row('media-cn', PRODUCING, '', 40),
    ]);
    const slow = (await profiles()).find(({ recipe }) => recipe === 'slow')!;
    expect(slow['shortest']).toBeGreaterThan(600_000);
    expect(slow['median']).toBeGreaterThan(645_000);
    expect(slow['median']).toBeLessThan(655_000);
    expect(slow['longest']).toBeLessThan(702_000);
    // Each job once, however often the upkeep comes by.
    await learn();
    expect(await profiles()).toContainEqual(row('media-cn', CONVERT, 'slow', 40));
  });

  it('looks at a job when its like have ended, of its pipeline first, else of its API', async () => {
    await finish({ count: 40, took: [600, 700], pipeline: 'another' });
    await learn();
    const first = await watch();
    expect(nextAge(first)).toBeGreaterThan(10 * MINUTE - 2);
    expect(nextAge(first)).toBeLessThan(11 * MINUTE);
    await finish({ count: 40, took: [1800, 2000], pipeline: first.pipeline, endedMinutesAgo: 3 });
    await learn();
    const second = await watch();
    expect(second.pipeline).toBe(first.pipeline);
    expect(nextAge(second)).toBeGreaterThan(30 * MINUTE - 2);
    expect(nextAge(second)).toBeLessThan(32 * MINUTE);
    // Of another API nothing is known.
    const another = await watch({ api: PRODUCING });
    expect(another.inSeconds).toBeCloseTo(plainly(another), 1);
  });

  it('leaves a job to its callback until few of its like still ran', async () => {
    await finish({ count: 100, took: [600, 700] });
    await learn();
    const age = nextAge(await watch({ callbackExpected: true }));
    expect(age).toBeGreaterThan(640);
    expect(age).toBeLessThan(830);
  });

  it('asks at once about a job that is said to have no callback after all', async () => {
    const { vendorJobId, inSeconds } = await watch({ callbackExpected: true });
    expect(inSeconds).toBeGreaterThan(100);
    const again = await tracker.post('/v1/jobs', {
      account: 'media-cn',
      api: CONVERT,
      vendorJobId,
      callbackExpected: false,
    });
    expect(again).toMatchObject({ status: 200, body: { callbackExpected: false } });
    await eventually(() => expect(emulator.requests.where({ jobId: vendorJobId }).length).toBeGreaterThan(1));
  });

  it('follows when jobs begin to take longer', async () => {
    await finish({ count: 400, took: [600, 700], endedMinutesAgo: 10 });
    await learn();
    expect(nextAge(await watch())).toBeLessThan(700);
    await finish({ count: 400, took: [2400, 2800], endedMinutesAgo: 3 });
    await learn();
    expect((await profiles())[0]).toMatchObject({ jobs: 400, longest: expect.any(Number) });
    expect(nextAge(await watch())).toBeGreaterThan(2398);
  });

  it('takes what was observed where the vendor tells no usable times, and nothing where nothing was', async () => {
    await finish({ count: 30, took: [100, 100] });
    await tracker.rows('UPDATE jobs SET vendor_finished_at = vendor_created_at');
    await learn();
    expect(await profiles()).toEqual([]);
    // Seen unfinished after 80 s, and finished after 102 s.
    await tracker.rows(
      `INSERT INTO job_receipts (job_id, receipt_id, number, asked_at)
       SELECT id, gen_random_uuid(), n, vendor_created_at + make_interval(secs => CASE n WHEN 1 THEN 80 ELSE 101.9 END)
       FROM jobs, generate_series(1, 2) n`,
    );
    await learn();
    const [profile] = await profiles();
    expect(profile).toMatchObject({ jobs: 30 });
    expect(profile!['shortest']).toBeGreaterThanOrEqual(80_000);
    expect(profile!['longest']).toBeLessThanOrEqual(102_000);
    expect(profile!['longest'] - profile!['shortest']).toBeGreaterThan(5000);
  });

  it('believes no duration of the vendor that ends before a look that saw the job unfinished', async () => {
    await finish({ count: 30, took: [100, 100] });
    await tracker.rows(
      `INSERT INTO job_receipts (job_id, receipt_id, number, asked_at)
       SELECT id, gen_random_uuid(), n, vendor_created_at + make_interval(secs => CASE n WHEN 1 THEN 101.5 ELSE 101.9 END)
       FROM jobs, generate_series(1, 2) n`,
    );
    await learn();
    expect((await profiles())[0]!['shortest']).toBeGreaterThanOrEqual(101_500);
  });

  it('looks again at once, and soon after that, when a callback says that a job has ended', async () => {
    await finish({ count: 40, took: [6000, 7000] });
    await learn();
    const { vendorJobId, id, inSeconds } = await watch({ callbackExpected: true });
    expect(inSeconds).toBeGreaterThan(90 * MINUTE);
    const asked = () => emulator.requests.where({ jobId: vendorJobId }).length;
    const before = asked();
    const body = { EventType: 'MediaConvertComplete', MessageBody: { JobId: vendorJobId, State: 'Complete' } };
    expect((await tracker.callback(body)).status).toBe(200);
    await eventually(() => expect(asked()).toBeGreaterThan(before));
    // The vendor's answers lag behind: the next look is put off for seconds, not for hours.
    await eventually(async () => expect((await lastLook(id)).inSeconds).toBeLessThan(MINUTE));
    await tracker.rows('UPDATE jobs SET next_poll_at = now() WHERE id = $1', [id]);
    await eventually(() => expect(asked()).toBeGreaterThan(before + 1));
    expect(await tracker.rows('SELECT status FROM jobs WHERE id = $1', [id])).toEqual([{ status: 'running' }]);
  });
});
