import type { Channel, Outgoing } from '../../src/delivery/channel.js';
import { DeliveryFailed } from '../../src/delivery/channel.js';
import { LANES, STAY } from '../../src/delivery/deliverer.js';
import type { Settled } from '../../src/delivery/deliveries.js';
import { openQueueStore, type QueueStore } from '../../src/queue/queue-store.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { ENGINE_SECRET, makeEngine, type Engine } from '../support/delivery-engine.js';
import { eventually } from '../support/eventually.js';

/** So long that a slow machine is none. */
const TIMING = { cutMs: 600_000, leaseMs: 1_200_000 };

/** Takes what it is sent, and does as `then` says. */
function channelThat(then: (delivery: Outgoing) => unknown = () => undefined) {
  const sent: Outgoing[] = [];
  return {
    sent,
    texts: () => sent.map(({ payload }) => payload as string),
    send: async (delivery: Outgoing) => {
      sent.push(delivery);
      await then(delivery);
      return { status: 200, detail: 'ok' };
    },
  };
}
const refuses = (why: ConstructorParameters<typeof DeliveryFailed>[1] = {}) =>
  channelThat(() => {
    throw new DeliveryFailed(`no, says ${ENGINE_SECRET}`, { status: 500, ...why });
  });
const message = (channel: string, groupKey: string, payload: string, dedupKey = `${groupKey}/1`) => ({
  channel: `receiver/${channel}`,
  groupKey,
  dedupKey,
  payload,
});

describe('deliveries', () => {
  let database: TestDatabase;
  let queues: QueueStore;
  const engines: Engine[] = [];

  beforeAll(async () => {
    database = await createTestDatabase();
    queues = await openQueueStore({ redisUrl: null, databaseUrl: database.url });
  });
  afterEach(async () => {
    await Promise.all(engines.splice(0).map((engine) => engine.stop()));
  });
  afterAll(async () => {
    await queues.close();
    await database.drop();
  });

  const engineWith = (channels: Record<string, Channel>, timing = TIMING): Engine => {
    const engine = makeEngine(database.url, queues, channels, timing);
    engines.push(engine);
    return engine;
  };
  const rowsOf = async (engine: Engine, channel: string) =>
    (
      await engine.sql.query<Record<string, any>>({
        text: `SELECT *, extract(epoch FROM next_attempt_at - attempted_at)::float8 AS wait,
                 extract(epoch FROM next_attempt_at - now())::float8 AS "dueIn" FROM deliveries WHERE channel = $1 ORDER BY number`,
        values: [`receiver/${channel}`],
      })
    ).rows;
  const change = (engine: Engine, channel: string, assignment: string) =>
    engine.sql.query({
      text: `UPDATE deliveries SET ${assignment} WHERE channel = $1`,
      values: [`receiver/${channel}`],
    });

  it('are sent as soon as they are stored, and once', async () => {
    const quick = channelThat();
    const engine = engineWith({ quick });
    engine.deliverer.start();
    await engine.store([message('quick', 'a', 'one'), message('quick', 'b', 'two')]);
    await eventually(async () =>
      expect((await rowsOf(engine, 'quick')).map(({ status }) => status)).toEqual(['delivered', 'delivered']),
    );
    await engine.deliverer.sweep();
    expect(quick.texts().sort()).toEqual(['one', 'two']);
    expect((await rowsOf(engine, 'quick'))[0]).toMatchObject({
      attempts: 1,
      last_status: 200,
      answer: 'ok',
      last_error: null,
      lease: null,
    });
    // It is counted after the commit.
    await eventually(async () => expect(await engine.counted('delivered')).toBe(2));
  });

  it('are sent without the queue store as well, by the next sweep', async () => {
    const swept = channelThat();
    const engine = engineWith({ swept });
    await engine.sql.transaction((client) => engine.deliveries.enqueue(client, [message('swept', 'a', 'one')]));
    await engine.deliverer.sweep();
    await eventually(() => expect(swept.texts()).toEqual(['one']));
  });

  it('are not sent when the transaction that stored them fails', async () => {
    const never = channelThat();
    const engine = engineWith({ never });
    const storing = engine.sql.transaction(async (client) => {
      await engine.deliveries.enqueue(client, [message('never', 'a', 'one')]);
      throw new Error('changed my mind');
    });
    await expect(storing).rejects.toThrow('changed my mind');
    await engine.deliverer.sweep();
    expect(await rowsOf(engine, 'never')).toEqual([]);
  });

  it('keep their order within a group, while groups pass each other', async () => {
    let passed = () => undefined as void;
    const allOfAnotherGroup = new Promise<void>((resolve) => (passed = resolve));
    const underWay = new Map<string, string>();
    const outOfOrder: string[] = [];
    // The first of one group is on its way until the last of another has passed it.
    const ordered = channelThat(async ({ payload }) => {
      const text = payload as string;
      const before = underWay.get(text[0]!);
      if (before) outOfOrder.push(`${text} while ${before} is on its way`);
      underWay.set(text[0]!, text);
      if (text === 'a0') await allOfAnotherGroup;
      if (text === 'd9') passed();
      underWay.delete(text[0]!);
    });
    const engine = engineWith({ ordered });
    const groups = ['a', 'b', 'c', 'd'];
    const numbers = Array.from({ length: 10 }, (_, i) => i);
    await engine.store(numbers.flatMap((n) => groups.map((group) => message('ordered', group, `${group}${n}`))));
    const second = engineWith({ ordered });
    await Promise.all([engine.deliverer.sweep(), second.deliverer.sweep()]);
    await eventually(() => expect(ordered.sent).toHaveLength(40));
    for (const group of groups) {
      expect(ordered.texts().filter((text) => text.startsWith(group))).toEqual(numbers.map((n) => `${group}${n}`));
    }
    expect(outOfOrder).toEqual([]);
    expect(ordered.texts()).not.toEqual([...ordered.texts()].sort());
  });

  it('of groups without end do not keep a group waiting that comes between', async () => {
    const crowded = channelThat();
    const engine = engineWith({ crowded });
    const rows = (each: number, name: string) =>
      Array.from({ length: each * LANES }, (_, i) => message('crowded', `group-${i % LANES}`, `${name} ${i}`));
    await engine.store(rows(5, 'before'));
    await engine.store([message('crowded', 'other', 'between')]);
    await engine.store(rows(STAY + 20, 'after'));
    await engine.deliverer.sweep();
    await eventually(() => expect(crowded.sent).toHaveLength((STAY + 25) * LANES + 1), { intervalMs: 100 });
    // When the first lane has sent as many in a row, the others have sent no more.
    expect(crowded.texts().indexOf('between')).toBeLessThanOrEqual(STAY * LANES);
  });

  it('of one channel that hangs delay no other channel', async () => {
    let letGo = () => undefined as void;
    const released = new Promise<void>((resolve) => (letGo = resolve));
    const hanging = channelThat(() => released);
    const other = channelThat();
    const engine = engineWith({ hanging, other });
    engine.deliverer.start();
    await engine.store(Array.from({ length: 50 }, (_, i) => message('hanging', `group ${i}`, 'x')));
    await eventually(() => expect(hanging.sent).toHaveLength(LANES));
    await engine.store([message('other', 'a', 'one')]);
    await eventually(async () => expect(await rowsOf(engine, 'other')).toMatchObject([{ status: 'delivered' }]));
    expect(other.texts()).toEqual(['one']);
    // Long before the first of the hanging ones is let go, or cut off.
    expect(hanging.sent).toHaveLength(LANES);
    expect((await rowsOf(engine, 'hanging')).filter(({ attempts }) => attempts > 0)).toMatchObject(
      Array(LANES).fill({ status: 'pending', attempts: 1, last_error: null }),
    );
    letGo();
    await eventually(() => expect(hanging.sent).toHaveLength(50));

    const stuck: Channel = { send: () => new Promise(() => undefined) };
    const cutting = engineWith({ stuck }, { cutMs: 100, leaseMs: 600_000 });
    await cutting.store([message('stuck', 'a', 'x')]);
    await cutting.deliverer.sweep();
    await eventually(async () =>
      expect(await rowsOf(cutting, 'stuck')).toMatchObject([
        { status: 'pending', last_error: 'did not answer within 0.1 s' },
      ]),
    );
  });

  it('that fail are tried again later, hold back their group, and say why without secrets', async () => {
    const failing = refuses({ answer: `I heard ${ENGINE_SECRET}` });
    const engine = engineWith({ failing });
    await engine.store([
      message('failing', 'a', 'first'),
      message('failing', 'a', 'second'),
      message('failing', 'b', 'other'),
    ]);
    await engine.deliverer.sweep();
    await eventually(async () => expect(await engine.counted('failed')).toBe(2));
    const [first, second, other] = await rowsOf(engine, 'failing');
    expect(first).toMatchObject({
      status: 'pending',
      attempts: 1,
      last_status: 500,
      last_error: 'no, says ***',
      answer: 'I heard ***',
    });
    expect(first?.wait).toBeGreaterThan(2.4);
    expect(first?.dueIn).toBeLessThanOrEqual(5);
    // Not due before, and so in nobody's way.
    expect(second).toMatchObject({ attempts: 0, next_attempt_at: first?.next_attempt_at });
    expect(other).toMatchObject({ attempts: 1 });

    engine.channels['failing'] = channelThat();
    await change(
      engine,
      'failing',
      `next_attempt_at = now() + CASE attempts WHEN 0 THEN interval '1 hour' ELSE '0' END`,
    );
    await engine.deliverer.sweep();
    await eventually(async () =>
      expect((await rowsOf(engine, 'failing')).map(({ status }) => status)).toEqual(Array(3).fill('delivered')),
    );
    expect(
      (engine.channels['failing'] as ReturnType<typeof channelThat>).sent.map(({ attempt }) => attempt).sort(),
    ).toEqual([1, 2, 2]);
  });

  it('wait as long as the other side asks', async () => {
    const engine = engineWith({ busy: refuses({ status: 429, retryAfterMs: 120_000 }) });
    await engine.store([message('busy', 'a', 'one')]);
    await engine.deliverer.sweep();
    await eventually(async () => expect((await rowsOf(engine, 'busy'))[0]).toMatchObject({ last_status: 429 }));
    expect((await rowsOf(engine, 'busy'))[0]?.wait).toBeGreaterThanOrEqual(119);
  });

  it('are given up after a day, shown as undelivered, and told of', async () => {
    const settled: Settled[] = [];
    const engine = engineWith({ away: refuses() });
    engine.deliveries.onSettled('receiver', async (_client, one) => void settled.push(one));
    await engine.store([message('away', 'a', 'one')]);
    await change(engine, 'away', `due_since = now() - interval '24 hours'`);
    await engine.deliverer.sweep();
    await eventually(async () => expect((await rowsOf(engine, 'away'))[0]).toMatchObject({ status: 'undelivered' }));
    expect(settled).toMatchObject([
      { channel: 'receiver/away', groupKey: 'a', status: 'undelivered', detail: 'no, says ***', attempts: 1 },
    ]);
    // It is counted after the commit.
    await eventually(async () => expect(await engine.counted('undelivered')).toBe(1));

    // By hand, for another day.
    const taking = channelThat();
    engine.channels['away'] = taking;
    const [row] = await rowsOf(engine, 'away');
    await engine.deliveries.sendAgain(row?.['id'], 'receiver/away');
    await engine.deliverer.sweep();
    await eventually(async () =>
      expect((await rowsOf(engine, 'away'))[0]).toMatchObject({ status: 'delivered', attempts: 1 }),
    );
    expect(taking.sent).toMatchObject([{ id: row?.['id'], dedupKey: 'a/1' }]);
  });

  it('that are refused for good do not hold back those behind them', async () => {
    const picky = channelThat(({ payload }) => {
      if (payload === 'bad') throw new DeliveryFailed('answered 400', { status: 400, permanent: true });
    });
    const engine = engineWith({ picky });
    await engine.store([message('picky', 'a', 'bad'), message('picky', 'a', 'good')]);
    await engine.deliverer.sweep();
    await eventually(async () =>
      expect((await rowsOf(engine, 'picky')).map(({ status }) => status)).toEqual(['undelivered', 'delivered']),
    );
  });

  it('give way to a newer message that says it all, unless they are on their way', async () => {
    let letGo = () => undefined as void;
    const slow = channelThat(() => new Promise<void>((resolve) => (letGo = resolve)));
    const engine = engineWith({ slow });
    await engine.store([message('slow', 'a', 'on its way')]);
    await engine.deliverer.sweep();
    await eventually(() => expect(slow.texts()).toEqual(['on its way']));
    await engine.store([message('slow', 'a', 'outdated'), message('slow', 'a', 'of another opening', 'a/2')]);
    await engine.store([{ ...message('slow', 'a', 'newest'), supersedes: true }]);
    expect((await rowsOf(engine, 'slow')).map(({ status }) => status)).toEqual([
      'pending',
      'superseded',
      'pending',
      'pending',
    ]);
    for (let n = 2; n <= 4; n++) {
      letGo();
      if (n < 4) await eventually(() => expect(slow.sent).toHaveLength(n));
    }
    await eventually(async () =>
      expect((await rowsOf(engine, 'slow')).map(({ status }) => status)).toEqual([
        'delivered',
        'superseded',
        'delivered',
        'delivered',
      ]),
    );
    expect(slow.texts()).toEqual(['on its way', 'of another opening', 'newest']);
  });

  it('of a receiver that left the settings become undelivered, and say so', async () => {
    const engine = engineWith({});
    await engine.store([message('gone', 'a', 'one')]);
    await engine.deliverer.giveUpGone();
    // Another replica may have been reloaded before this one.
    expect((await rowsOf(engine, 'gone'))[0]).toMatchObject({ status: 'pending' });
    await change(engine, 'gone', `created_at = now() - interval '20 minutes'`);
    await engine.deliverer.giveUpGone();
    expect((await rowsOf(engine, 'gone'))[0]).toMatchObject({
      status: 'undelivered',
      last_error: 'there is no such receiver or endpoint in the settings any more',
    });
  });

  it('are no more a minute than the other side takes, over all processes', async () => {
    let claims = 0;
    const taking = channelThat();
    const limited = {
      ...taking,
      /** Asked for each claim. */
      get perMinute() {
        claims++;
        return 5;
      },
    };
    const both = [engineWith({ limited }), engineWith({ limited })] as const;
    await both[0].store(Array.from({ length: 12 }, (_, i) => message('limited', `group ${i}`, String(i))));
    /** Many more claims than there are lanes, so that the first of them are over. */
    const claimOn = async () => {
      const enough = claims + 4 * LANES;
      await eventually(async () => {
        await Promise.all(both.map((engine) => engine.deliverer.sweep()));
        expect(claims).toBeGreaterThan(enough);
      });
    };
    await Promise.all(both.map((engine) => engine.deliverer.sweep()));
    await eventually(() => expect(taking.sent).toHaveLength(5));
    // The minute does not pass on a slow machine either.
    await change(both[0], 'limited', `attempted_at = attempted_at + interval '1 hour'`);
    await claimOn();
    expect(taking.sent).toHaveLength(5);
    await change(both[0], 'limited', `attempted_at = attempted_at - interval '2 hours'`);
    await both[1].deliverer.sweep();
    await eventually(() => expect(taking.sent).toHaveLength(10));
    await change(both[0], 'limited', `attempted_at = attempted_at + interval '3 hours'`);
    await claimOn();
    expect(taking.sent).toHaveLength(10);
  });

  it('go out again when what is written with their outcome cannot be', async () => {
    const twice = channelThat();
    const engine = engineWith({ twice });
    let told = 0;
    engine.deliveries.onSettled('receiver', async (client) => {
      if (++told === 1) await client.query('SELECT 1 / 0');
    });
    await engine.store([message('twice', 'a', 'one')]);
    await engine.deliverer.sweep();
    await eventually(() => expect(told).toBe(1));
    // As if its lease had run out.
    await change(engine, 'twice', 'next_attempt_at = now()');
    await eventually(async () => {
      await engine.deliverer.sweep();
      expect((await rowsOf(engine, 'twice'))[0]).toMatchObject({ status: 'delivered' });
    });
    expect(twice.sent).toHaveLength(2);
    expect(new Set(twice.sent.map(({ id, dedupKey }) => `${id} ${dedupKey}`)).size).toBe(1);
  });
});
