import { startEmulator, type Emulator } from '../../emulator/emulator.js';
import { POLL_LANES, type PollLane } from '../../src/domain/poll-schedule.js';
import { eventually } from '../support/eventually.js';
import { startTracker, VENDOR_ACCOUNT, type TestTracker } from '../support/tracker.js';
import { startVirtualPolling } from '../support/virtual-polling.js';

const PRODUCING = 'alibaba-ims/media-producing';
const CONVERT = 'alibaba-ims/media-convert';
const LIMIT = 20;

describe('looks that somebody waits for', () => {
  let emulator: Emulator;
  let tracker: TestTracker;

  beforeAll(async () => {
    emulator = await startEmulator({ seed: 53, accounts: [VENDOR_ACCOUNT] });
    tracker = await startTracker({ emulator, account: { requestsPerSecond: LIMIT } });
  });
  afterAll(async () => {
    await tracker.stop();
    await emulator.stop();
  });
  afterEach(async () => {
    await tracker.rows('TRUNCATE jobs CASCADE');
    emulator.requests.clear();
  });

  /** Jobs that the vendor does not know, named after their lane and overdue for an hour. */
  const makeOverdue = (
    lane: keyof typeof POLL_LANES,
    count: number,
    intervalMs: number | null = null,
    api = PRODUCING,
  ) =>
    tracker.rows(
      `INSERT INTO jobs (id, account, api, vendor_job_id, status, via, callback_expected, poll_lane, next_poll_at, poll_interval_ms)
       SELECT gen_random_uuid(), 'media-cn', $1, $2 || '-' || gen_random_uuid(), 'queued', 'manual', false, $3,
              now() - interval '1 hour', $5
       FROM generate_series(1, $4)`,
      [api, lane, POLL_LANES[lane] satisfies PollLane, count, intervalMs],
    );
  const looksAt = (prefix: string) =>
    emulator.requests.entries.filter(({ jobId }) => jobId.startsWith(prefix)).map(({ at }) => at);
  const laneOf = async (vendorJobId: string) =>
    (await tracker.rows('SELECT poll_lane FROM jobs WHERE vendor_job_id = $1', [vendorJobId]))[0]?.['poll_lane'];

  it('come before a backlog of an hour: a fresh callback, a user who asks', async () => {
    const [called, asked] = [0, 1].map(
      () => emulator.submit({ api: PRODUCING, queueMs: 0, durationMs: 60_000 }).vendorJobId,
    ) as [string, string];
    const ids: string[] = [];
    for (const vendorJobId of [called, asked]) {
      const { body } = await tracker.post('/v1/jobs', {
        account: 'media-cn',
        api: PRODUCING,
        vendorJobId,
        callbackExpected: true,
      });
      ids.push(body.id);
      await eventually(async () => expect(await tracker.job(vendorJobId)).toMatchObject({ status: 'running' }));
    }
    const backlog = 5000;
    await makeOverdue('known', backlog);
    await eventually(() => expect(looksAt('known').length).toBeGreaterThan(LIMIT));
    const MessageBody = { JobId: called, Status: 'Success' };
    await tracker.callback({ EventType: 'ProduceMediaComplete', EventTime: new Date().toISOString(), MessageBody });
    await tracker.post(`/v1/jobs/${ids[1]}/refresh`);
    for (const id of [called, asked]) {
      await eventually(() => expect(looksAt(id)).toHaveLength(2));
      // What has been answered is no longer urgent.
      await eventually(async () => expect(await laneOf(id)).toBe(POLL_LANES.known));
    }
    expect(looksAt('known').length).toBeLessThan(backlog / 2);
  });

  it('leave every fourth call to those that have waited long', async () => {
    const seconds = 100;
    const polling = await startVirtualPolling({ api: PRODUCING, limit: LIMIT });
    await polling.add('urgent', Array<number>(400).fill(-3_600_000));
    await polling.add('known', Array<number>(400).fill(-3_600_000));
    const calls = await polling.claimFor(seconds);
    await polling.stop();
    const [urgent = 0, known = 0] = (['urgent', 'known'] as const).map(
      (lane) => calls.filter(({ ids }) => ids[0]?.startsWith(lane)).length,
    );
    const both = urgent + known;
    expect(both).toBe(calls.length);
    expect(both).toBeGreaterThanOrEqual(LIMIT * seconds);
    expect(known).toBe(Math.floor(both / 4));
  });

  it('do not hide that others starve: who is overdue ten times its interval is told', async () => {
    // Another API than the one asked above: a late answer of its calls would end the pause.
    await tracker.rows(`UPDATE budgets SET paused_at = now(), probe_at = now() + interval '1 minute' WHERE api = $1`, [
      CONVERT,
    ]);
    await makeOverdue('known', 3, 5 * 60_000, CONVERT);
    await makeOverdue('found', 1, null, CONVERT);
    // An hour is not ten times an hour.
    await makeOverdue('known', 5, 3_600_000, CONVERT);
    await makeOverdue('unproven', 7, null, CONVERT);
    const metrics = async () => (await tracker.get('/metrics')).text;
    expect(await metrics()).toContain(`callsheet_jobs_overdue{account="media-cn",api="${CONVERT}"} 4`);
    expect(await metrics()).toContain(`callsheet_jobs_overdue{account="media-cn",api="${PRODUCING}"} 0`);
    const { body } = await tracker.get('/health/ready');
    expect(body).toMatchObject({ status: 'ready' });
    expect(body.degraded).toContainEqual({
      account: 'media-cn',
      api: CONVERT,
      kind: 'overdue',
      detail: '4 jobs have waited for ten times as long as planned',
    });
  });
});
