import { startEmulator, type Emulator } from '../../emulator/emulator.js';
import { burstOf } from '../../emulator/rate-limit.js';
import { DEFAULT_INTERVALS } from '../../src/loops/intervals.js';
import { eventually } from '../support/eventually.js';
import { pollTicks } from '../support/poll-ticks.js';
import { startWorkerBeside } from '../support/second-worker.js';
import { startTracker, testAccount, VENDOR_ACCOUNT, type TestTracker } from '../support/tracker.js';

const CONVERT = 'alibaba-ims/media-convert';
const PRODUCING = 'alibaba-ims/media-producing';

describe('asking the vendor', () => {
  let emulator: Emulator;
  let tracker: TestTracker;
  const LIMIT = 20;
  // As in production, since late calls that leave in a heap exceed the budget.
  const intervals = { callLateness: DEFAULT_INTERVALS.callLateness };

  beforeAll(async () => {
    emulator = await startEmulator({ seed: 31, timeScale: 0.01, accounts: [VENDOR_ACCOUNT] });
    tracker = await startTracker({ emulator, account: { requestsPerSecond: LIMIT }, intervals });
  });
  afterAll(async () => {
    await tracker.stop();
    await emulator.stop();
  });
  afterEach(() => emulator.setFaults({ refuseKeys: [], forbiddenActions: [], throttled: 0 }));

  const register = async (jobs: { vendorJobId: string; api: string }[]): Promise<string[]> => {
    const { body } = await tracker.post('/v1/jobs/batch', {
      jobs: jobs.map(({ api, vendorJobId }) => ({ account: 'media-cn', api, vendorJobId, callbackExpected: false })),
    });
    return body.results.map(({ job }: { job: { id: string } }) => job.id);
  };
  const statusesOf = async (ids: string[]) =>
    (await tracker.rows('SELECT status FROM jobs WHERE id = ANY ($1)', [ids])).map(({ status }) => status as string);
  const budgetOf = async (api: string) => {
    const { data } = (await tracker.get('/v1/accounts')).body;
    return data[0].budgets.find((budget: { api: string }) => budget.api === api);
  };

  /** Changes a job that is not in the middle of a look: one that is claimed has no interval. */
  const afterFailure = (id: string, change: string, when: string) =>
    tracker.rows(
      `UPDATE jobs SET ${change} WHERE id = $1 AND poll_failures > 0 AND poll_interval_ms IS NOT NULL AND ${when} RETURNING id`,
      [id],
    );

  it('never asks more often than the budget allows, with two workers on one backlog', async () => {
    const second = await startWorkerBeside(
      tracker,
      [testAccount(emulator.url, { requestsPerSecond: LIMIT })],
      intervals,
    );
    const jobs = Array.from({ length: 40 }, () => emulator.submit({ api: CONVERT, queueMs: 0, durationMs: 1 }));
    const ids = await register(jobs);
    await eventually(async () => expect((await statusesOf(ids)).filter((status) => status === 'queued')).toEqual([]), {
      intervalMs: 100,
    });
    await second.stop();
    const asked = await tracker.rows<{ asked_at: Date }>('SELECT asked_at FROM job_receipts WHERE job_id = ANY ($1)', [
      ids,
    ]);
    expect(asked).toHaveLength(jobs.length);
    const times = asked.map(({ asked_at: at }) => at.getTime());
    // Over every window: limit × t, plus one second of it. By the clock of the budget, because a busy machine hands on late.
    expect(burstOf(times, LIMIT)).toBeLessThanOrEqual(LIMIT);
    // Nothing was asked twice by two workers within one due time.
    for (const { vendorJobId } of jobs) expect(emulator.requests.where({ jobId: vendorJobId })).toHaveLength(1);
  });

  it('pauses an account whose key the vendor refuses, says so, and goes on when the key is right again', async () => {
    emulator.setFaults({ refuseKeys: [VENDOR_ACCOUNT.accessKeyId] });
    const [id = ''] = await register([emulator.submit({ api: PRODUCING, queueMs: 0, durationMs: 1 })]);
    await eventually(async () => {
      for (const api of [PRODUCING, CONVERT]) {
        expect(await budgetOf(api)).toMatchObject({
          paused: { code: 'InvalidAccessKeyId.NotFound', scope: 'account' },
        });
      }
    });
    expect((await tracker.get('/health/ready')).text).toContain('InvalidAccessKeyId.NotFound');
    const metrics = (await tracker.get('/metrics')).text;
    for (const api of [PRODUCING, CONVERT])
      expect(metrics).toContain(`callsheet_budget_paused{account="media-cn",api="${api}"} 1`);
    // No probe meanwhile, and the job is due.
    await tracker.rows(`UPDATE budgets SET probe_at = now() + interval '1 hour'`);
    await pollTicks(tracker, 'media-cn', 1);
    await tracker.rows(`UPDATE jobs SET next_poll_at = now() WHERE id = $1`, [id]);
    const asked = emulator.requests.total;
    await pollTicks(tracker, 'media-cn', 5);
    expect(emulator.requests.total).toBe(asked);
    expect(await statusesOf([id])).toEqual(['queued']);

    // It recovers though nothing is due that a call could be about.
    await tracker.rows(`UPDATE jobs SET next_poll_at = now() + interval '1 hour' WHERE id = $1`, [id]);
    emulator.setFaults({ refuseKeys: [] });
    // A minute later, as far as the budget knows.
    await tracker.rows(`UPDATE budgets SET probe_at = now()`);
    await eventually(async () => {
      for (const api of [PRODUCING, CONVERT]) expect(await budgetOf(api)).toMatchObject({ paused: null });
    });
    expect((await tracker.get('/health/ready')).body.degraded).toEqual([]);
    expect(await statusesOf([id])).toEqual(['queued']);
    await tracker.post(`/v1/jobs/${id}/refresh`);
    await eventually(async () => expect(await statusesOf([id])).not.toEqual(['queued']));
  });

  it('pauses only the API that is forbidden', async () => {
    emulator.setFaults({ forbiddenActions: ['GetMediaProducingJob'] });
    const [forbidden = '', allowed = ''] = await register([
      emulator.submit({ api: PRODUCING, queueMs: 0, durationMs: 1, outcome: 'succeeded' }),
      emulator.submit({ api: CONVERT, queueMs: 0, durationMs: 1, outcome: 'succeeded' }),
    ]);
    await eventually(async () => expect(await budgetOf(PRODUCING)).toMatchObject({ paused: { scope: 'api' } }));
    await eventually(async () => expect(await statusesOf([allowed])).toEqual(['succeeded']));
    expect(await budgetOf(CONVERT)).toMatchObject({ paused: null });
    expect(await statusesOf([forbidden])).toEqual(['queued']);
    emulator.setFaults({ forbiddenActions: [] });
    await tracker.rows(`UPDATE budgets SET probe_at = now()`);
    await eventually(async () => expect(await statusesOf([forbidden])).toEqual(['succeeded']));
  });

  it('slows down when it is throttled, and holds it against no job', async () => {
    emulator.setFaults({ throttled: 1 });
    const [id = ''] = await register([
      emulator.submit({ api: CONVERT, queueMs: 0, durationMs: 1, outcome: 'succeeded' }),
    ]);
    await eventually(async () => {
      const budget = await budgetOf(CONVERT);
      expect(budget.throttledAt).not.toBeNull();
      expect(budget.currentRate).toBeLessThan(LIMIT);
    });
    emulator.setFaults({ throttled: 0 });
    await eventually(async () => expect(await statusesOf([id])).toEqual(['succeeded']));
    // A minute later, as far as the budget knows.
    await tracker.rows(`UPDATE budgets SET rated_at = now() - interval '1 minute'`);
    await eventually(async () => expect(await budgetOf(CONVERT)).toMatchObject({ currentRate: LIMIT }));
  });

  it('asks ever more rarely for a job whose answers it cannot use', async () => {
    const odd = emulator.submit({ api: CONVERT, queueMs: 0, durationMs: 1, document: { Job: { Surprise: {} } } });
    const [id = ''] = await register([odd]);
    await eventually(async () => {
      // Due again at once: the two seconds after a failure are not what this is about.
      await afterFailure(id, 'next_poll_at = now()', 'poll_failures = 1');
      const [job] = await tracker.rows('SELECT status, poll_failures FROM jobs WHERE id = $1', [id]);
      expect(job).toMatchObject({ status: 'queued' });
      expect(job?.['poll_failures']).toBeGreaterThanOrEqual(2);
    });
    const { body } = await tracker.get('/v1/receipts?state=rejected');
    expect(body.data[0]).toMatchObject({
      asked: [odd.vendorJobId],
      reason: expect.stringContaining('GetMediaConvertJob'),
    });
    // Doubling: after a dozen of them, minutes apart.
    await eventually(async () =>
      expect(await afterFailure(id, 'next_poll_at = now(), poll_failures = 12', 'true')).toHaveLength(1),
    );
    await eventually(async () => {
      const [job] = await tracker.rows(
        `SELECT poll_failures, next_poll_at > now() + interval '2 minutes' AS far FROM jobs WHERE id = $1`,
        [id],
      );
      expect(job).toEqual({ poll_failures: 13, far: true });
    });
  });

  it('stops watching a closed job, and looks at a final one again when asked to', async () => {
    const running = emulator.submit({ api: CONVERT, queueMs: 0, durationMs: 60_000_000 });
    const [id = ''] = await register([running]);
    await eventually(async () => expect(await statusesOf([id])).toEqual(['running']));
    expect((await tracker.post(`/v1/jobs/${id}/close`)).status).toBeLessThan(300);
    // What was claimed before is asked and applied.
    await pollTicks(tracker, 'media-cn', 3);
    await eventually(async () => expect(await tracker.rows('SELECT FROM pending_receipts')).toHaveLength(0));
    const requests = () => emulator.requests.where({ jobId: running.vendorJobId });
    const asked = requests().length;
    expect(asked).toBeGreaterThan(0);
    // An hour later, as far as its next look knows: a closed job has none.
    const due = `UPDATE jobs SET next_poll_at = next_poll_at - interval '1 hour' WHERE id = $1 RETURNING next_poll_at`;
    expect(await tracker.rows(due, [id])).toEqual([{ next_poll_at: null }]);
    await pollTicks(tracker, 'media-cn', 5);
    expect(requests()).toHaveLength(asked);
    expect((await tracker.history(id)).at(-1)).toMatchObject({ kind: 'job.closed', via: 'manual' });
    // Whoever registers it again wants it watched again.
    const again = await tracker.post('/v1/jobs', {
      account: 'media-cn',
      api: CONVERT,
      vendorJobId: running.vendorJobId,
    });
    expect(again).toMatchObject({ status: 200, body: { id, closedAt: null } });
    await eventually(() => expect(requests().length).toBeGreaterThan(asked));
  });
});
