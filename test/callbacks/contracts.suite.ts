import { startEmulator, type Api, type Emulator } from '../../emulator/emulator.js';
import { eventually } from '../support/eventually.js';
import { startTracker, VENDOR_ACCOUNT, type TestTracker } from '../support/tracker.js';

const PRODUCING = 'alibaba-ims/media-producing';
const CONVERT = 'alibaba-ims/media-convert';

describe("what a vendor's answers are documented to hold", () => {
  let emulator: Emulator;
  let tracker: TestTracker;

  beforeAll(async () => {
    emulator = await startEmulator({ seed: 51, timeScale: 0.01, accounts: [VENDOR_ACCOUNT] });
    tracker = await startTracker({ emulator });
  });
  afterAll(async () => {
    await tracker.stop();
    await emulator.stop();
  });
  afterEach(() => emulator.setFaults({ changedFields: undefined, unknownWord: 0 }));

  const register = async (api: Api, count: number, durationMs = 1): Promise<string[]> => {
    const jobs = Array.from({ length: count }, () => {
      const { vendorJobId } = emulator.submit({ api, queueMs: 0, durationMs, outcome: 'succeeded' });
      return { account: 'media-cn', api, vendorJobId, callbackExpected: false };
    });
    const { body } = await tracker.post('/v1/jobs/batch', { jobs });
    return body.results.map(({ job }: { job: { id: string } }) => job.id);
  };
  const answered = (ids: string[]) =>
    eventually(async () => {
      const rows = await tracker.rows('SELECT FROM job_receipts WHERE job_id = ANY ($1) GROUP BY job_id', [ids]);
      expect(rows).toHaveLength(ids.length);
    });
  const told = async (): Promise<string[]> => {
    const rows = await tracker.rows(
      `SELECT detail->>'api' AS api, detail->>'change' AS change, "to" AS place FROM history_events
       WHERE kind = 'contract.changed' ORDER BY recorded_at, sequence`,
    );
    return rows.map(({ api, change, place }) => `${api} ${change} ${place}`);
  };

  it('is what they hold, as long as nothing changes', async () => {
    await answered([
      ...(await register(PRODUCING, 3)),
      ...(await register(CONVERT, 3)),
      ...(await register('alibaba-ims/dynamic-image', 3)),
      ...(await register('alibaba-ims/batch-media-producing', 3)),
    ]);
    expect(await told()).toEqual([]);
  });

  it('makes one event when it changes, in the history of the job that showed it, however many jobs show it', async () => {
    emulator.setFaults({ changedFields: { add: { Mood: 'fine' }, drop: ['MediaURL'], retype: ['Timeline'] } });
    const ids = await register(PRODUCING, 8);
    await answered(ids);
    expect((await told()).sort()).toEqual([
      `${PRODUCING} changed_type Timeline`,
      `${PRODUCING} new_field Mood`,
      `${PRODUCING} vanished_field MediaURL`,
    ]);
    const [event] = await tracker.rows(`SELECT job_id, receipt_id FROM history_events WHERE kind = 'contract.changed'`);
    expect(ids).toContain(event?.['job_id']);
    const history = await tracker.history(event?.['job_id']);
    expect(history).toContainEqual(
      expect.objectContaining({ kind: 'contract.changed', via: 'poll', receiptId: event?.['receipt_id'] }),
    );
  });

  it('makes another for another API, and the first unknown word is one too', async () => {
    emulator.setFaults({ changedFields: { add: { Mood: 'fine' } }, unknownWord: 1 });
    await answered(await register(CONVERT, 8, 60_000_000));
    const news = (await told()).filter((line) => line.startsWith(CONVERT));
    expect(news).toContain(`${CONVERT} new_field Mood`);
    const words = news.filter((line) => line.includes('unknown_word'));
    expect(words.length).toBeGreaterThan(0);
    expect(new Set(news).size).toBe(news.length);
  });
});
