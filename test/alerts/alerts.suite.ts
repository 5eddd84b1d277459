import { startEmulator, type Emulator } from '../../emulator/emulator.js';
import { batchDocument, linesOf, messagesOf, newId, RECORDER, type Part } from '../support/alerting.js';
import { eventually } from '../support/eventually.js';
import { startTracker, TOKEN, VENDOR_ACCOUNT, type TestTracker } from '../support/tracker.js';

const BATCH = 'alibaba-ims/batch-media-producing';
const CLIP = '30d0b5e871eebb2ff7f6c75a0001';

describe('alerts about failed parts of jobs', () => {
  let emulator: Emulator;
  let tracker: TestTracker;

  beforeAll(async () => {
    emulator = await startEmulator({ seed: 61, timeScale: 0.01, accounts: [VENDOR_ACCOUNT] });
  });
  afterAll(() => emulator.stop());

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

  /** Fast enough for a test; at the defaults everything takes minutes. */
  const FAST = { groupWait: '0s', groupInterval: '1s', resolveAfter: '1m' };
  const told = async (expected: readonly unknown[], receiver?: string) =>
    eventually(async () => expect(linesOf(await messagesOf(tracker, receiver))).toEqual(expected));
  const alerts = async (query = ''): Promise<any[]> => (await tracker.get(`/v1/alerts${query}`)).body.data;
  const SUCCEEDED: Part[] = [{}];
  const FAILED: Part[] = [{ error: ['C', 'the same each time'] }, {}];

  describe('of a tracker of its own', () => {
    afterEach(() => tracker.stop());

    it('1,000 failing for 3 reasons in 20 batches are 3 alerts and 3 first messages, within 10 s of the evidence', async () => {
      await begin();
      await submit(
        Array.from({ length: 20 }, (_, batch) => Array.from({ length: 50 }, (_, i) => failed(batch * 50 + i))),
      );
      const messages = await eventually(async () => {
        const told = await messagesOf(tracker);
        expect(told).toHaveLength(3);
        return told;
      });
      const codes = ['InvalidMaterial.NotFound', 'InvalidParameter.ResourceContentBad', 'Timeout'];
      expect(messages.map(({ reason, alert }) => `${reason} ${alert.error?.code}`).sort()).toEqual(
        codes.map((code) => `opened ${code}`),
      );
      const [{ evidence } = {}] = await tracker.rows(
        `SELECT min(recorded_at) AS evidence FROM history_events WHERE "to" = 'failed'`,
      );
      for (const { at } of messages) expect(at.getTime() - evidence.getTime()).toBeLessThan(10_000);
      // With what a person needs: what the failures share, some of the jobs, a link.
      const missing = messages.find(({ alert }) => alert.error?.code === 'InvalidMaterial.NotFound');
      expect(missing?.alert).toMatchObject({
        error: { message: 'The specified clips id not found:["<id>"]' },
        account: 'media-cn',
        api: BATCH,
      });
      expect(missing?.shared[0]).toMatchObject({ kind: 'clip', value: CLIP });
      expect(missing?.sample).toHaveLength(5);
      expect(missing?.sample[0]?.url).toBe(`${tracker.url}/v1/jobs/${missing?.sample[0]?.jobId}`);
      // On a slow machine some have failed only after that.
      const counts = codes.map((code, i) => [code, i === 0 ? 334 : 333, 20]);
      await eventually(async () =>
        expect((await alerts()).map(({ error, failures, jobs }) => [error.code, failures, jobs]).sort()).toEqual(
          counts,
        ),
      );
      const { id } = (await alerts()).find(({ error }) => error.code === codes[0]);
      const { shared } = (await tracker.get(`/v1/alerts/${id}`)).body;
      expect(shared[0]).toEqual({ kind: 'clip', value: CLIP, failures: 167 });
      // Nothing waits, nothing is told twice.
      await eventually(async () => expect(await tracker.rows('SELECT FROM outbox')).toEqual([]));
      expect(await messagesOf(tracker)).toHaveLength(3);
    });

    it('it is over once a job of its kind has succeeded whole and it has been quiet, and the next failure opens it again', async () => {
      await begin(FAST);
      await submit([FAILED]);
      await told(['opened C 1']);
      // A part that succeeds beside it proves nothing; a whole job does.
      await submit([SUCCEEDED]);
      await told(['opened C 1', 'resolved C 1']);
      const [over] = await alerts();
      expect(over).toMatchObject({ status: 'resolved', resolvedBy: 'success', failures: 1 });
      await submit([FAILED]);
      await told(['opened C 1', 'resolved C 1', 'reopened C 1']);
      const messages = await messagesOf(tracker);
      expect(messages.map(({ dedupKey }) => dedupKey)).toEqual([`${over.id}/1`, `${over.id}/1`, `${over.id}/2`]);
      expect(await alerts()).toMatchObject([{ id: over.id, status: 'open', opening: 2, failures: 1 }]);
      const { body } = await tracker.get(`/v1/alerts/${over.id}/history`);
      expect(body.data.map(({ kind, detail }: any) => (kind === 'told' ? `told ${detail}` : kind))).toEqual([
        'opened',
        'told opened',
        'resolved',
        'told resolved',
        'reopened',
        'told reopened',
      ]);
    });

    it('what fails and succeeds by turns is told no more than once in a group interval', async () => {
      await begin(FAST);
      const [until, patience] = [Date.now() + 4_000, Date.now() + 30_000];
      let turns = 0;
      const isTold = async () => (await messagesOf(tracker)).length > 1;
      while (Date.now() < until || (Date.now() < patience && !(await isTold()))) {
        turns++;
        await submit([FAILED]);
        await submit([SUCCEEDED]);
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
      const times = (await messagesOf(tracker)).map(({ at }) => at.getTime());
      expect(times.length).toBeGreaterThan(1);
      for (const [i, time] of times.slice(1).entries()) expect(time - (times[i] ?? 0)).toBeGreaterThanOrEqual(990);
      await eventually(async () =>
        expect(await tracker.rows(`SELECT FROM subjobs WHERE status = 'failed'`)).toHaveLength(turns),
      );
    });

    it('a silence keeps receivers from it, and when it ends they are told', async () => {
      await begin(FAST);
      const silence = await tracker.post('/v1/silences', {
        filter: { account: 'media-cn', errorCode: 'C' },
        endsAt: new Date(Date.now() + 5_000).toISOString(),
        reason: 'we know',
        author: 'mei',
      });
      expect(silence.status).toBe(201);
      await submit([FAILED, [{ error: ['Other', 'not silenced'] }]]);
      await told(['opened Other 1']);
      expect(await alerts('?status=silenced')).toMatchObject([
        { error: { code: 'C' }, silenceId: silence.body.id, status: 'open' },
      ]);
      await told(['opened Other 1', 'silence_expired C 1']);
      expect(await alerts('?status=silenced')).toEqual([]);

      // Ended by hand, with what was told before it began.
      const again = await tracker.post('/v1/silences', {
        filter: { kind: 'subjob-failed' },
        endsAt: new Date(Date.now() + 3_600_000).toISOString(),
        reason: 'again',
      });
      await submit([FAILED, FAILED]);
      await eventually(async () =>
        expect(await alerts('?status=silenced')).toMatchObject([{ failures: 3 }, { failures: 1 }]),
      );
      expect((await tracker.get('/v1/silences?inForce=true')).body.data).toHaveLength(1);
      await tracker.call('DELETE', `/v1/silences/${again.body.id}`);
      await eventually(async () =>
        expect(
          linesOf(await messagesOf(tracker))
            .slice(2)
            .sort(),
        ).toEqual(['silence_expired C 3', 'silence_expired Other 1']),
      );
      const { body } = await tracker.get(`/v1/silences/${again.body.id}`);
      expect(body).toMatchObject({
        author: 'first admin key',
        endedBy: expect.any(String),
        endedAt: expect.any(String),
      });
    });

    it('receivers get the severities they take, rules name their own, and alertmanager every change at once', async () => {
      await begin({
        ...FAST,
        groupWait: '1m',
        receivers: [
          { ...RECORDER, severities: ['critical'] },
          { ...RECORDER, name: 'named' },
          { name: 'manager', type: 'alertmanager', url: 'http://127.0.0.1:9' },
        ],
        rules: [
          { name: 'loud', on: 'subjob-failed', severity: 'critical' },
          { name: 'partial', on: 'job-partially-failed', receivers: ['named'], filter: { label: ['tenant:nobody'] } },
        ],
      });
      await submit([FAILED]);
      await told(['opened C 1'], 'manager');
      const [alert] = await alerts();
      expect((await tracker.get(`/v1/alerts/${alert.id}`)).body.receivers.map(({ name }: any) => name)).toEqual([
        'manager',
        'named',
        'recorder',
      ]);
      expect(await alerts('?rule=partial')).toEqual([]);
      await tracker.post(`/v1/alerts/${alert.id}/resolve`);
      await told(['opened C 1', 'resolved C 1'], 'manager');
      expect(await messagesOf(tracker)).toEqual([]);
    });
  });

  describe('of one tracker', () => {
    beforeAll(() => begin(FAST));
    afterAll(() => tracker.stop());

    it('no secret of ours reaches a receiver, whatever a vendor repeats in its errors', async () => {
      await submit([[{ error: ['C', `cannot call ${TOKEN} at http://callsheet.test/callbacks/media-cn/${TOKEN}`] }]]);
      await told(['opened C 1']);
      const [{ payload } = {}] = await tracker.rows('SELECT payload::text AS payload FROM deliveries');
      expect(payload).toContain('cannot call ***');
      expect(payload).not.toContain(TOKEN);
      const [{ id }] = await alerts();
      expect((await tracker.get(`/v1/alerts/${id}`)).text).not.toContain(TOKEN);
    });

    it('a group of outputs that failed with them is no failure of its own', async () => {
      const api = 'alibaba-ims/media-convert';
      const jobs = Array.from({ length: 12 }, () => {
        const { vendorJobId } = emulator.submit({ api, queueMs: 0, durationMs: 1, outcome: 'failed' });
        return { account: 'media-cn', api, vendorJobId };
      });
      await tracker.post('/v1/jobs/batch', { jobs });
      await eventually(async () =>
        expect((await tracker.get(`/v1/jobs?status=failed,partially_failed&api=${api}`)).body.data).toHaveLength(12),
      );
      await eventually(async () => expect(await tracker.rows('SELECT FROM outbox')).toEqual([]));
      const [{ groups, others } = {}] = await tracker.rows(
        `SELECT count(*) FILTER (WHERE kind = 'output_group')::int AS groups,
                count(*) FILTER (WHERE kind <> 'output_group')::int AS others FROM subjobs
         WHERE status = 'failed' AND job_id IN (SELECT id FROM jobs WHERE api = '${api}')`,
      );
      expect(groups).toBeGreaterThan(0);
      const counted = (await alerts(`?limit=200&api=${api}`)).reduce((sum, { failures }) => sum + failures, 0);
      expect(counted).toBe(others);
    });

    it('people can acknowledge, resolve and reopen it; wrong filters of a silence are refused with their place', async () => {
      const failed: Part[] = [{ error: ['P', 'somebody is at it'] }, {}];
      const lines = async () => linesOf(await messagesOf(tracker)).filter((line) => line.includes(' P '));
      const toldOfIt = (expected: readonly string[]) => eventually(async () => expect(await lines()).toEqual(expected));
      const alertsOfIt = async () => (await alerts()).filter(({ error }) => error.code === 'P');
      await submit([failed]);
      await toldOfIt(['opened P 1']);
      const [{ id }] = await alertsOfIt();
      expect((await tracker.post(`/v1/alerts/${id}/acknowledge`)).body).toMatchObject({ status: 'acknowledged' });
      await submit([failed, failed, failed]);
      await eventually(async () => expect(await alertsOfIt()).toMatchObject([{ failures: 4, status: 'acknowledged' }]));
      expect((await tracker.post(`/v1/alerts/${id}/resolve`)).body).toMatchObject({
        status: 'resolved',
        resolvedBy: 'hand',
      });
      // Whoever is at it was told nothing in between.
      await toldOfIt(['opened P 1', 'resolved P 4']);
      expect((await tracker.post(`/v1/alerts/${id}/acknowledge`)).status).toBe(409);
      expect((await tracker.post(`/v1/alerts/${id}/reopen`)).body).toMatchObject({ status: 'open', opening: 2 });
      await toldOfIt(['opened P 1', 'resolved P 4', 'reopened P 4']);

      const wrong = await tracker.post('/v1/silences', {
        filter: { account: 'a', acount: 'x' },
        endsAt: '2020-01-01T00:00:00Z',
      });
      expect(wrong.status).toBe(400);
      expect(wrong.body.errors.map(({ path }: { path: string }) => path).sort()).toEqual([
        'endsAt',
        'filter.acount',
        'reason',
      ]);
    });
  });
});
