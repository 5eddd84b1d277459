import { v7 as uuidv7 } from 'uuid';
import { Dispatcher } from '../../src/alerts/dispatcher.js';
import { FigureRules } from '../../src/alerts/figure-rules.js';
import { PrismaService } from '../../src/database/prisma.service.js';
import { LEVELS } from '../../src/domain/duration-profile.js';
import { linesOf, messagesOf, RECORDER } from '../support/alerting.js';
import { makeJob } from '../support/queries-app.js';
import { startTracker, testAccount, type TestTracker } from '../support/tracker.js';

const API = 'alibaba-ims/media-convert';
const MINUTE = 60_000;
const ago = (ms: number) => new Date(Date.now() - ms);

describe('rules that go by figures', () => {
  let tracker: TestTracker;
  let prisma: PrismaService;

  beforeAll(async () => {
    tracker = await startTracker({
      // Nobody upkeeps here: rounds are made by hand, so that figures stay as they are put.
      role: 'api',
      accounts: [testAccount('http://127.0.0.1:9'), testAccount('http://127.0.0.1:9', { name: 'other' })],
      alerts: {
        receivers: [RECORDER],
        groupWait: '0s',
        groupInterval: '1s',
        rules: [
          { name: 'share', on: 'failure-share', minimum: 10, above: 0.2, filter: { label: 'tenant:acme' } },
          { name: 'late', on: 'job-late', factor: 2 },
          { name: 'callbacks', on: 'callback-loss' },
          { name: 'paused', on: 'account-paused', for: '1m', severity: 'critical' },
          { name: 'receipts', on: 'receipts-waiting' },
        ],
      },
    });
    prisma = tracker.app.get(PrismaService);
  });
  afterAll(() => tracker.stop());

  const round = () => tracker.app.get(FigureRules).round();
  const alerts = async (rule: string): Promise<any[]> => (await tracker.get(`/v1/alerts?rule=${rule}`)).body.data;

  it('a share of failed jobs, of those the filter covers, and over when it holds no longer', async () => {
    const jobs = Array.from({ length: 20 }, (_, i) => ({
      status: i < 6 ? 'failed' : 'succeeded',
      labels: { tenant: 'acme' },
      templateId: 'template-7',
      terminalAt: ago(MINUTE),
      confirmed: true,
    }));
    for (const job of jobs) await makeJob(prisma, job);
    for (const job of jobs) await makeJob(prisma, { ...job, labels: { tenant: 'other' }, templateId: 'template-8' });
    for (const job of jobs)
      await makeJob(prisma, { ...job, templateId: 'template-9', terminalAt: ago(2 * 60 * MINUTE) });
    await round();
    const [alert] = await alerts('share');
    expect(await alerts('share')).toHaveLength(1);
    expect(alert).toMatchObject({ template: 'template-7', failures: 6, jobs: 6, status: 'open', account: 'media-cn' });
    expect(alert.reason).toBe('30 % of jobs failed (6 of 20), more than 20 %');
    await tracker.app.get(Dispatcher).round();
    expect(linesOf(await messagesOf(tracker))).toEqual(['opened failure-share 6']);

    for (let i = 0; i < 20; i++) await makeJob(prisma, { ...jobs[10], terminalAt: ago(1000) });
    await round();
    expect(await alerts('share')).toMatchObject([{ status: 'resolved', resolvedBy: 'figure' }]);
  });

  it('late jobs by what their like have taken, named by how they are late', async () => {
    const quantiles = LEVELS.map((level) => Math.round(level * 10 * MINUTE));
    await prisma.durationProfile.create({
      data: { account: 'other', api: API, recipe: '', recent: Array(40).fill(1), quantiles, learnedUntil: new Date() },
    });
    const old = {
      account: 'other',
      createdAt: ago(30 * MINUTE),
      updatedAt: ago(30 * MINUTE),
      vendorStatus: 'Processing',
    };
    await makeJob(prisma, { ...old, status: 'queued' });
    await makeJob(prisma, { ...old, status: 'running' });
    await makeJob(prisma, { ...old, status: 'running', updatedAt: new Date() });
    await makeJob(prisma, { ...old, status: 'running', progress: 100 });
    await makeJob(prisma, { ...old, status: 'running', createdAt: ago(10 * MINUTE) });
    // Closed, spoken of by callbacks alone, a part of a batch, of an account without a profile.
    await makeJob(prisma, { ...old, status: 'running', closedAt: new Date() });
    await makeJob(prisma, { ...old, status: 'running', pollLane: 1 });
    await makeJob(prisma, { ...old, status: 'running', parentJobId: uuidv7() });
    await makeJob(prisma, { ...old, status: 'running', account: 'media-cn' });
    await round();
    const late = await alerts('late');
    expect(late.map(({ error, failures }) => [error.code, failures]).sort()).toEqual([
      ['queued', 1],
      ['stuck', 1],
      ['wordless', 1],
    ]);
    expect(late.find(({ error }) => error.code === 'stuck').reason).toBe(
      'a job is stuck without progress, beyond 20 min',
    );
    await tracker.rows(`UPDATE jobs SET status = 'succeeded', terminal_at = now() WHERE account = 'other'`);
    await round();
    expect((await alerts('late')).map(({ status }) => status)).toEqual(['resolved', 'resolved', 'resolved']);
  });

  it('lost callbacks, and receipts that wait', async () => {
    await prisma.callbackHealth.create({
      data: { hour: ago(60 * MINUTE), account: 'media-cn', api: API, due: 100, late: 0, lost: 20 },
    });
    await prisma.pendingReceipt.create({ data: { receiptId: uuidv7(), number: 1, receivedAt: ago(2 * MINUTE) } });
    await round();
    expect(await alerts('callbacks')).toMatchObject([{ account: 'media-cn', api: API, failures: 20 }]);
    expect(await alerts('receipts')).toMatchObject([{ account: null, failures: 1 }]);
    await tracker.rows('DELETE FROM pending_receipts');
    await round();
    expect(await alerts('receipts')).toMatchObject([{ status: 'resolved' }]);
  });

  it('an account that is refused, once it has been for as long as the rule wants', async () => {
    await prisma.budget.create({
      data: {
        account: 'media-cn',
        api: API,
        tokens: 1,
        rate: 1,
        pausedAt: new Date(),
        pauseCode: 'InvalidAccessKeyId.NotFound',
        pauseScope: 'account',
      },
    });
    await round();
    expect(await alerts('paused')).toMatchObject([{ status: 'pending', severity: 'critical', api: null }]);
    await tracker.rows(`UPDATE alerts SET opened_at = opened_at - interval '1 minute' WHERE rule = 'paused'`);
    await round();
    expect(await alerts('paused')).toMatchObject([
      { status: 'open', error: { code: 'InvalidAccessKeyId.NotFound', message: null } },
    ]);
    expect((await tracker.get('/metrics')).text).toContain(
      'callsheet_alerts_open{rule="paused",severity="critical",status="open"} 1',
    );
  });
});
