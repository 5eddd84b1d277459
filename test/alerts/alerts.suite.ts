import { startEmulator, type Emulator } from '../../emulator/emulator.js';
import { DEFAULT_INTERVALS } from '../../src/loops/intervals.js';
import {
  batchDocument,
  beginAlertsAfresh,
  letMinutesPass,
  linesOf,
  messagesOf,
  newId,
  RECORDER,
  type Message,
  type Part,
} from '../support/alerting.js';
import { eventually } from '../support/eventually.js';
import { alertSettings, startTracker, TOKEN, VENDOR_ACCOUNT, type TestTracker } from '../support/tracker.js';

const BATCH = 'alibaba-ims/batch-media-producing';
const MINUTE = 60_000;
const CLIP = '30d0b5e871eebb2ff7f6c75a0001';

describe('alerts about failed parts of jobs', () => {
  let emulator: Emulator;
  let tracker: TestTracker;

  beforeAll(async () => {
    emulator = await startEmulator({ seed: 61, timeScale: 0.01, accounts: [VENDOR_ACCOUNT] });
    tracker = await startTracker({ emulator });
  });
  afterAll(async () => {
    await tracker.stop();
    await emulator.stop();
  });

  const begin = async (alerts: object = {}) => {
    await eventually(async () => expect(await tracker.rows('SELECT FROM outbox')).toEqual([]));
    await beginAlertsAfresh(tracker, { receivers: [RECORDER], ...alerts });
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

  /** So long that a slow machine is none; what is to take as long is moved. */
  const SLOW = { groupWait: '0s', groupInterval: '10m', resolveAfter: '1d' };
  const told = async (expected: readonly unknown[], receiver?: string) =>
    eventually(async () => expect(linesOf(await messagesOf(tracker, receiver))).toEqual(expected), { intervalMs: 50 });
  const alerts = async (query = ''): Promise<any[]> => (await tracker.get(`/v1/alerts${query}`)).body.data;
  const alertsOf = async (code: string) => (await alerts()).filter(({ error }) => error.code === code);
  const SUCCEEDED: Part[] = [{}];
  const FAILED: Part[] = [{ error: ['C', 'the same each time'] }, {}];

  it('1,000 failing for 3 reasons in 20 batches are 3 alerts and 3 first messages, a group wait after the evidence', async () => {
    // At the defaults that is within 10 s.
    const { groupWaitMs } = alertSettings();
    expect(groupWaitMs + DEFAULT_INTERVALS.relay + DEFAULT_INTERVALS.alertDispatch).toBeLessThan(10_000);
    await begin({ groupWait: '10m' });
    await submit(
      Array.from({ length: 20 }, (_, batch) => Array.from({ length: 50 }, (_, i) => failed(batch * 50 + i))),
    );
    const codes = ['InvalidMaterial.NotFound', 'InvalidParameter.ResourceContentBad', 'Timeout'];
    const counts = codes.map((code, i) => [code, i === 0 ? 334 : 333, 20]);
    await eventually(
      async () =>
        expect((await alerts()).map(({ error, failures, jobs }) => [error.code, failures, jobs]).sort()).toEqual(
          counts,
        ),
      { intervalMs: 100 },
    );
    const waits = () =>
      tracker.rows(`SELECT extract(epoch FROM r.due_at - a.opened_at)::float8 AS wait
                      FROM alert_receivers r JOIN alerts a ON a.id = r.alert_id`);
    await eventually(async () => expect(await waits()).toEqual(Array(3).fill({ wait: 600 })));
    const [{ evidence } = {}] = await tracker.rows(
      `SELECT min(recorded_at) AS evidence FROM history_events WHERE "to" = 'failed'`,
    );
    for (const { openedAt } of await alerts()) {
      expect(new Date(openedAt).getTime()).toBeGreaterThanOrEqual(evidence.getTime());
    }
    expect(await messagesOf(tracker)).toEqual([]);

    await letMinutesPass(tracker, 10);
    const messages = await eventually(async () => {
      const told = await messagesOf(tracker);
      expect(told).toHaveLength(3);
      return told;
    });
    expect(messages.map(({ reason, alert }) => `${reason} ${alert.error?.code}`).sort()).toEqual(
      codes.map((code) => `opened ${code}`),
    );
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
    const { id } = (await alerts()).find(({ error }) => error.code === codes[0]);
    const { shared } = (await tracker.get(`/v1/alerts/${id}`)).body;
    expect(shared[0]).toEqual({ kind: 'clip', value: CLIP, failures: 167 });
    // Nothing waits, nothing is told twice.
    await eventually(async () => expect(await tracker.rows('SELECT FROM outbox')).toEqual([]));
    expect(await messagesOf(tracker)).toHaveLength(3);
  });

  it('it is over once a job of its kind has succeeded whole and it has been quiet, and the next failure opens it again', async () => {
    await begin(SLOW);
    await submit([FAILED]);
    await told(['opened C 1']);
    // A part that succeeds beside it proves nothing; a whole job does.
    await letMinutesPass(tracker, 10);
    await submit([[{ error: ['Later', 'comes after it'] }]]);
    await told(['opened C 1', 'opened Later 1']);
    await submit([SUCCEEDED]);
    await told(['opened C 1', 'opened Later 1', 'resolved C 1']);
    const [over] = await alertsOf('C');
    expect(over).toMatchObject({ status: 'resolved', resolvedBy: 'success', failures: 1 });
    await submit([FAILED]);
    await eventually(async () => expect(await alertsOf('C')).toMatchObject([{ status: 'open' }]));
    await letMinutesPass(tracker, 10);
    const ofIt = (messages: readonly Message[]) => messages.filter(({ alert }) => alert.id === over.id);
    const messages = await eventually(async () => {
      const messages = ofIt(await messagesOf(tracker));
      expect(linesOf(messages)).toEqual(['opened C 1', 'resolved C 1', 'reopened C 1']);
      return messages;
    });
    expect(messages.map(({ dedupKey }) => dedupKey)).toEqual([`${over.id}/1`, `${over.id}/1`, `${over.id}/2`]);
    expect(await alertsOf('C')).toMatchObject([{ id: over.id, status: 'open', opening: 2, failures: 1 }]);
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
    await begin(SLOW);
    let turns = 0;
    const turn = async () => {
      const after = `After-${++turns}`;
      await submit([[{ error: ['Turn', 'by turns'] }, { error: [after, 'told at once, in a round that sees both'] }]]);
      await eventually(async () => expect(linesOf(await messagesOf(tracker))).toContain(`opened ${after} 1`));
      await submit([SUCCEEDED]);
      await eventually(async () =>
        expect(
          await tracker.rows(`SELECT FROM alerts WHERE error_code = 'Turn' AND succeeded_at > last_seen_at`),
        ).toHaveLength(1),
      );
    };
    const toldOfIt = () =>
      tracker.rows<{ at: Date; detail: string }>(
        `SELECT e.at, e.detail FROM alert_events e JOIN alerts a ON a.id = e.alert_id
           WHERE a.error_code = 'Turn' AND e.kind = 'told' ORDER BY e.id`,
      );
    for (const end of ['resolved once', 'resolved twice']) {
      for (let i = 0; i < 4; i++) {
        await turn();
        await letMinutesPass(tracker, 4);
      }
      // Quiet for so long that it is over.
      await letMinutesPass(tracker, 60);
      await eventually(async () =>
        expect((await toldOfIt()).filter(({ detail }) => detail === 'resolved')).toHaveLength(
          end === 'resolved once' ? 1 : 2,
        ),
      );
    }
    const lines = await toldOfIt();
    expect(lines.map(({ detail }) => detail)).toEqual(['opened', 'grew', 'resolved', 'reopened', 'resolved']);
    const times = lines.map(({ at }) => at.getTime());
    for (const [i, time] of times.slice(1).entries())
      expect(time - (times[i] ?? 0)).toBeGreaterThanOrEqual(10 * MINUTE);
    await eventually(async () =>
      expect(await tracker.rows(`SELECT FROM subjobs WHERE status = 'failed' AND error_code = 'Turn'`)).toHaveLength(
        turns,
      ),
    );
  });

  it('a silence keeps receivers from it, and when it ends they are told', async () => {
    await begin(SLOW);
    const silence = await tracker.post('/v1/silences', {
      filter: { account: 'media-cn', errorCode: 'C' },
      endsAt: new Date(Date.now() + 20 * MINUTE).toISOString(),
      reason: 'we know',
      author: 'mei',
    });
    expect(silence.status).toBe(201);
    await submit([FAILED, [{ error: ['Other', 'not silenced'] }]]);
    await told(['opened Other 1']);
    await eventually(async () =>
      expect(await alerts('?status=silenced')).toMatchObject([
        { error: { code: 'C' }, silenceId: silence.body.id, status: 'open' },
      ]),
    );
    await letMinutesPass(tracker, 20);
    await told(['opened Other 1', 'silence_expired C 1']);
    expect(await alerts('?status=silenced')).toEqual([]);

    // Ended by hand, with what was told before it began.
    const again = await tracker.post('/v1/silences', {
      filter: { kind: 'subjob-failed' },
      endsAt: new Date(Date.now() + 60 * MINUTE).toISOString(),
      reason: 'again',
    });
    await submit([FAILED, FAILED]);
    await eventually(async () =>
      expect(await alerts('?status=silenced')).toMatchObject([{ failures: 3 }, { failures: 1 }]),
    );
    expect((await tracker.get('/v1/silences?inForce=true')).body.data).toHaveLength(1);
    await tracker.call('DELETE', `/v1/silences/${again.body.id}`);
    await letMinutesPass(tracker, 10);
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
      ...SLOW,
      groupWait: '10m',
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

  it('no secret of ours reaches a receiver, whatever a vendor repeats in its errors', async () => {
    await begin(SLOW);
    await submit([[{ error: ['C', `cannot call ${TOKEN} at http://callsheet.test/callbacks/media-cn/${TOKEN}`] }]]);
    await told(['opened C 1']);
    const [{ payload } = {}] = await tracker.rows('SELECT payload::text AS payload FROM deliveries');
    expect(payload).toContain('cannot call ***');
    expect(payload).not.toContain(TOKEN);
    const [{ id }] = await alerts();
    expect((await tracker.get(`/v1/alerts/${id}`)).text).not.toContain(TOKEN);
  });

  it('a group of outputs that failed with them is no failure of its own', async () => {
    await begin(SLOW);
    const api = 'alibaba-ims/media-convert';
    const jobs = Array.from({ length: 12 }, () => {
      const { vendorJobId } = emulator.submit({ api, queueMs: 0, durationMs: 1, outcome: 'failed' });
      return { account: 'media-cn', api, vendorJobId, callbackExpected: false };
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
    await begin(SLOW);
    const failed: Part[] = [{ error: ['P', 'somebody is at it'] }, {}];
    const lines = async () => linesOf(await messagesOf(tracker)).filter((line) => line.includes(' P '));
    const toldOfIt = (expected: readonly string[]) => eventually(async () => expect(await lines()).toEqual(expected));
    await submit([failed]);
    await toldOfIt(['opened P 1']);
    const [{ id }] = await alertsOf('P');
    expect((await tracker.post(`/v1/alerts/${id}/acknowledge`)).body).toMatchObject({ status: 'acknowledged' });
    await submit([failed, failed, failed]);
    await eventually(async () => expect(await alertsOf('P')).toMatchObject([{ failures: 4, status: 'acknowledged' }]));
    expect((await tracker.post(`/v1/alerts/${id}/resolve`)).body).toMatchObject({
      status: 'resolved',
      resolvedBy: 'hand',
    });
    // Whoever is at it was told nothing in between.
    await letMinutesPass(tracker, 10);
    await toldOfIt(['opened P 1', 'resolved P 4']);
    expect((await tracker.post(`/v1/alerts/${id}/acknowledge`)).status).toBe(409);
    expect((await tracker.post(`/v1/alerts/${id}/reopen`)).body).toMatchObject({ status: 'open', opening: 2 });
    await letMinutesPass(tracker, 10);
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
