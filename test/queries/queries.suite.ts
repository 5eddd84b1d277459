import { v7 as uuidv7 } from 'uuid';
import { refHash } from '../../src/domain/job-ref.js';
import { JobQueries } from '../../src/jobs/job-queries.js';
import { eventually } from '../support/eventually.js';
import { makeJob, makeReceipt, startQueriesApp, type QueriesApp } from '../support/queries-app.js';

const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute));
const ids = (rows: { id: string }[]) => rows.map(({ id }) => id);

/** Which jobs the app has found open while a request waits for them, from now on. */
function foundOpen({ app }: QueriesApp): Set<string> {
  const queries = app.get<{ isFinal(id: string): Promise<boolean> }>(JobQueries);
  const isFinal = queries.isFinal.bind(queries);
  const found = new Set<string>();
  queries.isFinal = async (id) => {
    const answer = await isFinal(id);
    if (!answer) found.add(id);
    return answer;
  };
  return found;
}

describe('reading jobs', () => {
  let tracker: QueriesApp;
  beforeAll(async () => {
    tracker = await startQueriesApp();
  });
  afterAll(() => tracker.stop());
  afterEach(async () => {
    const tables =
      'jobs, job_refs, streams, job_receipts, receipts, receipt_keys, receipt_problems, pending_receipts, budgets';
    await tracker.prisma.$executeRawUnsafe(`TRUNCATE ${tables} CASCADE`);
  });

  const make = (change: Parameters<typeof makeJob>[1] = {}) => makeJob(tracker.prisma, change);
  const listed = async (query: string) =>
    (await tracker.get(`/v1/jobs?${query}`)).body.data as { id: string; name: string }[];
  const errorsOf = async (path: string) => {
    const { status, body } = await tracker.get(path);
    return { status, paths: body.errors?.map(({ path }: { path: string }) => path) };
  };

  describe('lists', () => {
    it('filters by every parameter, and by all of them at once', async () => {
      const wanted = await make({
        account: 'a',
        api: 'v/x',
        status: 'failed',
        name: 'night batch',
        labels: { tenant: 'acme', tier: 'gold' },
        createdAt: at(5),
      });
      const others = [
        await make({ account: 'b', api: 'v/x', status: 'failed', createdAt: at(5) }),
        await make({ account: 'a', api: 'v/y', status: 'failed', createdAt: at(5), labels: { tenant: 'acme' } }),
        await make({ account: 'a', api: 'v/x', status: 'succeeded', createdAt: at(9), name: 'day batch' }),
      ];
      const [b, y, later] = others.map(({ id }) => id);
      const cases: Record<string, (string | undefined)[]> = {
        'status=failed': [wanted.id, b, y],
        'status=failed,succeeded': [wanted.id, b, y, later],
        'account=a': [wanted.id, y, later],
        'api=v/y': [y],
        'account=a,b&api=v/x': [wanted.id, b, later],
        'label=tenant:acme': [wanted.id, y],
        'label=tenant:acme&label=tier:gold': [wanted.id],
        'label=tenant:acme&label=tenant:other': [],
        'q=night': [wanted.id],
        'q=batch': [],
        'q=nigh%25': [],
        'createdAfter=2026-01-01T00:05:00Z&createdBefore=2026-01-01T00:09:00Z': [wanted.id, b, y],
        'createdAfter=2026-01-01T08:09:00%2B08:00': [later],
        'createdBefore=2026-01-01': [],
        'status=failed&account=a&api=v/x&label=tenant:acme&q=night&createdAfter=2026-01-01': [wanted.id],
      };
      for (const [query, expected] of Object.entries(cases)) {
        expect([query, ids(await listed(query)).sort()]).toEqual([query, expected.toSorted()]);
      }
    });

    it('finds a job by an exact id of anybody, an output URL, or a beginning', async () => {
      const job = await make({ vendorJobId: 'vendor_50%-abc', name: `${'n'.repeat(250)}-tail` });
      await make({ vendorJobId: 'vendorX50Y-abc', name: `${'n'.repeat(250)}-other` });
      await tracker.prisma.jobRef.create({ data: { ref: refHash('oss://bucket/a b.mp4'), jobId: job.id } });
      const asked = [
        job.id,
        'vendor_50%-abc',
        'vendor_5',
        ' oss://bucket/a b.mp4 ',
        `${'n'.repeat(250)}-t`,
        job.id.toUpperCase(),
      ];
      for (const q of asked) expect([q, ids(await listed(`q=${encodeURIComponent(q)}`))]).toEqual([q, [job.id]]);
      expect(await listed(`q=${'n'.repeat(250)}`)).toHaveLength(2);
      expect(await listed('q=abc')).toEqual([]);
    });

    it('leaves out what turned out to be a part of another job, unless somebody registered it', async () => {
      const parent = await make();
      const child = await make({ parentJobId: parent.id });
      const registered = await make({ parentJobId: parent.id, registered: true });
      expect(ids(await listed('')).sort()).toEqual([parent.id, registered.id].sort());
      expect((await tracker.get(`/v1/jobs/${child.id}`)).body.parentJobId).toBe(parent.id);
    });

    it.each(['createdAt', 'updatedAt', 'terminalAt', 'vendorCreatedAt'])(
      'pages by %s, both ways, through ties and rows without a value',
      async (column) => {
        const nullable = column === 'terminalAt' || column === 'vendorCreatedAt';
        for (let i = 0; i < 23; i++) {
          const value = nullable && i % 3 === 0 ? null : at(i % 4);
          await make({ [column]: value, status: i % 2 ? 'failed' : 'queued' });
        }
        const all = (await tracker.get('/v1/jobs?limit=200')).body.data as Record<string, string | null>[];
        for (const sort of [column, `-${column}`]) {
          for (const filter of ['', '&status=failed,queued', '&account=media-cn,claims']) {
            const rows = await tracker.all(`/v1/jobs?sort=${sort}&limit=4${filter}`);
            expect(ids(rows).toSorted()).toEqual(all.map(({ id }) => id).toSorted());
            const values = rows.map((row) => row[column]);
            const known = values.filter((value) => value !== null);
            expect(known).toEqual(sort === column ? known.toSorted() : known.toSorted().reverse());
            expect(values.slice(known.length)).toEqual(Array(values.length - known.length).fill(null));
          }
        }
      },
    );

    it('repeats and loses nothing when rows are added between pages', async () => {
      for (let i = 0; i < 6; i++) await make({ createdAt: at(i * 2) });
      const first = (await tracker.get('/v1/jobs?limit=3')).body;
      await make({ createdAt: at(30) });
      await make({ createdAt: at(9) });
      const rest = (await tracker.get(`/v1/jobs?limit=3&cursor=${first.nextCursor}`)).body;
      const minutes = [...first.data, ...rest.data].map((job) => new Date(job.createdAt).getUTCMinutes());
      expect(minutes).toEqual([10, 8, 6, 4, 2, 0]);
      expect(rest.nextCursor).toBeNull();
    });

    it('may show fewer rows than asked for while it looks on, and loses none', async () => {
      // More than are gathered, and further back than one page looks.
      await tracker.prisma
        .$executeRawUnsafe(`INSERT INTO jobs (id, account, api, vendor_job_id, status, via, callback_expected, labels, created_at)
        SELECT gen_random_uuid(), 'media-cn', 'v/x', 'bulk-' || n, 'succeeded', 'poll', false,
               CASE WHEN n > 2500 THEN '{"tenant": "acme"}'::jsonb ELSE '{}' END, now() - n * interval '1 second'
        FROM generate_series(1, 3600) AS n`);
      const first = (await tracker.get('/v1/jobs?label=tenant:acme')).body;
      expect([first.data, first.nextCursor]).toEqual([[], expect.any(String)]);
      const found = await tracker.all('/v1/jobs?label=tenant:acme&limit=200');
      expect(found.map(({ vendorJobId }) => vendorJobId)).toEqual(
        Array.from({ length: 1100 }, (_, i) => `bulk-${2501 + i}`),
      );
    });
  });

  it('refuses what it does not know, naming the place', async () => {
    expect(await errorsOf('/v1/jobs?statsu=failed&foo=1')).toEqual({ status: 400, paths: ['statsu', 'foo'] });
    expect(await errorsOf('/v1/jobs?status=failed,odd&limit=201&sort=name')).toEqual({
      status: 400,
      paths: expect.arrayContaining(['status[1]', 'limit', 'sort']),
    });
    expect(await errorsOf('/v1/accounts?x=1')).toEqual({ status: 400, paths: ['x'] });
    expect(await errorsOf('/v1/jobs/not-a-uuid')).toEqual({ status: 400, paths: ['id'] });
    expect(await errorsOf('/v1/lookup')).toEqual({ status: 400, paths: ['ref'] });
    for (const query of [
      'q=a%00b',
      `q=${'x'.repeat(3000)}`,
      'label=a',
      'label=a:%00',
      'account=%00',
      'createdAfter=soon',
      'cursor=%00',
    ]) {
      const path = query.slice(0, query.indexOf('=')).replace('account', 'account[0]');
      expect([query, await errorsOf(`/v1/jobs?${query}`)]).toEqual([query, { status: 400, paths: [path] }]);
    }
  });

  it('refuses a cursor that is not of this list', async () => {
    for (let i = 0; i < 3; i++) await make();
    const { nextCursor } = (await tracker.get('/v1/jobs?limit=1')).body;
    const forged = Buffer.from(JSON.stringify(['jobs -createdAt', "' OR 1=1", uuidv7()])).toString('base64url');
    for (const path of [
      `/v1/jobs?sort=updatedAt&cursor=${nextCursor}`,
      `/v1/subjobs?cursor=${nextCursor}`,
      '/v1/jobs?cursor=nonsense',
      '/v1/jobs?cursor=bnVsbA',
      `/v1/jobs?cursor=${forged}`,
    ]) {
      expect([path, await errorsOf(path)]).toEqual([path, { status: 400, paths: ['cursor'] }]);
    }
  });

  it('answers every failure as a problem', async () => {
    const cases: [string, string, object, number][] = [
      ['POST', '/v1/jobs', { body: '{"a":' }, 400],
      ['POST', '/v1/jobs', { body: '{"__proto__":{}}' }, 400],
      ['POST', '/v1/jobs', { body: 'a=b', headers: { 'content-type': 'application/x-www-form-urlencoded' } }, 415],
      ['POST', '/v1/jobs', { body: '<a/>', headers: { 'content-type': 'text/xml' } }, 415],
      ['POST', '/v1/jobs', { body: JSON.stringify({ a: 'x'.repeat(1_100_000) }) }, 413],
      ['POST', '/v1/jobs', { body: `{"labels":${'['.repeat(50_000)}${']'.repeat(50_000)}}` }, 400],
      ['GET', '/v1/nothing', {}, 404],
      ['GET', '/nothing', {}, 404],
      ['PUT', '/v1/jobs', {}, 404],
      ['GET', '/v1/jobs/%ff', {}, 400],
      ['GET', `/v1/jobs/${uuidv7()}`, {}, 404],
    ];
    for (const [method, path, options, status] of cases) {
      const answer = await tracker.call(method, path, options);
      expect([path, answer.status, answer.headers.get('content-type')]).toEqual([
        path,
        status,
        expect.stringMatching(/^application\/problem\+json/),
      ]);
      expect(answer.body).toMatchObject({
        status,
        title: expect.any(String),
        type: expect.any(String),
        detail: expect.any(String),
      });
    }
  });

  it('says nothing of our insides when something breaks', async () => {
    await tracker.prisma.$executeRawUnsafe('ALTER TABLE subjobs RENAME TO subjobs_away');
    const answer = await tracker.get('/v1/subjobs');
    await tracker.prisma.$executeRawUnsafe('ALTER TABLE subjobs_away RENAME TO subjobs');
    expect(answer.status).toBe(500);
    expect(answer.text).not.toMatch(/subjobs|relation|select/i);
  });

  it('shows a job with its parts in order and each stream with its own fields', async () => {
    const job = await make({ status: 'partially_failed', errorCode: 'E', vendorErrorMessage: 'm' });
    const part = { jobId: job.id, kind: 'output', status: 'succeeded', position: 0 };
    const paths = ['output/10', 'output_group/0/output/0', 'output/2', 'output_group/0'];
    const subjobs = paths.map((path) => ({
      ...part,
      id: uuidv7(),
      path,
      status: path === 'output/10' ? 'failed' : 'succeeded',
    }));
    await tracker.prisma.subjob.createMany({ data: subjobs });
    const [own, placed] = [uuidv7(), uuidv7()];
    await tracker.prisma.output.createMany({
      data: [
        { id: own, jobId: job.id, slot: '#0', url: 'oss://own' },
        { id: placed, jobId: job.id, subjobId: subjobs[2]?.id, slot: 'output/2#0', sizeBytes: 12_345_678_901n },
      ],
    });
    const facts = { outputId: placed, jobId: job.id, codec: 'c', width: 1, channels: 2, raw: { a: '1' } };
    await tracker.prisma.stream.createMany({
      data: [
        { ...facts, position: 1, type: 'audio', bitrateBps: 128_000n },
        { ...facts, position: 0, type: 'video', fps: 29.97, frames: 100n },
      ],
    });

    const { body } = await tracker.get(`/v1/jobs/${job.id}`);
    expect(body.subjobs.map(({ path }: { path: string }) => path)).toEqual([
      'output/2',
      'output/10',
      'output_group/0',
      'output_group/0/output/0',
    ]);
    expect(body).toMatchObject({
      error: { code: 'E', message: null },
      vendorError: { code: null, message: 'm' },
      subjobCounts: { total: 4, succeeded: 3, failed: 1, skipped: 0 },
      outputs: [{ id: own, url: 'oss://own', streams: [] }],
      terminalAt: null,
    });
    expect(body.subjobs[0].error).toBeNull();
    const [output] = body.subjobs[0].outputs;
    expect(output.sizeBytes).toBe(12_345_678_901);
    expect(output.streams.map(({ type }: { type: string }) => type)).toEqual(['video', 'audio']);
    expect(output.streams[0]).toMatchObject({ fps: 29.97, frames: 100, width: 1, raw: { a: '1' } });
    expect(output.streams[0]).not.toHaveProperty('channels');
    expect(output.streams[1]).toMatchObject({ channels: 2, bitrateBps: 128_000, raw: { a: '1' } });
    expect(output.streams[1]).not.toHaveProperty('width');

    const [item] = (await tracker.get('/v1/jobs')).body.data;
    expect(item.subjobCounts).toEqual(body.subjobCounts);
    expect(item).not.toHaveProperty('subjobs');
    expect(ids((await tracker.get('/v1/subjobs?status=failed')).body.data)).toEqual([subjobs[0]?.id]);
    expect(ids(await tracker.all('/v1/subjobs?limit=1')).sort()).toEqual(ids(subjobs).sort());
  });

  describe('waiting', () => {
    it('answers as soon as the job is final', async () => {
      const [other, job] = [await make(), await make()];
      const end = ({ id }: { id: string }) =>
        tracker.prisma.job.update({ where: { id }, data: { terminalAt: new Date(), status: 'failed' } });
      const found = foundOpen(tracker);
      const answers = [other, job].map(({ id }) => tracker.get(`/v1/jobs/${id}?wait=60`));
      await eventually(() => expect(found).toEqual(new Set([other.id, job.id])));
      await end(job);
      // The other one was asked for no later, and is still waited for.
      expect((await Promise.race(answers)).body).toMatchObject({ id: job.id, status: 'failed' });
      await end(other);
      expect((await answers[0])?.body.status).toBe('failed');
    });

    it('answers after the time that was given, and takes no more than 60 s', async () => {
      const { id } = await make();
      const began = performance.now();
      expect((await tracker.get(`/v1/jobs/${id}?wait=1`)).body.status).toBe('queued');
      expect(performance.now() - began).toBeGreaterThan(950);
      expect(await errorsOf(`/v1/jobs/${id}?wait=61`)).toEqual({ status: 400, paths: ['wait'] });
    });
  });

  it('does not hold up a shutdown with those who wait', async () => {
    const other = await startQueriesApp();
    const { id } = await makeJob(other.prisma);
    const found = foundOpen(other);
    const answer = other.get(`/v1/jobs/${id}?wait=60`).then(
      ({ status }) => status,
      () => 'cut off',
    );
    await eventually(() => expect(found).toEqual(new Set([id])));
    await other.stop();
    // It would be 200 after the whole wait.
    expect([503, 'cut off']).toContain(await answer);
  });

  it('tracks jobs, each item of a batch on its own', async () => {
    const job = { account: 'media-cn', api: 'alibaba-ims/media-convert', vendorJobId: ' new-1 ' };
    const first = await tracker.post('/v1/jobs', { ...job, labels: { tenant: 'acme' } });
    expect(first.status).toBe(201);
    expect(first.body).toMatchObject({
      vendorJobId: 'new-1',
      labels: { tenant: 'acme' },
      registered: true,
      status: 'queued',
    });
    expect(first.headers.get('location')).toBe(`/v1/jobs/${first.body.id}`);
    expect((await tracker.post('/v1/jobs', job)).status).toBe(200);

    const bad = [
      { ...job, account: 'nobody' },
      { ...job, api: 'x/y' },
      { ...job, vendorJobId: 'a\0b' },
      { ...job, labels: { a: '\ud800' } },
      { ...job, extra: 1 },
      { ...job, vendorJobId: 'x'.repeat(257) },
    ];
    for (const body of bad) expect([body, (await tracker.post('/v1/jobs', body)).status]).toEqual([body, 400]);

    const { body } = await tracker.post('/v1/jobs/batch', { jobs: [bad[0], { ...job, vendorJobId: 'new-2' }, 7, job] });
    expect(body.results.map(({ status }: { status: number }) => status)).toEqual([400, 201, 400, 200]);
    expect(body.results[0].problem.errors[0].path).toBe('jobs[0].account');
    expect(body.results[1].job.vendorJobId).toBe('new-2');
    expect(body.results[3].job.id).toBe(first.body.id);
    expect((await tracker.post('/v1/jobs/batch', { jobs: Array(1001).fill(job) })).status).toBe(400);
  });

  it('tells history oldest first, page by page', async () => {
    const { id } = await make();
    const event = { jobId: id, kind: 'job.status', via: 'poll', recordedAt: new Date() };
    await tracker.prisma.historyEvent.createMany({ data: [3, 1, 2].map((sequence) => ({ ...event, sequence })) });
    const rows = await tracker.all(`/v1/jobs/${id}/history?limit=2`);
    expect(rows.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
    expect((await tracker.get(`/v1/jobs/${uuidv7()}/history`)).status).toBe(404);
  });

  it('looks up every job that an id belongs to', async () => {
    const jobs = [await make(), await make(), await make()];
    for (const { id } of jobs)
      await tracker.prisma.jobRef.create({ data: { ref: refHash('shared-project'), jobId: id } });
    expect(ids(await tracker.all('/v1/lookup?ref=shared-project&limit=2'))).toEqual(ids(jobs).reverse());
    expect((await tracker.get('/v1/lookup?ref=shared')).body.data).toEqual([]);
  });

  describe('receipts', () => {
    it('are listed by what became of them', async () => {
      const { prisma } = tracker;
      const [applied, pending, failed, replayed] = [
        await makeReceipt(prisma, '1'),
        await makeReceipt(prisma, '2'),
        await makeReceipt(prisma, '3'),
        await makeReceipt(prisma, '4', { account: 'claims' }),
      ];
      const problem = { account: 'media-cn', state: 'failed', reason: 'a width of 10^12', number: 1 };
      await prisma.receiptProblem.createMany({
        data: [
          { ...problem, receiptId: failed },
          { ...problem, account: 'claims', receiptId: replayed },
        ],
      });
      await prisma.pendingReceipt.createMany({
        data: [pending, replayed].map((receiptId) => ({ receiptId, number: 1 })),
      });
      const cases: Record<string, string[]> = {
        '': [replayed, failed, pending, applied],
        'state=applied': [applied],
        'state=pending': [replayed, pending],
        'state=failed': [failed],
        'state=failed,applied': [failed, applied],
        'state=pending&account=claims': [replayed],
        'account=claims,media-cn': [replayed, failed, pending, applied],
        'state=unmatched': [],
      };
      for (const [query, expected] of Object.entries(cases)) {
        expect([query, ids((await tracker.get(`/v1/receipts?${query}`)).body.data)]).toEqual([query, expected]);
        expect(ids(await tracker.all(`/v1/receipts?limit=1&${query}`))).toEqual(expected);
      }
      const [shown] = (await tracker.get('/v1/receipts?state=failed')).body.data;
      expect(shown).toMatchObject({ state: 'failed', reason: 'a width of 10^12', sizeBytes: 1 });
    });

    it('show their body as it came', async () => {
      const bodies: [string | Uint8Array, object][] = [
        ['{"a": [1]}\n', { body: '{"a": [1]}\n', bodyEncoding: 'text', json: { a: [1] } }],
        ['{"a":"\\u0000"}', { bodyEncoding: 'text', json: { a: '\0' } }],
        ['not json', { body: 'not json', json: null }],
        ['[0]\0', { body: '[0]\0', json: null }],
        [Buffer.from([0xff, 0x00]), { body: '/wA=', bodyEncoding: 'base64', json: null }],
        ['['.repeat(50_000) + ']'.repeat(50_000), { bodyEncoding: 'text', json: null }],
        [`"${'[{\\"'.repeat(300)}"`, { json: '[{"'.repeat(300) }],
      ];
      for (const [body, expected] of bodies) {
        const answer = await tracker.get(`/v1/receipts/${await makeReceipt(tracker.prisma, body)}`);
        expect(answer.status).toBe(200);
        expect(answer.body).toMatchObject({ ...expected, seen: 2, state: 'applied' });
      }
    });

    it('are gone, and not unknown, once their body has expired', async () => {
      const { prisma } = tracker;
      const job = await make();
      const receiptId = await makeReceipt(prisma, 'x');
      await prisma.jobReceipt.create({ data: { jobId: job.id, receiptId, number: 1, askedAt: new Date() } });
      await prisma.receipt.delete({ where: { id: receiptId } });
      expect((await tracker.get(`/v1/receipts/${receiptId}`)).status).toBe(410);
      expect((await tracker.post(`/v1/receipts/${receiptId}/replay`)).status).toBe(410);
      await prisma.receiptKey.deleteMany();
      expect((await tracker.get(`/v1/receipts/${receiptId}`)).status).toBe(410);
      expect((await tracker.get(`/v1/receipts/${uuidv7()}`)).status).toBe(404);
      const [shown] = (await tracker.get(`/v1/jobs/${job.id}/receipts`)).body.data;
      expect(shown).toMatchObject({ id: receiptId, expired: true, sizeBytes: null });
    });
  });

  it('shows how an account fares, and that it degrades nobody else', async () => {
    const paused = { pausedAt: at(0), pauseCode: 'Forbidden', pauseReason: 'no permission', pauseScope: 'api' };
    const budget = {
      account: 'media-cn',
      api: 'alibaba-ims/media-convert',
      tokens: 0,
      rate: 2.5,
      clockSkewMs: 900_000,
    };
    await tracker.prisma.budget.create({ data: { ...budget, ...paused } });
    const [account, claims] = (await tracker.get('/v1/accounts')).body.data;
    const [shown] = account.budgets.filter(({ api }: { api: string }) => api === budget.api);
    expect(shown).toMatchObject({
      requestsPerSecond: 20,
      currentRate: 2.5,
      paused: { at: at(0).toISOString(), code: 'Forbidden', reason: 'no permission', scope: 'api' },
    });
    expect(claims).toMatchObject({ name: 'claims', claimOnly: true, budgets: [] });
    const ready = await tracker.get('/health/ready');
    expect(ready.status).toBe(200);
    expect(ready.body.degraded.map(({ kind }: { kind: string }) => kind)).toEqual(['paused', 'clock_skew']);
    expect((await tracker.get('/metrics')).text).toContain(
      'callsheet_budget_paused{account="media-cn",api="alibaba-ims/media-convert"} 1',
    );
  });

  it('is not ready while a migration is missing, and says which', async () => {
    await tracker.prisma.$executeRawUnsafe(
      `UPDATE _prisma_migrations SET finished_at = NULL WHERE migration_name LIKE '%_history'`,
    );
    const answer = await tracker.get('/health/ready');
    await tracker.prisma.$executeRawUnsafe(
      'UPDATE _prisma_migrations SET finished_at = now() WHERE finished_at IS NULL',
    );
    expect(answer.status).toBe(503);
    expect(answer.body.notReady).toEqual([{ name: 'migrations', reason: expect.stringContaining('_history') }]);
    expect((await tracker.get('/health/live')).status).toBe(200);
  });
});
