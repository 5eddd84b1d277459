import { startEmulator, type Emulator } from '../emulator/emulator.js';
import { batchDocument, linesOf, messagesOf, newId, RECORDER, type Part } from './support/alerting.js';
import { eventually } from './support/eventually.js';
import { startTracker, VENDOR_ACCOUNT, type TestTracker } from './support/tracker.js';

const BATCH = 'alibaba-ims/batch-media-producing';
const CLIP = '30d0b5e871eebb2ff7f6c75a0001';

describe('alerts about failed parts of jobs', () => {
  let emulator: Emulator;
  let tracker: TestTracker;

  beforeAll(async () => {
    emulator = await startEmulator({ seed: 61, timeScale: 0.01, accounts: [VENDOR_ACCOUNT] });
  });
  afterAll(() => emulator.stop());
  afterEach(() => tracker.stop());

  const begin = async (alerts: object = {}) => {
    tracker = await startTracker({ emulator, alerts: { receivers: [RECORDER], ...alerts } });
  };
  /** Registers batches that have ended, each with the given parts. */
  const submit = async (batches: readonly (readonly Part[])[], inputs: readonly string[] = []): Promise<void> => {
    const jobs = batches.map((parts) => {
      const vendorJobId = newId();
      emulator.submit({
        api: BATCH,
        vendorJobId,
        document: batchDocument(vendorJobId, parts, inputs),
        queueMs: 0,
        durationMs: 0,
      });
      return { account: 'media-cn', api: BATCH, vendorJobId, callbackExpected: false };
    });
    const { status } = await tracker.post('/v1/jobs/batch', { jobs });
    expect(status).toBe(200);
  };
  const REASONS: ((i: number) => [string, string])[] = [
    (i) => ['InvalidMaterial.NotFound', `The specified clips id not found:["${i % 2 === 0 ? CLIP : newId()}"]`],
    () => ['InvalidParameter.ResourceContentBad', 'The resource operated "InputFile" is bad'],
    (i) => ['Timeout', `Reading oss://demo-bucket/in/${i}.mp4 took ${i} s`],
  ];
  const failed = (i: number): Part => {
    const reason = REASONS[i % REASONS.length];
    return reason ? { error: reason(i) } : {};
  };

  it('1,000 failing for 3 reasons in 20 batches are 3 alerts and 3 first messages, within 10 s of the evidence', async () => {
    await begin();
    await submit(
      Array.from({ length: 20 }, (_, batch) => Array.from({ length: 50 }, (_, i) => failed(batch * 50 + i))),
    );
    const messages = await eventually(
      async () => {
        const told = await messagesOf(tracker);
        expect(told).toHaveLength(3);
        return told;
      },
      { timeoutMs: 20_000 },
    );
    expect(linesOf(messages).sort()).toEqual([
      'opened InvalidMaterial.NotFound 334',
      'opened InvalidParameter.ResourceContentBad 333',
      'opened Timeout 333',
    ]);
    const [{ evidence } = {}] = await tracker.rows(
      `SELECT min(recorded_at) AS evidence FROM history_events WHERE "to" = 'failed'`,
    );
    for (const { at, alert } of messages) {
      expect(at.getTime() - evidence.getTime()).toBeLessThan(10_000);
      expect(alert.jobs).toBe(20);
    }
    // With what a person needs: what the failures share, some of the jobs, a link.
    const missing = messages.find(({ alert }) => alert.error?.code === 'InvalidMaterial.NotFound');
    expect(missing?.alert).toMatchObject({
      error: { message: 'The specified clips id not found:["<id>"]' },
      account: 'media-cn',
      api: BATCH,
    });
    expect(missing?.shared[0]).toEqual({ kind: 'clip', value: CLIP, failures: 167 });
    expect(missing?.sample).toHaveLength(5);
    expect(missing?.sample[0]?.url).toBe(`${tracker.url}/v1/jobs/${missing?.sample[0]?.jobId}`);
    // Nothing waits, nothing is told twice.
    await eventually(async () => expect(await tracker.rows('SELECT FROM outbox')).toEqual([]));
    expect(await messagesOf(tracker)).toHaveLength(3);
  });
});
