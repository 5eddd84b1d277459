import { startEmulator, type Emulator } from '../../emulator/emulator.js';
import { eventually } from '../support/eventually.js';
import { startTracker, VENDOR_ACCOUNT, type TestTracker } from '../support/tracker.js';

describe('what a callback claims and what the vendor answers', () => {
  let emulator: Emulator;
  let tracker: TestTracker;

  beforeAll(async () => {
    emulator = await startEmulator({ seed: 21, accounts: [VENDOR_ACCOUNT] });
    tracker = await startTracker({ emulator });
  });
  afterAll(async () => {
    await tracker.stop();
    await emulator.stop();
  });

  const claims = (vendorJobId: string, status: string, eventTime = new Date().toISOString().replace(/\.\d+/, '')) =>
    tracker.callback({
      EventType: 'ProduceMediaComplete',
      EventTime: eventTime,
      MessageBody: { JobId: vendorJobId, Status: status, MediaURL: 'https://evil.example/x.mp4' },
    });

  it('a forged callback is corrected by the next answer and leaves a contradiction', async () => {
    const { vendorJobId } = emulator.submit({
      api: 'alibaba-ims/media-producing',
      queueMs: 0,
      durationMs: 1,
      outcome: 'failed',
    });
    await claims(vendorJobId, 'Success');
    const job = await eventually(async () => {
      const found = await tracker.job(vendorJobId);
      expect(found).toMatchObject({ status: 'failed', confirmed: true, contradicted: true, via: 'poll', outputs: [] });
      return found;
    });
    const history = await tracker.history(job.id);
    expect(history.map(({ kind, from, to }) => [kind, from, to])).toEqual([
      ['job.registered', null, 'queued'],
      ['output.added', null, 'https://evil.example/x.mp4'],
      ['job.status', 'queued', 'succeeded'],
      ['output.changed', 'https://evil.example/x.mp4', null],
      ['job.status', 'succeeded', 'failed'],
      ['job.contradiction', 'succeeded', 'failed'],
    ]);
    expect(await tracker.rows('SELECT * FROM outputs WHERE job_id = $1', [job.id])).toEqual([]);
    const contradiction = history.at(-1);
    const receipt = (await tracker.get(`/v1/receipts/${contradiction.detail.claimReceiptId}`)).body;
    expect(receipt).toMatchObject({ via: 'callback', verified: 'signature' });
  });

  it('a forged end of a job that still runs is taken back by the next answer', async () => {
    const { vendorJobId } = emulator.submit({ api: 'alibaba-ims/media-producing', queueMs: 0, durationMs: 600_000 });
    await claims(vendorJobId, 'Success');
    await eventually(async () =>
      expect(await tracker.job(vendorJobId)).toMatchObject({ status: 'running', confirmed: true }),
    );
    const { nextPollAt, terminalAt } = await tracker.job(vendorJobId);
    expect(terminalAt).toBeNull();
    expect(nextPollAt).not.toBeNull();
  });

  it('a callback makes an answer due at once, however far away the next look was', async () => {
    const { vendorJobId } = emulator.submit({ api: 'alibaba-ims/media-producing', queueMs: 0, durationMs: 600_000 });
    const { body } = await tracker.post('/v1/jobs', {
      account: 'media-cn',
      api: 'alibaba-ims/media-producing',
      vendorJobId,
      callbackExpected: true,
    });
    await eventually(async () => expect(await tracker.job(vendorJobId)).toMatchObject({ status: 'running' }));
    const asked = () => emulator.requests.where({ jobId: vendorJobId }).length;
    const before = asked();
    const [row] = await tracker.rows(
      "SELECT next_poll_at - now() > interval '1 minute' AS far FROM jobs WHERE id = $1",
      [body.id],
    );
    expect(row).toEqual({ far: true });
    await claims(vendorJobId, 'Success');
    await eventually(() => expect(asked()).toBe(before + 1));
    await eventually(async () =>
      expect(await tracker.job(vendorJobId)).toMatchObject({ status: 'running', confirmed: true }),
    );
  });

  it('a late callback moves nothing back', async () => {
    const { vendorJobId } = emulator.submit({
      api: 'alibaba-ims/media-producing',
      queueMs: 0,
      durationMs: 1,
      outcome: 'succeeded',
    });
    await tracker.post('/v1/jobs', { account: 'media-cn', api: 'alibaba-ims/media-producing', vendorJobId });
    const before = await eventually(async () => {
      const found = await tracker.job(vendorJobId);
      expect(found).toMatchObject({ status: 'succeeded', confirmed: true });
      return found;
    });
    await claims(vendorJobId, 'Processing', '2026-01-01T00:00:00Z');
    await eventually(async () => {
      const { body } = await tracker.get(`/v1/jobs/${before.id}/receipts`);
      expect(body.data.some(({ via }: { via: string }) => via === 'callback')).toBe(true);
    });
    expect(await tracker.job(vendorJobId)).toEqual(before);
  });

  it('a job the vendor does not know waits out the grace, then is lost, and comes back when it is found', async () => {
    const emulated = emulator.submit({
      api: 'alibaba-ims/media-producing',
      queueMs: 0,
      durationMs: 1,
      outcome: 'succeeded',
      hidden: true,
    });
    const { vendorJobId } = emulated;
    const { body } = await tracker.post('/v1/jobs', {
      account: 'media-cn',
      api: 'alibaba-ims/media-producing',
      vendorJobId,
    });
    const receiptsOf = async () => (await tracker.get(`/v1/jobs/${body.id}/receipts`)).body.data;
    await eventually(async () => expect(await receiptsOf()).toHaveLength(1));
    expect(await tracker.job(vendorJobId)).toMatchObject({ status: 'queued', confirmed: false });

    await tracker.rows(`UPDATE jobs SET created_at = now() - interval '15 minutes' WHERE id = $1`, [body.id]);
    expect((await tracker.post(`/v1/jobs/${body.id}/refresh`)).status).toBe(202);
    await eventually(async () =>
      expect(await tracker.job(vendorJobId)).toMatchObject({ status: 'lost', nextPollAt: null }),
    );
    expect((await tracker.history(body.id)).map(({ kind }) => kind)).toEqual(['job.registered', 'job.lost']);

    emulated.hidden = false;
    await tracker.post(`/v1/jobs/${body.id}/refresh`);
    await eventually(async () =>
      expect(await tracker.job(vendorJobId)).toMatchObject({ status: 'succeeded', confirmed: true }),
    );
  });

  it('a callback about a job the vendor never knew ends as lost, with a contradiction', async () => {
    await claims('invented', 'Success');
    const job = await eventually(async () => {
      const found = await tracker.job('invented');
      expect(found).toMatchObject({ status: 'succeeded', confirmed: false });
      return found;
    });
    await tracker.rows(`UPDATE jobs SET created_at = now() - interval '15 minutes' WHERE id = $1`, [job.id]);
    await tracker.post(`/v1/jobs/${job.id}/refresh`);
    await eventually(async () =>
      expect(await tracker.job('invented')).toMatchObject({ status: 'lost', contradicted: true }),
    );
  });

  it('answers that repeat themselves are counted, not stored again, and write no history', async () => {
    const { vendorJobId } = emulator.submit({ api: 'alibaba-ims/media-convert', queueMs: 600_000 });
    const { body } = await tracker.post('/v1/jobs', {
      account: 'media-cn',
      api: 'alibaba-ims/media-convert',
      vendorJobId,
    });
    const seen = async () => {
      const { data } = (await tracker.get(`/v1/jobs/${body.id}/receipts`)).body;
      expect(data).toHaveLength(1);
      return (await tracker.get(`/v1/receipts/${data[0].id}`)).body.seen as number;
    };
    await eventually(async () => expect(await seen()).toBeGreaterThanOrEqual(1));
    const before = await tracker.history(body.id);
    for (let i = 2; i <= 4; i++) {
      await tracker.post(`/v1/jobs/${body.id}/refresh`);
      await eventually(async () => expect(await seen()).toBeGreaterThanOrEqual(i));
    }
    expect(await tracker.history(body.id)).toEqual(before);
  });

  it('an answer that cannot be applied fails alone, with its reason, and can be replayed', async () => {
    await tracker.rows(`ALTER TABLE jobs ADD CONSTRAINT no_poison CHECK (name IS DISTINCT FROM 'poison')`);
    const poison = emulator.submit({
      api: 'alibaba-ims/media-convert',
      queueMs: 0,
      durationMs: 1,
      outcome: 'succeeded',
      name: 'poison',
    });
    const others = Array.from({ length: 9 }, () =>
      emulator.submit({ api: 'alibaba-ims/media-convert', queueMs: 0, durationMs: 1, outcome: 'succeeded' }),
    );
    await tracker.post('/v1/jobs/batch', {
      jobs: [poison, ...others].map(({ vendorJobId }) => ({
        account: 'media-cn',
        api: 'alibaba-ims/media-convert',
        vendorJobId,
      })),
    });
    for (const { vendorJobId } of others) {
      await eventually(async () => expect((await tracker.job(vendorJobId)).status).toBe('succeeded'));
    }
    const failed = await eventually(async () => {
      const { body } = await tracker.get('/v1/receipts?state=failed');
      expect(body.data).toHaveLength(1);
      return body.data[0];
    });
    expect(failed.reason).toContain('no_poison');
    expect((await tracker.job(poison.vendorJobId)).status).toBe('queued');

    await tracker.rows('ALTER TABLE jobs DROP CONSTRAINT no_poison');
    expect((await tracker.post(`/v1/receipts/${failed.id}/replay`)).status).toBe(202);
    await eventually(async () => expect((await tracker.job(poison.vendorJobId)).status).toBe('succeeded'));
  });
});
