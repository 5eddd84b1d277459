import { connect, type Socket } from 'node:net';
import { imsSignature } from '../../src/callbacks/authenticate.js';
import { eventually } from '../support/eventually.js';
import { AUTH_KEY, startTracker, TOKEN, type TestTracker } from '../support/tracker.js';

const MEBIBYTE = 1024 * 1024;

describe('the callback door, to clients of every kind', () => {
  let tracker: TestTracker;
  let wire: Wire;

  beforeAll(async () => {
    tracker = await startTracker({ role: 'api' });
  });
  afterAll(() => tracker.stop());
  beforeEach(() => {
    wire = new Wire(tracker.url);
  });
  afterEach(() => wire.socket.destroy());

  const stored = async () =>
    (await tracker.rows(`SELECT convert_from(body, 'UTF8') AS body FROM receipts ORDER BY id`)).map(({ body }) => body);
  const newlyStored = async (act: () => Promise<void>) => {
    const before = await stored();
    await act();
    return (await stored()).slice(before.length);
  };

  function head(fields: string[], path = new URL(tracker.notifyAddress).pathname, method = 'POST'): string {
    const timestamp = String(Math.floor(Date.now() / 1000));
    return [
      `${method} ${path} HTTP/1.1`,
      'Host: callsheet.test',
      `x-ice-timestamp: ${timestamp}`,
      `x-ice-signature: ${imsSignature(tracker.notifyAddress, timestamp, AUTH_KEY)}`,
      ...fields,
      '',
      '',
    ].join('\r\n');
  }
  const post = (body: string, path?: string) => head([`Content-Length: ${body.length}`], path) + body;
  const chunk = (body: string) => `${body.length.toString(16)}\r\n${body}\r\n`;

  it('answers requests that were sent before the first was answered, in their order', async () => {
    const bodies = ['{"pipelined":1}', '{"pipelined":2}', '{"pipelined":3}'];
    const requests = bodies.map((body) => post(body));
    requests.splice(1, 0, post('{}', '/callbacks/media-cn/not-the-token'));
    const fresh = await newlyStored(async () => {
      wire.send(requests.join(''));
      await wire.answered(200, 404, 200, 200);
    });
    expect(fresh).toEqual(bodies);
  });

  it('never reads the body of a request that it refused as the next request', async () => {
    const hidden = post('{"smuggled":true}');
    const padded = hidden + ' '.repeat(MEBIBYTE);
    const refused: [number, string][] = [
      [404, post(hidden, '/callbacks/media-cn/not-the-token')],
      [404, post(hidden, '/callbacks/nobody/x')],
      [401, post(hidden).replace(/x-ice-signature: \w+/, 'x-ice-signature: wrong')],
      [413, post(padded)],
      [413, head(['Transfer-Encoding: chunked']) + chunk(padded) + chunk(hidden) + chunk('')],
    ];
    const fresh = await newlyStored(async () => {
      for (const [status, request] of refused) {
        wire = new Wire(tracker.url);
        wire.send(request);
        await wire.answered(status);
        wire.send(post(`{"after":${status}}`));
        await wire.answered(status, 200);
        wire.socket.destroy();
      }
    });
    expect(fresh).toEqual(['{"after":404}', '{"after":401}', '{"after":413}']);
  });

  it('takes a body of 1 MiB, in one piece and in chunks, and not a byte more', async () => {
    const body = (bytes: number) => `{"padding":"${'x'.repeat(bytes - 14)}"}`;
    const requests = (bytes: number) => [
      post(body(bytes)),
      head(['Transfer-Encoding: chunked']) +
        chunk(body(bytes).slice(0, 1000)) +
        chunk(body(bytes).slice(1000)) +
        chunk(''),
    ];
    for (const request of requests(MEBIBYTE)) wire.send(request);
    await wire.answered(200, 200);
    for (const request of requests(MEBIBYTE + 1)) wire.send(request);
    await wire.answered(200, 200, 413, 413);
  });

  it('tells a client that asks first to go on', async () => {
    wire.send(head(['Content-Length: 16', 'Expect: 100-continue']));
    await wire.isToldToGoOn();
    wire.send('{"expected":100}');
    await wire.answered(100, 200);
  });

  it('is closed to other methods', async () => {
    const fresh = await newlyStored(async () => {
      for (const method of ['GET', 'HEAD', 'PUT']) wire.send(head([], undefined, method));
      await wire.answered(404, 404, 404);
    });
    expect(fresh).toEqual([]);
    expect(wire.received).not.toContain(TOKEN);
  });

  it('forgets a client that hangs up in the middle of its body', async () => {
    const server = tracker.app.getHttpServer();
    wire.socket.destroy();
    const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
    wire = new Wire(tracker.url);
    const fresh = await newlyStored(async () => {
      wire.send(head(['Content-Length: 1000', 'Expect: 100-continue']));
      await wire.isToldToGoOn();
      const { bytesRead } = await accepted;
      wire.send('{"half":');
      await eventually(async () => expect((await accepted).bytesRead).toBeGreaterThan(bytesRead));
      wire.socket.destroy();
      await eventually(async () => expect((await accepted).destroyed).toBe(true));
      expect((await tracker.callback({ whole: true })).status).toBe(200);
    });
    expect(fresh).toEqual(['{"whole":true}']);
  });

  it('cuts off whoever does not come to an end with its body', async () => {
    const server = tracker.app.getHttpServer();
    const { headersTimeout, requestTimeout } = server;
    // A fiftieth of the time is as good; and without any limit, a fiftieth of it is none either.
    Object.assign(server, { headersTimeout: headersTimeout / 50, requestTimeout: requestTimeout / 50 });
    wire.send(head(['Transfer-Encoding: chunked']));
    const drip = setInterval(() => wire.send(chunk('x')), 20);
    await eventually(() => expect(wire.socket.closed).toBe(true)).finally(() => {
      clearInterval(drip);
      Object.assign(server, { headersTimeout, requestTimeout });
    });
    expect(wire.statuses()).toEqual([408]);
  });
});

/** A connection on which anything can be sent, also what no HTTP client would. */
class Wire {
  readonly socket: Socket;
  received = '';

  constructor(url: string) {
    this.socket = connect(Number(new URL(url).port), '127.0.0.1');
    this.socket.on('data', (bytes) => (this.received += bytes.toString('latin1')));
    // A server that closes in the middle of what is being sent is seen by what it answered.
    this.socket.on('error', () => undefined);
  }

  send(text: string): void {
    this.socket.write(text, 'latin1');
  }

  statuses(): number[] {
    return [...this.received.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));
  }

  /**
   * Expects these answers and no other. Answers come in the order of their requests, so after that to one more request there
   * is nothing left to come; that last answer is left out of what was received.
   */
  async answered(...statuses: number[]): Promise<void> {
    this.send('GET /health/live HTTP/1.1\r\nHost: callsheet.test\r\n\r\n');
    await eventually(() => expect(this.received).toContain('{"status":"live"}'));
    this.received = this.received.slice(0, this.received.lastIndexOf('HTTP/1.1 '));
    expect(this.statuses()).toEqual(statuses);
  }

  async isToldToGoOn(): Promise<void> {
    await eventually(() => expect(this.statuses()).toEqual([100]));
  }
}
