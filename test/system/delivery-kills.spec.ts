import { spawn, type ChildProcess } from 'node:child_process';
import pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { makeEngine, type Engine } from '../support/delivery-engine.js';
import { DEATHS, live, type Life } from '../support/delivery-process.js';
import { eventually } from '../support/eventually.js';
import { startHttpReceiver, type HttpReceiver } from '../support/http-receiver.js';
import { compiled } from '../support/program.js';

/** `CALLSHEET_KILL_SEEDS=200 npm run test:system -- delivery-kills`: as many, five at a time. */
const SEEDS = Number(process.env['CALLSHEET_KILL_SEEDS'] ?? 5);
const AT_ONCE = 5;
const GROUPS = ['a', 'b', 'c'];
const PER_GROUP = 5;

/** Numbers from 0 to 1, the same for a seed (mulberry32). */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const ALL_DEATHS = [...DEATHS, 'waiting'] as const;

/** Five seeds in a row have every death there is; those beyond the first five have more of them. */
function deathsOf(seed: number, roll: () => number): (typeof ALL_DEATHS)[number][] {
  const more = seed > ALL_DEATHS.length ? Math.floor(roll() * 4) : 0;
  return Array.from({ length: 1 + more }, (_, i) => {
    const place = i === 0 ? seed : Math.floor(roll() * ALL_DEATHS.length);
    return ALL_DEATHS[place % ALL_DEATHS.length] ?? 'claimed';
  });
}

describe('a sender that is killed again and again', () => {
  let database: TestDatabase;
  let sql: pg.Pool;
  let engine: Engine;
  const children = new Set<ChildProcess>();
  const servers: HttpReceiver[] = [];

  beforeAll(async () => {
    database = await createTestDatabase();
    sql = new pg.Pool({ connectionString: database.url, max: 5 });
    engine = makeEngine(database.url, null, {}, { cutMs: 1, leaseMs: 1 });
    await sql.query('CREATE TABLE told (id uuid)');
  });
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    await Promise.all(servers.map((server) => server.stop()));
    await engine.stop();
    await sql.end();
    await database.drop();
  });

  /** Runs a sender until it is dead; answers how it ended. */
  const start = (life: Life) => {
    const child = spawn(process.execPath, [compiled('test/support/delivery-process-entry'), JSON.stringify(life)], {
      env: { PATH: process.env['PATH'] ?? '', NODE_NO_WARNINGS: '1' },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    children.add(child);
    const ended = new Promise<NodeJS.Signals | number | null>((resolve) =>
      child.once('exit', (code, signal) => resolve(signal ?? code)),
    );
    void ended.then(() => children.delete(child));
    return { child, ended };
  };

  /** The receiver kills whoever waits for its answer. */
  async function killWhileItWaits(channel: string, server: HttpReceiver): Promise<void> {
    const { child, ended } = start({ databaseUrl: database.url, channel, url: server.url, death: null });
    let killed = false;
    server.answer((response) => {
      if (killed) return void response.end('ok');
      killed = true;
      child.kill('SIGKILL');
    });
    await ended;
  }

  /** As if the lease of the dead sender had run out. */
  const endLeases = (channel: string) =>
    sql.query('UPDATE deliveries SET next_attempt_at = now() WHERE channel = $1 AND lease IS NOT NULL', [
      `receiver/${channel}`,
    ]);

  async function survive(seed: number): Promise<void> {
    const roll = dice(seed);
    const channel = `seed-${seed}`;
    const server = await startHttpReceiver();
    servers.push(server);
    const waiting = () =>
      sql.query<{ n: number }>(`SELECT count(*)::int AS n FROM deliveries WHERE channel = $1 AND status = 'pending'`, [
        `receiver/${channel}`,
      ]);
    await engine.store(
      Array.from({ length: PER_GROUP }, (_, n) =>
        GROUPS.map((group) => ({
          channel: `receiver/${channel}`,
          groupKey: group,
          dedupKey: `${group}/1`,
          payload: n,
        })),
      ).flat(),
    );
    const deaths = deathsOf(seed, roll);
    for (const step of deaths) {
      if (step === 'waiting') await killWhileItWaits(channel, server);
      else {
        const life = { databaseUrl: database.url, channel, url: server.url };
        const { ended } = start({ ...life, death: { step, delivery: 1 + Math.floor(roll() * 2) } });
        expect(await Promise.race([ended, nothingLeft(waiting)])).toBe('SIGKILL');
      }
      await endLeases(channel);
    }
    const survivor = live({ databaseUrl: database.url, channel, url: server.url, death: null });
    await nothingLeft(waiting).finally(survivor.stop);

    const bodies = server.received.map(
      ({ body }) => JSON.parse(body) as { id: string; dedupKey: string; payload: number },
    );
    const { rows } = await sql.query<{ id: string; dedup_key: string; payload: number; status: string; told: number }>(
      `SELECT id, dedup_key, payload, status, (SELECT count(*)::int FROM told WHERE told.id = d.id) AS told
       FROM deliveries d WHERE channel = $1 ORDER BY number`,
      [`receiver/${channel}`],
    );
    expect(rows).toHaveLength(GROUPS.length * PER_GROUP);
    for (const row of rows) {
      const sent = bodies.filter(({ id }) => id === row.id);
      // At least once, repeats with the same dedup key, and its outcome written down once.
      expect(sent.length).toBeGreaterThanOrEqual(1);
      expect(new Set(sent.map(({ dedupKey, payload }) => `${dedupKey} ${payload}`))).toEqual(
        new Set([`${row.dedup_key} ${row.payload}`]),
      );
      expect(row).toMatchObject({ status: 'delivered', told: 1 });
    }
    for (const group of GROUPS) {
      const order = bodies.filter(({ dedupKey }) => dedupKey === `${group}/1`).map(({ payload }) => payload);
      expect(order).toEqual([...order].sort((a, b) => a - b));
    }
    // Whoever dies between the sending and the word of it has the next one send again.
    const sendsAgain = deaths.some((step) => ['sent', 'settling', 'waiting'].includes(step));
    if (sendsAgain) expect(bodies.length).toBeGreaterThan(rows.length);
  }

  const nothingLeft = async (waiting: () => Promise<pg.QueryResult<{ n: number }>>): Promise<string> => {
    await eventually(async () => expect((await waiting()).rows[0]?.n).toBe(0));
    return 'nothing was left to send';
  };

  const batches = Array.from({ length: Math.ceil(SEEDS / AT_ONCE) }, (_, batch) =>
    Array.from({ length: Math.min(AT_ONCE, SEEDS - batch * AT_ONCE) }, (_, i) => batch * AT_ONCE + i + 1),
  );
  it.each(batches.map((seeds) => [seeds]))(
    'delivers each message at least once, in order, with one dedup key: seeds %j',
    async (seeds) => {
      await Promise.all(seeds.map(survive));
    },
  );
});
