import { startEmulator, type Emulator } from '../../emulator/emulator.js';
import { eventually } from '../support/eventually.js';
import { queueStores } from '../support/queue-stores.js';
import { HUAWEI_VENDOR_ACCOUNT, huaweiAccount, startTracker, type TestTracker } from '../support/tracker.js';

const API = 'huawei-mpc/editing';
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

// On one store: which jobs meet in a call is decided in rows.
describe('ten ids a call', () => {
  let emulator: Emulator;
  let tracker: TestTracker;

  beforeAll(async () => {
    emulator = await startEmulator({ seed: 83, accounts: [HUAWEI_VENDOR_ACCOUNT] });
    tracker = await startTracker({
      store: queueStores.at(-1),
      accounts: [huaweiAccount(emulator.url, { requestsPerSecond: 20 })],
    });
  });
  afterAll(async () => {
    await tracker.stop();
    await emulator.stop();
  });
  afterEach(async () => {
    await tracker.rows('TRUNCATE jobs CASCADE');
    emulator.requests.clear();
  });

  /** Ten minutes old and asked about before: the next look at each was planned `intervalMs` ago, for `inMs` from now. */
  const makePlanned = async (looks: { inMs: number; intervalMs: number }[]) => {
    const jobs = looks.map((look) => ({
      ...look,
      id: emulator.submit({ api: API, queueMs: 0, durationMs: 3_600_000 }).vendorJobId,
    }));
    await tracker.rows(
      `INSERT INTO jobs (id, account, api, vendor_job_id, status, via, callback_expected, registered, created_at, next_poll_at, poll_interval_ms)
       SELECT gen_random_uuid(), 'clips-cn', $1, id, 'running', 'poll', false, true, now() - interval '10 minutes',
              now() + make_interval(secs => "inMs" / 1000.0), "intervalMs"
       FROM json_to_recordset($2::json) AS v(id text, "inMs" int, "intervalMs" int)`,
      [API, JSON.stringify(jobs)],
    );
    return jobs.map(({ id }) => id);
  };
  const calls = () => emulator.requests.entries.map(({ jobIds }) => jobIds);

  it('are found among thirty jobs whose looks lie apart, though each waits only a tenth of its interval', async () => {
    const intervalMs = 8000;
    const ids = await makePlanned(
      Array.from({ length: 30 }, (_, i) => ({ inMs: Math.round((intervalMs / 30) * i), intervalMs })),
    );
    await pause(intervalMs + intervalMs / 10 + 1000);
    await eventually(() => expect(calls().flat().sort()).toEqual([...ids].sort()));
    expect(calls().length).toBeLessThanOrEqual(5);
  });

  it('are not waited for by those who have no time', async () => {
    const far = await makePlanned(Array.from({ length: 12 }, () => ({ inMs: 60_000, intervalMs: 120_000 })));
    const early = await makePlanned(Array.from({ length: 3 }, () => ({ inMs: 20_000, intervalMs: 120_000 })));
    await pause(1500);
    // Nobody is asked about early for its own sake.
    expect(calls()).toEqual([]);
    const { vendorJobId } = emulator.submit({ api: API, queueMs: 0, durationMs: 3_600_000 });
    await tracker.post('/v1/jobs', { account: 'clips-cn', api: API, vendorJobId });
    await eventually(() => expect(calls()).toHaveLength(1), { timeoutMs: 15_000 });
    // Those come along whose time was near.
    expect(calls()[0]?.toSorted()).toEqual([vendorJobId, ...early].sort());
    expect(calls().flat()).not.toContain(far[0]);
  });
});
