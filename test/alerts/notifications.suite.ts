import { v7 as uuidv7 } from 'uuid';
import { SqlPool } from '../../src/database/sql-pool.js';
import { Deliveries } from '../../src/delivery/deliveries.js';
import { alertMessage } from '../support/alert-message.js';
import { eventually } from '../support/eventually.js';
import { startHttpReceiver, status, type HttpReceiver } from '../support/http-receiver.js';
import { startTracker, type TestTracker } from '../support/tracker.js';

const SECRET = 'AKSECRETFINDME-receivers';

describe('notifications', () => {
  let chat: HttpReceiver;
  let robot: HttpReceiver;
  let tracker: TestTracker;
  beforeAll(async () => {
    chat = await startHttpReceiver('ok');
    robot = await startHttpReceiver('{"errcode":0,"errmsg":"ok"}');
    tracker = await startTracker({
      // What failed is not tried again while a test looks at it.
      intervals: { deliverySweep: 3_600_000 },
      alerts: {
        receivers: [
          { name: 'chat', type: 'slack', url: `${chat.url}/services/T0/B0/${SECRET}` },
          { name: 'robot', type: 'dingtalk', url: `${robot.url}/robot/send?access_token=${SECRET}` },
        ],
      },
    });
  });
  afterAll(async () => {
    await tracker.stop();
    await Promise.all([chat.stop(), robot.stop()]);
  });
  afterEach(() => {
    chat.received.length = 0;
    chat.answer(null);
    robot.answer(null);
  });

  /** Stores messages as the dispatcher of alerts does. */
  const tell = async (receiver: string, alert: string, ...reasons: ('opened' | 'grew' | 'resolved')[]) => {
    const deliveries = tracker.app.get(Deliveries);
    const channel = `receiver/${receiver}`;
    await tracker.app.get(SqlPool).transaction((client) =>
      deliveries.enqueue(
        client,
        reasons.map((reason) => ({
          channel,
          groupKey: alert,
          dedupKey: `${alert}/1`,
          payload: alertMessage({ reason, dedupKey: `${alert}/1`, alert: { id: alert } }),
        })),
      ),
    );
    deliveries.wake([channel]);
  };
  const notifications = async (query: string): Promise<any[]> =>
    (await tracker.get(`/v1/notifications?${query}`)).body.data;
  const settled = (query: string, expected: string[]) =>
    eventually(async () => expect((await notifications(query)).map((one) => one.status)).toEqual(expected));

  it('are listed with what became of them, by receiver, status and alert, page by page', async () => {
    const [alert, other] = [uuidv7(), uuidv7()];
    await tell('chat', alert, 'opened', 'grew', 'resolved');
    robot.answer((response) => response.end('{"errcode":310000,"errmsg":"sign not match"}'));
    await tell('robot', other, 'opened');
    await settled(`alert=${alert}`, ['delivered', 'delivered', 'delivered']);
    await eventually(async () =>
      expect(await notifications(`alert=${other}&status=pending`)).toMatchObject([{ attempts: 1, lastStatus: 200 }]),
    );

    const [resolved, grew, opened] = await notifications(`alert=${alert}&receiver=chat`);
    expect([opened, grew, resolved].map(({ reason }) => reason)).toEqual(['opened', 'grew', 'resolved']);
    expect(opened).toMatchObject({
      receiver: 'chat',
      alertId: alert,
      dedupKey: `${alert}/1`,
      attempts: 1,
      answer: 'ok',
      lastError: null,
    });
    expect(await notifications('receiver=robot')).toMatchObject([
      { alertId: other, lastError: 'refused: {"errcode":310000,"errmsg":"sign not match"}' },
    ]);
    expect(await notifications('receiver=chat,robot&status=undelivered')).toEqual([]);

    const first = (await tracker.get('/v1/notifications?receiver=robot,chat&limit=3')).body;
    const second = (await tracker.get(`/v1/notifications?receiver=robot,chat&limit=3&cursor=${first.nextCursor}`)).body;
    expect(first.data.map((one: any) => one.receiver)).toEqual(['robot', 'chat', 'chat']);
    expect(second).toMatchObject({ data: [{ id: opened.id }], nextCursor: null });
    expect((await tracker.get('/v1/notifications?cursor=abc')).status).toBe(400);
    expect((await tracker.get('/v1/notifications?status=lost')).status).toBe(400);

    expect((await tracker.get('/v1/receivers')).body.data).toEqual([
      {
        name: 'chat',
        type: 'slack',
        language: 'en',
        severities: ['info', 'warning', 'critical'],
        waiting: 0,
        waitingSince: null,
        lastError: null,
      },
      expect.objectContaining({ name: 'robot', waiting: 1, lastError: expect.stringContaining('sign not match') }),
    ]);
    const metrics = (await tracker.get('/metrics')).text;
    expect(metrics).toContain('callsheet_deliveries_waiting{channel="receiver/robot"} 1');
    expect(metrics).toContain('callsheet_deliveries_waiting{channel="receiver/chat"} 0');
    expect(metrics).toMatch(/callsheet_deliveries_oldest_age_seconds\{channel="receiver\/robot"\} \d/);
    expect(metrics).toContain('callsheet_deliveries_total{channel="receiver/chat",result="delivered"} 3');
  });

  it('are sent again by hand, as the same message', async () => {
    const alert = uuidv7();
    chat.answer(status(410, {}, 'channel_is_archived'));
    await tell('chat', alert, 'opened');
    await settled(`alert=${alert}`, ['undelivered']);
    const [given] = await notifications(`alert=${alert}&status=undelivered`);
    expect(given).toMatchObject({
      lastStatus: 410,
      lastError: 'answered 410: channel_is_archived',
      nextAttemptAt: null,
    });

    chat.answer(null);
    const answer = await tracker.post(`/v1/notifications/${given.id}/redeliver`);
    expect(answer).toMatchObject({ status: 202, body: { id: given.id, dedupKey: given.dedupKey } });
    await settled(`alert=${alert}`, ['delivered']);
    expect(chat.received.map(({ body }) => body)).toEqual([chat.received[0]?.body, chat.received[0]?.body]);
    expect((await tracker.post(`/v1/notifications/${uuidv7()}/redeliver`)).status).toBe(404);
  });

  it('can be tried: a test message goes out at once, and what came back is shown', async () => {
    expect(await tracker.post('/v1/receivers/chat/test')).toMatchObject({
      status: 200,
      body: { delivered: true, status: 200, answer: 'ok', error: null },
    });
    expect(chat.received[0]?.body).toContain('Test message of Callsheet');
    robot.answer((response) => response.end(`{"errcode":310000,"errmsg":"token ${SECRET} is not exist"}`));
    const refused = await tracker.post('/v1/receivers/robot/test');
    expect(refused).toMatchObject({ status: 200, body: { delivered: false, status: 200 } });
    expect(refused.body.error).toBe('refused: {"errcode":310000,"errmsg":"token *** is not exist"}');
    expect((await tracker.post('/v1/receivers/nobody/test')).body.detail).toBe(
      'There is no receiver nobody in the settings',
    );
    const { key } = (await tracker.post('/v1/keys', { name: 'reader', scope: 'read' })).body;
    expect((await tracker.post('/v1/receivers/chat/test', {}, key)).status).toBe(403);
  });
});
