import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startEmulator, type Emulator, type SubmitOptions } from '../../emulator/emulator.js';
import { RealTimers } from '../../emulator/timers.js';
import { SqlPool } from '../../src/database/sql-pool.js';
import { Discovery } from '../../src/polling/discovery.js';
import { CurrentSettings } from '../../src/settings/current-settings.js';
import { ChunkReplayer } from '../../src/tracking/replay-chunk.js';
import { replay } from '../../src/tracking/replay.js';
import type { ReplayScope } from '../../src/tracking/replay-statements.js';
import { dueNow } from '../support/due-now.js';
import { eventually } from '../support/eventually.js';
import { runReplay } from '../support/program.js';
import {
  ADMIN_KEY,
  CREDENTIALS,
  HUAWEI_CREDENTIALS,
  HUAWEI_PROJECT,
  HUAWEI_VENDOR_ACCOUNT,
  huaweiAccount,
  startTracker,
  testAccount,
  VENDOR_ACCOUNT,
  type TestTracker,
} from '../support/tracker.js';

const PRODUCING = 'alibaba-ims/media-producing';
const ALL: ReplayScope = { updatedSince: null, accounts: null, apis: null, ids: null };
/** Not in the way of what it waits for. */
const CALMLY = { intervalMs: 200 };
const WAITING = `pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
/** Every few seconds, so that listings come between the answers. */
const LISTED = { windowMs: 3_600_000, everyMs: 1000 };
const KINDS: SubmitOptions[] = [
  { api: PRODUCING },
  { api: PRODUCING, outcome: 'failed' },
  { api: 'alibaba-ims/batch-media-producing', subjobs: 4, outcome: 'partially_failed', subjobCallbacks: true },
  { api: 'alibaba-ims/batch-media-producing', subjobs: 3, openSubjobs: 1, subjobCallbacks: false },
  { api: 'alibaba-ims/batch-media-producing', batchError: true },
  { api: 'alibaba-ims/media-convert', outputs: 2, groups: 1 },
  { api: 'alibaba-ims/media-convert', outputs: 3, outcome: 'partially_failed' },
  { api: 'alibaba-ims/dynamic-image' },
  { api: 'alibaba-ims/snapshot', outcome: 'failed' },
  { api: 'huawei-mpc/editing' },
  { api: 'huawei-mpc/editing', outcome: 'failed' },
];

/** Knows what the emulator has yet to do: callbacks that are to be sent, and those that are not answered. */
class KnownTimers extends RealTimers {
  private readonly due = new Set<{ at: number }>();

  override after(ms: number, act: () => void): () => void {
    const entry = { at: this.now() + ms };
    this.due.add(entry);
    const cancel = super.after(ms, () => {
      this.due.delete(entry);
      act();
    });
    return () => {
      this.due.delete(entry);
      cancel();
    };
  }

  within(ms: number): number {
    return [...this.due].filter(({ at }) => at < this.now() + ms).length;
  }
}

describe('a replay', () => {
  const timers = new KnownTimers();
  let emulator: Emulator;
  let tracker: TestTracker;
  let before: Record<string, unknown>;

  beforeAll(async () => {
    emulator = await startEmulator({
      seed: 71,
      timeScale: 0.05,
      timers,
      accounts: [VENDOR_ACCOUNT, HUAWEI_VENDOR_ACCOUNT],
      faults: { dropped: 0.1, doubled: 0.2, reordered: 0.2, forged: 0.3, dirtyValues: 0.3, unknownWord: 0.2 },
    });
    const discover = { labelsFromUserData: ['tenant'], discover: LISTED };
    const accounts = [testAccount(emulator.url, discover), huaweiAccount(emulator.url)];
    tracker = await startTracker({ emulator, accounts });
    await live();
    before = await everything();
  });
  afterAll(async () => {
    await tracker.stop();
    await emulator.stop();
  });

  const count = async (text: string): Promise<number> =>
    Number((await tracker.rows(`SELECT count(*) AS n FROM ${text}`))[0]?.['n']);
  const submit = (order: SubmitOptions) =>
    emulator.submit({ queueMs: 8000, durationMs: 40_000, notifyAddress: tracker.notifyAddress, ...order });
  const register = async ({ api, vendorJobId }: { api: string; vendorJobId: string }, more = {}): Promise<string> => {
    const account = api.startsWith('huawei') ? 'clips-cn' : 'media-cn';
    return (await tracker.post('/v1/jobs', { account, api, vendorJobId, ...more })).body.id;
  };
  const claims = (vendorJobId: string, status = 'Success') =>
    tracker.callback({
      EventType: 'ProduceMediaComplete',
      EventTime: new Date().toISOString(),
      MessageBody: { JobId: vendorJobId, Status: status, MediaURL: 'https://evil.example/x.mp4' },
    });
  const jobId = async (where: string): Promise<string> =>
    (await tracker.rows(`SELECT id FROM jobs j WHERE ${where} ORDER BY id LIMIT 1`))[0]?.['id'];

  /** Jobs of every kind, known in every way, to their ends. */
  async function live(): Promise<void> {
    const registered = [...KINDS, ...KINDS].map((order) => submit(order));
    for (const job of registered) await register(job);
    // Long enough to be answered the same several times.
    const slow = { api: 'alibaba-ims/dynamic-image', notifyAddress: undefined, durationMs: 70_000 } as const;
    for (const job of [submit(slow), submit(slow)]) await register(job, { callbackExpected: false });
    // Only a callback, and only a listing, tells of these.
    submit({ api: PRODUCING });
    submit({ api: PRODUCING, notifyAddress: undefined });
    const closed = await register(submit({ api: PRODUCING, durationMs: 10_000_000 }));
    await tracker.post(`/v1/jobs/${closed}/close`);
    const [labeled] = registered;
    if (labeled) await tracker.patch(`/v1/jobs/${await register(labeled)}`, { labels: { shelf: '7', tenant: 'mine' } });
    await claims('nobody-knows-this-job');
    await eventually(async () => expect(await count(`jobs WHERE vendor_job_id LIKE 'nobody-%'`)).toBe(1));
    await tracker.rows(
      `UPDATE jobs SET created_at = now() - interval '16 minutes', next_poll_at = now() WHERE vendor_job_id LIKE 'nobody-%'`,
    );
    await tracker.callback('not JSON at all');
    await eventually(async () => {
      await lookAtEnded();
      expect(emulator.jobs().filter((job) => !job.isFinal())).toHaveLength(1);
      expect(await count('pending_receipts')).toBe(0);
      expect(await tracker.rows('SELECT api, vendor_job_id FROM jobs WHERE next_poll_at IS NOT NULL')).toEqual([]);
      expect(await count('jobs')).toBeGreaterThan(registered.length + 4);
    }, CALMLY);
    // No more listings from here on.
    const settings = tracker.app.get(CurrentSettings);
    settings.replace({
      ...settings.value,
      accounts: settings.value.accounts.map((account) => ({ ...account, discover: null })),
    });
    // What was under way comes yet: listings, callbacks, and the looks that either makes due.
    await tracker.app.get(Discovery).onModuleDestroy();
    await eventually(async () => {
      await lookAtEnded();
      // But for the end of the job that was closed.
      expect(timers.within(60_000)).toBe(0);
      expect(await count('pending_receipts')).toBe(0);
      expect(await count('jobs WHERE next_poll_at IS NOT NULL')).toBe(0);
    }, CALMLY);
  }

  /** The vendor has nothing more to say of what has ended than it says now. */
  const lookAtEnded = () =>
    dueNow(
      tracker,
      emulator.jobs().flatMap((job) => (job.isFinal() ? [job.vendorJobId] : [])),
    );

  /** As the command does it, in this process. */
  const replayAll = (options: { dryRun?: boolean; signal?: AbortSignal } = {}, scope: Partial<typeof ALL> = {}) => {
    const [sql, settings] = [tracker.app.get(SqlPool), tracker.app.get(CurrentSettings)];
    const wanted = { ...ALL, ...scope };
    const crew = [new ChunkReplayer(sql, settings, wanted, options.dryRun ?? false)];
    return replay(sql, wanted, () => crew, { dryRun: false, ...options });
  };

  /** All that observations decide, and all that people did; history as the set of what changed to what by which receipt. */
  const everything = async (): Promise<Record<string, unknown>> => ({
    jobs: await tracker.rows(
      `SELECT id, account, api, vendor_job_id, status, vendor_status, confirmed, outcome_known, contradicted, via, progress,
              name, pipeline_id, template_id, labels, error_code, error_message, vendor_error_code, vendor_error_message,
              user_data, user_data_raw, parent_job_id, registered, callback_expected, vendor_created_at, vendor_modified_at,
              vendor_finished_at, created_at, terminal_at IS NOT NULL AS ended, closed_at, next_poll_at, document_receipt_id,
              notes, basis::jsonb - 'refsDigest' AS basis
       FROM jobs ORDER BY id`,
    ),
    subjobs: await tracker.rows(
      `SELECT CASE WHEN path <> 'output_group/0/output/0' THEN id END AS id, job_id, parent_id, path, kind, position, vendor_subjob_id, name, status, vendor_status, error_code,
              error_message, vendor_error_code, vendor_error_message, vendor_created_at, vendor_finished_at, basis
       FROM subjobs ORDER BY job_id, path`,
    ),
    outputs: await tracker.rows(
      `SELECT o.id, o.job_id, s.path, slot, url, media_id, format, duration_ms, size_bytes, bitrate_bps, width, height
       FROM outputs o LEFT JOIN subjobs s ON s.id = subjob_id ORDER BY o.id`,
    ),
    streams: await tracker.rows('SELECT * FROM streams ORDER BY output_id, position'),
    refs: await tracker.rows('SELECT * FROM job_refs ORDER BY ref, job_id'),
    receipts: await tracker.rows('SELECT * FROM job_receipts ORDER BY job_id, receipt_id'),
    history: await tracker.rows(
      `SELECT DISTINCT e.job_id, e.kind, s.path, e."to", e.receipt_id FROM history_events e
       LEFT JOIN subjobs s ON s.id = e.subjob_id ORDER BY 1, 2, 3, 4, 5`,
    ),
  });

  /** Which version of each row is there. */
  const versions = async (): Promise<unknown[]> => {
    const tables = ['jobs', 'subjobs', 'outputs', 'streams', 'job_refs', 'job_receipts', 'history_events'];
    return Promise.all(
      tables.map((table) => tracker.rows(`SELECT ctid::text, xmin::text FROM ${table} ORDER BY 2, 1`)),
    );
  };

  const withoutUpkeep = (name: string, work: () => Promise<void>) =>
    tracker.app.get(SqlPool).transaction(async (client) => {
      const text = 'SELECT pg_advisory_xact_lock(hashtextextended($1, 0))';
      await client.query({ text, values: [`callsheet.upkeep.${name}`] });
      await work();
    });

  const damage = async (): Promise<void> => {
    for (const statement of [
      `UPDATE jobs SET status = 'running', confirmed = false, terminal_at = NULL, via = 'manual', progress = 3
       WHERE api = '${PRODUCING}' AND status = 'failed'`,
      `UPDATE jobs SET basis = '{}', name = NULL, error_code = 'Wrong', user_data = '{}', notes = '["?"]',
              document_receipt_id = NULL WHERE api = 'alibaba-ims/media-convert'`,
      `UPDATE jobs SET contradicted = NOT contradicted WHERE vendor_job_id LIKE 'nobody-%'`,
      `UPDATE subjobs SET status = 'queued', error_message = 'wrong', vendor_finished_at = NULL WHERE path LIKE '%1'`,
      `DELETE FROM subjobs WHERE path = 'output_group/0/output/0'`,
      `INSERT INTO subjobs (id, job_id, path, kind, position, status)
       SELECT gen_random_uuid(), id, 'output/99', 'output', 99, 'failed' FROM jobs WHERE api = 'alibaba-ims/media-convert'`,
      `UPDATE outputs SET url = 'oss://wrong', size_bytes = 1 WHERE slot LIKE '%#0' AND width IS NOT NULL`,
      `DELETE FROM outputs WHERE job_id IN (SELECT id FROM jobs WHERE api = 'huawei-mpc/editing')`,
      `UPDATE streams SET codec = 'wrong' WHERE position = 0`,
      `DELETE FROM streams WHERE position = 1`,
      `DELETE FROM job_refs WHERE job_id IN (SELECT id FROM jobs WHERE api = 'alibaba-ims/dynamic-image')`,
      `DELETE FROM history_events WHERE sequence = 3 AND kind NOT IN ('job.closed', 'contract.changed')`,
      `UPDATE history_events SET "to" = 'canceled' WHERE kind = 'job.status' AND sequence > 3`,
      `INSERT INTO history_events (job_id, sequence, recorded_at, kind, "to", via)
       SELECT id, history_sequence + 1, now(), 'job.lost', 'lost', 'poll' FROM jobs WHERE api LIKE '%batch%'`,
    ]) {
      await tracker.rows(statement);
    }
  };

  it('of jobs that are as they must be changes nothing', async () => {
    const known = await versions();
    const summary = await replayAll();
    const jobs = await count('jobs');
    expect(summary).toMatchObject({ jobs, unchanged: jobs, changed: 0, expired: 0, failed: 0, examples: [] });
    expect(summary.receipts).toBe(await count('(SELECT DISTINCT receipt_id FROM job_receipts)'));
    expect(await versions()).toEqual(known);
  });

  it('saw contradictions, unknown words, lost jobs, lists and repeated answers', async () => {
    const kinds = (await tracker.rows('SELECT DISTINCT kind FROM history_events')).map(({ kind }) => kind as string);
    expect(kinds).toEqual(
      expect.arrayContaining(['job.contradiction', 'job.unknown_status', 'job.lost', 'job.closed', 'output.changed']),
    );
    expect(await count(`job_receipts r JOIN receipts l ON l.id = r.receipt_id WHERE l.via = 'list'`)).toBeGreaterThan(
      0,
    );
    expect(await count('job_receipts WHERE first_number < number')).toBeGreaterThan(0);
    expect(await count('jobs WHERE parent_job_id IS NOT NULL')).toBeGreaterThan(0);
  });

  it('brings back whatever was damaged, and only that', async () => {
    // Which would find open jobs that nobody looks at, and have them mended by the vendor.
    await withoutUpkeep('unwatched', async () => {
      const failed = await jobId(`status = 'failed' AND api = '${PRODUCING}'`);
      await damage();
      const damaged = await everything();
      const known = await versions();
      const dry = await replayAll({ dryRun: true });
      expect(dry.changed).toBeGreaterThan(10);
      expect((await replayAll({ dryRun: true }, { ids: [failed] })).examples).toEqual([
        {
          id: failed,
          account: 'media-cn',
          vendorJobId: expect.any(String),
          differences: expect.arrayContaining(['status', 'confirmed', 'terminal_at']),
        },
      ]);
      expect(await versions()).toEqual(known);
      expect(await everything()).toEqual(damaged);

      const told = await tracker.rows('SELECT last_value FROM outbox_id_seq');
      expect(await replayAll()).toMatchObject({ changed: dry.changed, unchanged: dry.unchanged, failed: 0 });
      // Nobody is told of it: it is no news.
      expect(await tracker.rows('SELECT last_value FROM outbox_id_seq')).toEqual(told);
      const after = await everything();
      expect(Object.keys(before)).toHaveLength(7);
      for (const table of Object.keys(before)) expect([table, after[table]]).toEqual([table, before[table]]);

      const mended = await versions();
      expect(await replayAll()).toMatchObject({ changed: 0, unchanged: dry.jobs });
      expect(await versions()).toEqual(mended);
    });
  });

  it('loses nothing that arrives meanwhile', async () => {
    const jobs = Array.from({ length: 24 }, (_, i) =>
      submit({ api: i % 3 === 0 ? 'alibaba-ims/media-convert' : PRODUCING, queueMs: 0, durationMs: 4000 * (i % 12) }),
    );
    for (const job of jobs) await register(job, { callbackExpected: false });
    const ids = jobs.map(({ vendorJobId }) => vendorJobId);
    const seen = async () =>
      (
        await tracker.rows('SELECT vendor_job_id, status FROM jobs WHERE vendor_job_id = ANY ($1) AND confirmed', [ids])
      ).map((row) => [row['vendor_job_id'], row['status']]);
    const expected = jobs.map(({ vendorJobId, expectedStatus }) => [vendorJobId, expectedStatus]);
    await eventually(async () => {
      await lookAtEnded();
      await tracker.rows(
        `UPDATE jobs SET status = 'queued', name = 'damaged' WHERE vendor_job_id = ANY ($1) AND random() < 0.3`,
        [ids],
      );
      expect(await replayAll()).toMatchObject({ failed: 0 });
      expect((await seen()).sort()).toEqual(expected.sort());
    }, CALMLY);
    await eventually(async () => {
      await lookAtEnded();
      expect(await count('jobs WHERE next_poll_at IS NOT NULL')).toBe(0);
    }, CALMLY);
    expect(await replayAll()).toMatchObject({ changed: 0, failed: 0 });
  });

  it('keeps the news that nobody was told of yet, also when it numbers their events anew', async () => {
    const failures = async () =>
      (await tracker.rows('SELECT coalesce(sum(failures), 0)::int AS n FROM alerts'))[0]?.['n'] as number;
    const firstFailure = (id: string) =>
      tracker.rows(`SELECT sequence FROM history_events WHERE job_id = $1 AND "to" = 'failed'`, [id]);
    await eventually(async () => expect(await count('outbox')).toBe(0));
    const known = await failures();
    await withoutUpkeep('outbox', async () => {
      const job = submit({ api: PRODUCING, outcome: 'failed', queueMs: 0, durationMs: 10_000_000 });
      const id = await register(job);
      await eventually(async () => expect((await tracker.job(job.vendorJobId)).status).toBe('running'));
      await tracker.rows('UPDATE jobs SET history_sequence = history_sequence + 100 WHERE id = $1', [id]);
      job.life.endsAt = Date.now();
      await eventually(async () => {
        await dueNow(tracker, [job.vendorJobId]);
        expect(await tracker.job(job.vendorJobId)).toMatchObject({ status: 'failed', confirmed: true });
      }, CALMLY);
      expect((await firstFailure(id))[0]?.['sequence']).toBeGreaterThan(100);
      await tracker.rows(`DELETE FROM history_events WHERE job_id = $1 AND "to" = 'running'`, [id]);
      expect(await replayAll({}, { ids: [id] })).toMatchObject({ changed: 1 });
      expect((await firstFailure(id))[0]?.['sequence']).toBeLessThan(100);
      expect(await failures()).toBe(known);
    });
    await eventually(async () => expect(await count('outbox')).toBe(0));
    expect(await failures()).toBe(known + 1);
  });

  it('looks again at what an applier has in hand', async () => {
    const id = await jobId(`status = 'succeeded' AND api = 'huawei-mpc/editing'`);
    const [{ name } = {}] = await tracker.rows('SELECT name FROM jobs WHERE id = $1', [id]);
    await tracker.rows(`UPDATE jobs SET name = 'damaged' WHERE id = $1`, [id]);
    const replayed = await tracker.app.get(SqlPool).transaction(async (applier) => {
      await applier.query('UPDATE jobs SET name = $2 WHERE id = $1', [id, name]);
      const replaying = replayAll({}, { ids: [id] });
      await eventually(async () => expect(await count(WAITING)).toBe(1));
      return { replaying };
    });
    expect(await replayed.replaying).toMatchObject({ jobs: 1, unchanged: 1, changed: 0 });
    expect(await tracker.rows('SELECT name FROM jobs WHERE id = $1', [id])).toEqual([{ name }]);
  });

  it('applies again what went nowhere, where it speaks of a job now', async () => {
    const id = await jobId(`status = 'succeeded' AND api = '${PRODUCING}' AND parent_job_id IS NULL`);
    const shown = async () => {
      const { updatedAt: _, terminalAt: __, ...job } = (await tracker.get(`/v1/jobs/${id}`)).body;
      return job;
    };
    const known = await shown();
    // As a bug in reading would have left it.
    const unread = await tracker.rows(
      `WITH unread AS (DELETE FROM job_receipts WHERE job_id = $1 RETURNING receipt_id, number, asked_at)
       INSERT INTO receipt_problems (receipt_id, account, state, reason, number, asked_at)
       SELECT receipt_id, 'media-cn', 'failed', 'a bug', number, asked_at FROM unread RETURNING receipt_id`,
      [id],
    );
    const problems = unread.length + 1;
    await eventually(async () => expect(await count('receipt_problems')).toBe(problems));
    expect(await replayAll({ dryRun: true })).toMatchObject({ problems });
    expect(await count('receipt_problems')).toBe(problems);
    expect(await replayAll()).toMatchObject({ problems });
    await eventually(async () => {
      expect(await tracker.rows('SELECT state FROM receipt_problems')).toEqual([{ state: 'unmatched' }]);
      expect(await count('pending_receipts')).toBe(0);
      expect(await shown()).toEqual(known);
    });
    expect(await replayAll()).toMatchObject({ changed: 0, problems: 1 });
  });

  it('leaves a job alone when the body of one of its receipts has expired', async () => {
    const id = await jobId(`status = 'failed' AND api = 'alibaba-ims/snapshot'`);
    await tracker.rows(
      'DELETE FROM receipts WHERE id = (SELECT receipt_id FROM job_receipts WHERE job_id = $1 ORDER BY number LIMIT 1)',
      [id],
    );
    await tracker.rows(`UPDATE jobs SET status = 'running', name = 'as it was' WHERE id = $1`, [id]);
    const summary = await replayAll();
    expect(summary).toMatchObject({ changed: 0, failed: 0 });
    expect(summary.expired).toBeGreaterThan(0);
    expect(summary.expired + summary.unchanged).toBe(summary.jobs);
    expect(await tracker.rows('SELECT status, name FROM jobs WHERE id = $1', [id])).toEqual([
      { status: 'running', name: 'as it was' },
    ]);
  });

  it('looks only at the jobs it is asked for', async () => {
    const some = await jobId(`api = 'alibaba-ims/media-convert'`);
    await tracker.rows(`UPDATE jobs SET updated_at = now() - interval '3 days' WHERE id = $1`, [some]);
    const looked = async (scope: Partial<ReplayScope>) => (await replayAll({ dryRun: true }, scope)).jobs;
    const ago = (hours: number) => new Date(Date.now() - hours * 3_600_000);
    expect(await looked({ accounts: ['clips-cn'] })).toBe(await count(`jobs WHERE account = 'clips-cn'`));
    expect(await looked({ apis: [PRODUCING] })).toBe(await count(`jobs WHERE api = '${PRODUCING}'`));
    expect(await looked({ ids: [some] })).toBe(1);
    expect(await looked({ ids: [some], updatedSince: ago(71) })).toBe(0);
    expect(await looked({ ids: [some], updatedSince: ago(73) })).toBe(1);
    expect(await looked({ ids: [some], accounts: ['clips-cn'] })).toBe(0);
  });

  it('ends between two chunks when it is told to', async () => {
    expect(await replayAll({ signal: AbortSignal.abort() })).toMatchObject({ jobs: 0, stopped: true });
  });

  describe('as a command', () => {
    let folder: string;
    let environment: Record<string, string>;

    beforeAll(() => {
      folder = mkdtempSync(path.join(tmpdir(), 'callsheet-replay-'));
      const config = path.join(folder, 'callsheet.yaml');
      const { accessKeyId, accessKeySecret } = CREDENTIALS;
      const accounts = [
        { name: 'media-cn', vendor: 'alibaba-ims', region: 'cn-shanghai', accessKeyId, accessKeySecret },
        {
          ...HUAWEI_CREDENTIALS,
          name: 'clips-cn',
          vendor: 'huawei-mpc',
          region: 'cn-north-4',
          projectId: HUAWEI_PROJECT,
        },
      ];
      writeFileSync(config, JSON.stringify({ accounts }));
      environment = { DATABASE_URL: tracker.databaseUrl, CALLSHEET_CONFIG: config, CALLSHEET_API_KEY: ADMIN_KEY };
    });
    afterAll(() => rmSync(folder, { recursive: true }));

    it('replays what it is asked for beside the tracker, and says what it came to', async () => {
      const id = await jobId(`status = 'succeeded' AND api = 'huawei-mpc/editing'`);
      const [{ vendor_job_id: vendorJobId } = {}] = await tracker.rows('SELECT vendor_job_id FROM jobs WHERE id = $1', [
        id,
      ]);
      await tracker.rows(`UPDATE jobs SET status = 'failed' WHERE id = $1`, [id]);
      const dry = await runReplay(environment, [`--job=${vendorJobId}`, '--dry-run']);
      expect(dry).toEqual({
        code: 0,
        output: expect.stringContaining(`1 job: 0 as they must be, 1 would change\n  ${id} `),
      });
      expect(dry.output).toContain('nothing was written');

      const done = await runReplay(environment, ['--since=2d', '--account=clips-cn']);
      expect(done).toEqual({ code: 0, output: expect.stringContaining(' 1 changed\n') });
      expect(done.output).toContain(`${id} (clips-cn, ${vendorJobId}): status`);
      expect(await tracker.rows('SELECT status FROM jobs WHERE id = $1', [id])).toEqual([{ status: 'succeeded' }]);
      expect(done.output).not.toContain('AKSECRETFINDME');
    });

    it('says what it does not know', async () => {
      const [job, account] = await Promise.all([
        runReplay(environment, ['--job=nobody-has-this']),
        runReplay(environment, ['--account=media-us']),
      ]);
      expect(job).toEqual({ code: 1, output: 'no such job is tracked: nobody-has-this\n' });
      expect(account).toEqual({
        code: 2,
        output: expect.stringContaining('no account media-us; there is media-cn, clips-cn'),
      });
    });
  });
});
