import { startEmulator, type Emulator } from '../../emulator/emulator.js';
import { RECORDER } from '../support/alerting.js';
import { eventually } from '../support/eventually.js';
import { startTracker, testAccount, VENDOR_ACCOUNT, type TestTracker } from '../support/tracker.js';

describe('claims', () => {
  let emulator: Emulator;
  let tracker: TestTracker;
  const claims = testAccount('http://127.0.0.1:9', { name: 'claims', credentials: null });

  beforeAll(async () => {
    emulator = await startEmulator({ seed: 62, timeScale: 0.01, accounts: [VENDOR_ACCOUNT] });
    tracker = await startTracker({
      emulator,
      accounts: [testAccount(emulator.url), claims],
      alerts: { receivers: [RECORDER], groupWait: '0s', rules: [{ name: 'job-failed', on: 'job-failed' }] },
    });
  });
  afterAll(async () => {
    await tracker.stop();
    await emulator.stop();
  });

  const callBack = (vendorJobId: string, account = 'media-cn') =>
    tracker.callback(
      {
        EventType: 'ProduceMediaComplete',
        EventTime: '2026-03-02T10:49:45Z',
        MessageBody: {
          JobId: vendorJobId,
          Status: 'Failed',
          ErrorCode: `Code.${account}`,
          ErrorMessage: 'said a callback',
        },
      },
      { address: tracker.notifyAddress.replace('media-cn', account) },
    );
  const status = async (vendorJobId: string) => (await tracker.job(vendorJobId))?.status;
  /** As if the minute that a claim waits for an answer had passed. */
  const aMinuteLater = () => tracker.rows(`UPDATE parked_events SET due_at = now() WHERE NOT told`);
  const failures = async () =>
    (await tracker.get('/v1/alerts')).body.data.map(({ error, failures }: any) => [error.code, failures]);

  it('alert nobody while an answer of the vendor may still come, or when it says otherwise', async () => {
    // The vendor knows nothing of the first, and says that the second goes on.
    await callBack('forged-1');
    const running = emulator.submit({ api: 'alibaba-ims/media-producing', queueMs: 0, durationMs: 100_000_000 });
    await callBack(running.vendorJobId);
    await eventually(async () => expect(await status(running.vendorJobId)).toBe('running'));
    await eventually(async () => {
      const answered =
        await tracker.rows(`SELECT FROM job_receipts k JOIN receipts r ON r.id = k.receipt_id JOIN jobs j ON j.id = k.job_id
        WHERE j.vendor_job_id = 'forged-1' AND r.via = 'poll'`);
      expect(answered.length).toBeGreaterThan(0);
    });
    await eventually(async () => {
      // What has not been passed on yet is parked a moment later.
      await aMinuteLater();
      expect(await tracker.rows('SELECT FROM outbox')).toEqual([]);
      expect(await tracker.rows('SELECT FROM parked_events')).toEqual([]);
    });
    expect(await failures()).toEqual([]);
  });

  it('alert where callbacks are all there is', async () => {
    await callBack('claimed-1', 'claims');
    await eventually(async () => expect(await failures()).toEqual([['Code.claims', 1]]));
  });

  it('alert when the vendor has not answered for a minute, and are not counted again when it does', async () => {
    const job = emulator.submit({ api: 'alibaba-ims/media-producing', queueMs: 0, durationMs: 1, outcome: 'failed' });
    await emulator.down();
    await callBack(job.vendorJobId);
    await eventually(async () => expect(await tracker.rows('SELECT FROM parked_events')).toHaveLength(1));
    expect(await failures()).toHaveLength(1);
    await eventually(async () => {
      await aMinuteLater();
      expect(await failures()).toContainEqual(['Code.media-cn', 1]);
    });
    await emulator.up();
    await tracker.post(`/v1/jobs/${(await tracker.job(job.vendorJobId)).id}/refresh`);
    await eventually(async () =>
      expect(await tracker.job(job.vendorJobId)).toMatchObject({ status: 'failed', confirmed: true }),
    );
    await eventually(async () => {
      expect(await tracker.rows('SELECT FROM outbox')).toEqual([]);
      expect(await tracker.rows('SELECT FROM parked_events')).toEqual([]);
    });
    const total = (await failures()).reduce((sum: number, [, count]: [string, number]) => sum + count, 0);
    expect(total).toBe(2);
  });
});
