import { request } from 'node:http';
import { startEmulator, type Emulator } from '../../emulator/emulator.js';
import { imsSignature } from '../../src/callbacks/authenticate.js';
import { eventually } from '../support/eventually.js';
import { AUTH_KEY, startTracker, testAccount, TOKEN, VENDOR_ACCOUNT, type TestTracker } from '../support/tracker.js';

const complete = (vendorJobId: string, status = 'Success', at = new Date().toISOString().replace(/\.\d+/, '')) => ({
  EventType: 'ProduceMediaComplete',
  UserId: 1000000000000001,
  EventTime: at,
  MessageBody: { JobId: vendorJobId, Status: status },
});

describe('the callback door', () => {
  let emulator: Emulator;
  let tracker: TestTracker;

  beforeAll(async () => {
    emulator = await startEmulator({ seed: 3, timeScale: 0.01, accounts: [VENDOR_ACCOUNT] });
    const account = testAccount(emulator.url);
    const lenient = {
      ...account,
      name: 'lenient',
      callback: { tokens: [TOKEN], authKeys: [AUTH_KEY], signature: 'if-present' as const },
    };
    const claimOnly = { ...account, name: 'claim-only', credentials: null };
    tracker = await startTracker({
      accounts: [account, lenient, claimOnly],
    });
  });
  afterAll(async () => {
    await tracker.stop();
    await emulator.stop();
  });

  const receipts = async () =>
    Number((await tracker.rows(`SELECT count(*) AS n FROM receipts WHERE via = 'callback'`))[0]?.['n']);
  const addressOf = (account: string) => `${tracker.url}/callbacks/${account}/${TOKEN}`;

  it('answers exactly 200 and a tiny body, whatever the content type says', async () => {
    for (const type of [
      'application/json',
      'text/plain',
      'application/x-www-form-urlencoded',
      'image/png; q',
      ';;;',
      undefined,
    ]) {
      const body = complete(`type-${type ?? 'none'}`);
      const answer = await tracker.callback(Buffer.from(JSON.stringify(body)), { headers: { 'content-type': type } });
      expect([type, answer]).toEqual([type, { status: 200, text: 'ok' }]);
    }
  });

  it('keeps the bytes as they came', async () => {
    const bytes = Buffer.from([0x7b, 0xff, 0x00, 0xfe, 0x7d]);
    expect((await tracker.callback(bytes)).status).toBe(200);
    const [row] = await tracker.rows(
      `SELECT body, content_type FROM receipts WHERE via = 'callback' ORDER BY id DESC LIMIT 1`,
    );
    expect(row?.['body']).toEqual(bytes);
    expect(row?.['content_type']).toBe('application/json');
  });

  it('knows no strangers: another account, another token', async () => {
    const before = await receipts();
    for (const path of [
      '/callbacks/nobody/0123456789abcdef',
      `/callbacks/nobody/${TOKEN}`,
      `/callbacks/media-cn/${TOKEN}x`,
      '/callbacks/media-cn/x',
    ]) {
      expect((await tracker.callback(complete('x'), { address: tracker.url + path })).status).toBe(404);
    }
    expect(await receipts()).toBe(before);
  });

  it('wants the signature where there is a key, and counts by reason what it refuses', async () => {
    const before = await receipts();
    const old = String(Math.floor(Date.now() / 1000) - 400);
    const cases: [string, Record<string, string | undefined>][] = [
      ['signature_missing', { 'x-ice-timestamp': undefined, 'x-ice-signature': undefined }],
      ['signature_wrong', { 'x-ice-signature': '0'.repeat(32) }],
      [
        'signature_expired',
        { 'x-ice-timestamp': old, 'x-ice-signature': imsSignature(tracker.notifyAddress, old, AUTH_KEY) },
      ],
    ];
    for (const [reason, headers] of cases) {
      expect(await tracker.callback(complete('unsigned'), { headers })).toEqual({
        status: 401,
        text: reason.replace('_', ' '),
      });
    }
    expect(await receipts()).toBe(before);
    const metrics = (await tracker.get('/metrics')).text;
    for (const [reason] of cases) {
      expect(metrics).toMatch(
        new RegExp(`callsheet_callbacks_refused_total\\{account="media-cn",reason="${reason}"\\} 1`),
      );
    }
    const { body } = await tracker.get('/v1/accounts');
    expect(JSON.stringify(body.data.find(({ name }: { name: string }) => name === 'media-cn'))).toContain(
      'signature_wrong',
    );
  });

  it('takes an unsigned callback where the signature is checked only if present, and never a wrong one', async () => {
    const address = addressOf('lenient');
    const unsigned = { 'x-ice-timestamp': undefined, 'x-ice-signature': undefined };
    expect((await tracker.callback(complete('lenient'), { address, headers: unsigned })).status).toBe(200);
    expect(
      (await tracker.callback(complete('lenient'), { address, headers: { 'x-ice-signature': 'f'.repeat(32) } })).status,
    ).toBe(401);
  });

  it('takes the signature over the address with its query as well', async () => {
    const address = `${tracker.notifyAddress}?from=ims`;
    const timestamp = String(Math.floor(Date.now() / 1000));
    for (const signed of [address, tracker.notifyAddress]) {
      const headers = { 'x-ice-timestamp': timestamp, 'x-ice-signature': imsSignature(signed, timestamp, AUTH_KEY) };
      expect((await tracker.callback(complete('query'), { address, headers })).status).toBe(200);
    }
  });

  it('takes a body of 1 MiB, and refuses one of 2 MiB', async () => {
    const padded = (bytes: number) => {
      const body = JSON.stringify({ ...complete('large'), padding: '' });
      return body.replace('"padding":""', `"padding":"${'x'.repeat(bytes - body.length)}"`);
    };
    expect((await tracker.callback(padded(1024 * 1024))).status).toBe(200);
    const refused = await tracker.callback(padded(2 * 1024 * 1024)).catch(() => ({ status: 413 }));
    expect(refused.status).toBe(413);
  });

  it('stores what it cannot understand, and lists it', async () => {
    const odd: [string, string | Buffer][] = [
      ['not JSON', '{"EventType":'],
      ['empty', ''],
      ['no id', JSON.stringify({ EventType: 'ProduceMediaComplete', MessageBody: { Status: 'Success' } })],
      ['an id of 10,000 characters', JSON.stringify(complete('x'.repeat(10_000)))],
      ['50,000 levels', '['.repeat(50_000) + ']'.repeat(50_000)],
      [
        'an unknown event about nothing we know',
        JSON.stringify({ EventType: 'MoonriseComplete', MessageBody: { JobId: 'moon' } }),
      ],
    ];
    const before = (await tracker.get('/v1/receipts?state=unmatched&limit=200')).body.data.length;
    for (const [what, body] of odd) expect([what, (await tracker.callback(body)).status]).toEqual([what, 200]);
    await eventually(async () => {
      const { body } = await tracker.get('/v1/receipts?state=unmatched&limit=200');
      expect(body.data.length - before).toBe(odd.length);
    });
  });

  it('lets no bad body harm its neighbours, nor their histories', async () => {
    const bad = [
      '{"EventType":"ProduceMediaComplete","MessageBody":{"JobId":"nul\\u0000id","Status":"Success"}}',
      '{"EventType":"ProduceMediaComplete","MessageBody":{"JobId":"half-\\ud800","Status":"Suc\\u0000cess"}}',
      '{"EventType":"ProduceMediaComplete","MessageBody":{"JobId":"huge-number","Status":"Success","Duration":1e200000}}',
      '{"EventType":"ProduceMediaComplete","MessageBody":{"JobId":"deep","Status":"Success","x":' +
        '['.repeat(5000) +
        ']'.repeat(5000) +
        '}}',
      '{"EventType":"ProduceMediaComplete","EventTime":"9999-99-99T99:99:99Z","MessageBody":{"JobId":"no-time","Status":"Success"}}',
      '{"EventType":"ProduceMediaComplete","MessageBody":{"JobId":"odd-types","Status":{"a":1},"MediaURL":[],"UserData":7}}',
      '\u0000\u0001\u0002',
    ];
    const good = Array.from({ length: 40 }, (_, i) => JSON.stringify(complete(`neighbour-${i}`)));
    const bodies = good.flatMap((body, i) => [body, bad[i % bad.length] ?? '']);
    const answers = await Promise.all(bodies.map((body) => tracker.callback(body)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    await eventually(async () => {
      const rows = await tracker.rows(`SELECT status FROM jobs WHERE vendor_job_id LIKE 'neighbour-%'`);
      expect(rows.map(({ status }) => status)).toEqual(good.map(() => 'succeeded'));
      expect(await tracker.rows('SELECT * FROM pending_receipts')).toEqual([]);
    });
    expect(await tracker.rows(`SELECT * FROM receipt_problems WHERE state = 'failed'`)).toEqual([]);
    const ids = (await tracker.rows('SELECT vendor_job_id FROM jobs')).map(({ vendor_job_id: id }) => id);
    expect(ids).toEqual(expect.arrayContaining(['nulid', 'half-\ufffd', 'huge-number', 'no-time', 'odd-types']));
  });

  it('counts duplicates, and racing ones write one history', async () => {
    const body = complete('raced', 'Success', '2026-03-02T10:49:45Z');
    const reordered = {
      MessageBody: body.MessageBody,
      EventTime: body.EventTime,
      UserId: body.UserId,
      EventType: body.EventType,
    };
    const answers = await Promise.all(
      Array.from({ length: 16 }, (_, i) => tracker.callback(i % 2 === 0 ? body : reordered)),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    const job = await eventually(async () => {
      const found = await tracker.job('raced');
      expect(found?.status).toBe('succeeded');
      return found;
    });
    expect((await tracker.history(job.id)).map(({ kind }) => kind)).toEqual(['job.registered', 'job.status']);
    const { body: receiptsOfJob } = await tracker.get(`/v1/jobs/${job.id}/receipts`);
    const stored = receiptsOfJob.data.filter(({ via }: { via: string }) => via === 'callback');
    expect(stored).toHaveLength(1);
    expect((await tracker.get(`/v1/receipts/${stored[0].id}`)).body.seen).toBe(16);
  });

  it('leaves a word it has never seen alone, and says so once', async () => {
    // Where nobody can be asked, so that nothing but the callbacks speaks of the job.
    const claim = (body: unknown) =>
      tracker.callback(body, { address: addressOf('claim-only'), headers: signedFor('claim-only') });
    // Two appliers may take callbacks of one moment in either order: the first is to be history before the others come.
    await claim(complete('odd-word', 'Running', '2026-03-02T10:00:00Z'));
    await eventually(async () => expect((await tracker.job('odd-word')).status).toBe('running'));
    await claim(complete('odd-word', 'Levitating', '2026-03-02T10:00:01Z'));
    await claim(complete('odd-word', 'Levitating', '2026-03-02T10:00:02Z'));
    await eventually(async () => {
      const job = await tracker.job('odd-word');
      const kinds = (await tracker.history(job.id)).map(({ kind }) => kind);
      expect(kinds).toEqual(['job.registered', 'job.status', 'job.unknown_status']);
      expect(job.status).toBe('running');
      expect((await tracker.get(`/v1/jobs/${job.id}/receipts`)).body.data).toHaveLength(3);
    });
  });

  it('takes for final what a claim-only account hears, and says that it is only claimed', async () => {
    await tracker.callback(complete('claimed'), { address: addressOf('claim-only'), headers: signedFor('claim-only') });
    await eventually(async () => {
      expect(await tracker.job('claimed')).toMatchObject({
        account: 'claim-only',
        status: 'succeeded',
        confirmed: false,
        nextPollAt: null,
      });
    });
  });

  const signedFor = (account: string) => {
    const timestamp = String(Math.floor(Date.now() / 1000));
    return { 'x-ice-timestamp': timestamp, 'x-ice-signature': imsSignature(addressOf(account), timestamp, AUTH_KEY) };
  };

  it('finds the job of a callback that names only a part of it', async () => {
    const vendorJobId = emulator.submit({ api: 'alibaba-ims/media-convert', durationMs: 1 }).vendorJobId;
    await tracker.post('/v1/jobs', { account: 'media-cn', api: 'alibaba-ims/media-convert', vendorJobId });
    const part = await eventually(async () => {
      const [row] = await tracker.rows(
        'SELECT s.vendor_subjob_id AS id FROM subjobs s JOIN jobs j ON j.id = s.job_id WHERE j.vendor_job_id = $1',
        [vendorJobId],
      );
      expect(row).toBeDefined();
      return row?.['id'] as string;
    });
    await tracker.callback({
      EventType: 'MediaConvertOutputComplete',
      MessageBody: { TaskId: part, Status: 'Success' },
    });
    await eventually(async () => {
      const job = await tracker.job(vendorJobId);
      const { body } = await tracker.get(`/v1/jobs/${job.id}/receipts`);
      expect(body.data.map(({ via }: { via: string }) => via)).toContain('callback');
    });
  });

  it('turns a stranger away without waiting for his body', async () => {
    const status = await new Promise<number>((resolve, reject) => {
      const call = request(`${tracker.url}/callbacks/nobody/${TOKEN}`, {
        method: 'POST',
        headers: { 'transfer-encoding': 'chunked' },
      });
      call.once('response', (response) => {
        resolve(response.statusCode ?? 0);
        call.destroy();
      });
      call.once('error', reject);
      call.write('x'.repeat(1000));
    });
    // A stranger is turned away by the address alone, without a byte of the body.
    expect(status).toBe(404);
  });
});

describe('the door on a port of its own', () => {
  it('opens there alone, and takes tokens as long as the vendor does', async () => {
    const token = 'AKSECRETFINDME-'.padEnd(180, 'x');
    const account = testAccount('http://127.0.0.1:9', {
      callback: { tokens: [token], authKeys: [], signature: 'required' },
    });
    const tracker = await startTracker({ accounts: [account], callbackPort: 0, role: 'api' });
    const path = `/callbacks/media-cn/${token}`;
    const post = async (url: string) => (await fetch(url + path, { method: 'POST', body: '{}' })).status;
    expect(await post(tracker.callbackUrl)).toBe(200);
    expect(await post(tracker.url)).toBe(404);
    expect((await fetch(`${tracker.callbackUrl}/v1/jobs`)).status).toBe(404);
    expect((await tracker.get('/v1/jobs')).status).toBe(200);
    await tracker.stop();
  });
});
