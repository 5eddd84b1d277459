import { v7 as uuidv7 } from 'uuid';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { channelTo } from '../../src/alerts/receivers.js';
import { dingtalkSignature } from '../../src/alerts/receivers/dingtalk.js';
import { feishuSignature } from '../../src/alerts/receivers/feishu.js';
import { DeliveryFailed, type Answered } from '../../src/delivery/channel.js';
import { sendWithin } from '../../src/delivery/send-within.js';
import { redactor } from '../../src/settings/redact.js';
import { secretsOfReceiver, type Receiver } from '../../src/settings/receiver-settings.js';
import { alertMessage } from '../support/alert-message.js';
import { hang, reset, startHttpReceiver, status, type HttpReceiver } from '../support/http-receiver.js';
import { startSmtpReceiver, type ReceivedMail, type SmtpReceiver } from '../support/smtp-receiver.js';

const SECRET = 'AKSECRETFINDME-receiver';
const WEBHOOK_SECRETS = [1, 2].map((n) => `whsec_${Buffer.alloc(32, `${SECRET}${n}`).toString('base64')}`);
const NO_PROXY = { http: null, https: null, except: '' };
/** Enough for any machine, and what the tests wait for whose other side hangs. */
const CUT_MS = { usual: 600_000, hanging: 50 };

const common = { name: 'on-call', severities: null, language: 'en' } as const;
type HttpCase = { type: Receiver['type']; ok: string; receiver: (url: string) => Receiver };

/** Every receiver by HTTP: what its other side answers when all is well, and how it is configured. */
const overHttp: HttpCase[] = [
  {
    type: 'alertmanager',
    ok: '',
    receiver: (url) => ({
      ...common,
      type: 'alertmanager',
      url,
      repostIntervalMs: 60_000,
      username: 'ops',
      password: SECRET,
    }),
  },
  { type: 'webhook', ok: '', receiver: (url) => ({ ...common, type: 'webhook', url, secrets: WEBHOOK_SECRETS }) },
  {
    type: 'slack',
    ok: 'ok',
    receiver: (url) => ({ ...common, type: 'slack', url: `${url}/services/T0/B0/${SECRET}` }),
  },
  {
    type: 'dingtalk',
    ok: '{"errcode":0,"errmsg":"ok"}',
    receiver: (url) => ({
      ...common,
      type: 'dingtalk',
      url: `${url}/robot/send?access_token=${SECRET}`,
      secret: `SEC${SECRET}`,
    }),
  },
  {
    type: 'feishu',
    ok: '{"code":0,"msg":"success","data":{}}',
    receiver: (url) => ({ ...common, type: 'feishu', url: `${url}/open-apis/bot/v2/hook/${SECRET}`, secret: SECRET }),
  },
];

const outgoing = (payload = alertMessage(), id = uuidv7()) => ({
  id,
  dedupKey: payload.dedupKey,
  payload,
  createdAt: new Date(),
  attempt: 1,
});
const asItIs = (text: string) => text;
const send = (receiver: Receiver, message = alertMessage(), redact = asItIs, cutMs = CUT_MS.usual) =>
  sendWithin(cutMs, channelTo(receiver, NO_PROXY), outgoing(message), redact);
const sendToHanging = (receiver: Receiver) => send(receiver, alertMessage(), asItIs, CUT_MS.hanging);
const failureOf = (outcome: Answered | DeliveryFailed): DeliveryFailed => {
  expect(outcome).toBeInstanceOf(DeliveryFailed);
  return outcome as DeliveryFailed;
};

describe.each(overHttp)('the receiver $type', ({ ok, receiver: configured }) => {
  let server: HttpReceiver;
  let receiver: Receiver;
  beforeEach(async () => {
    server = await startHttpReceiver(ok);
    receiver = configured(server.url);
  });
  afterEach(() => server.stop());

  it.each(['en', 'zh'] as const)('delivers in the language %s, with the link and the dedup key', async (language) => {
    const message = alertMessage();
    expect(await send({ ...receiver, language }, message)).toMatchObject({ status: 200 });
    const [request] = server.received;
    expect(server.received).toHaveLength(1);
    expect(request?.headers['content-type']).toBe('application/json');
    expect(request?.body).toContain(message.dedupKey);
    expect(request?.body).toContain(message.sample[0]?.url);
    expect(request?.body).toContain(language === 'en' ? '20 subjobs failed' : '20 个子任务失败');
    expect(request?.body).toContain('footage-cn');
  });

  it.each(['grew', 'repeated', 'resolved', 'reopened', 'silence_expired', 'test'] as const)(
    'delivers a message that says: %s',
    async (reason) => {
      expect(await send(receiver, alertMessage({ reason }))).not.toBeInstanceOf(DeliveryFailed);
    },
  );

  it('is cut off when it hangs', async () => {
    server.answer(hang);
    expect(failureOf(await sendToHanging(receiver)).message).toBe('did not answer within 0.05 s');
  });

  it('fails for 500, and may be tried again', async () => {
    server.answer(status(500, {}, 'out of order'));
    const failure = failureOf(await send(receiver));
    expect(failure).toMatchObject({ status: 500, permanent: false, message: 'answered 500: out of order' });
  });

  it('fails for 429, and says when to come back', async () => {
    server.answer(status(429, { 'retry-after': '7' }));
    expect(failureOf(await send(receiver))).toMatchObject({ status: 429, retryAfterMs: 7000, permanent: false });
  });

  it('fails for good when the message itself is refused', async () => {
    server.answer(status(400, {}, 'invalid_payload'));
    expect(failureOf(await send(receiver))).toMatchObject({ status: 400, permanent: true });
  });

  it('fails when the connection is reset', async () => {
    server.answer(reset);
    expect(failureOf(await send(receiver)).message).toMatch(/^no answer: /);
  });

  it('fails when nobody listens', async () => {
    const failure = failureOf(await send(configured('http://127.0.0.1:9')));
    expect(failure.message).toMatch(/^no answer: .*ECONNREFUSED/);
  });

  it('follows no redirect, least of all to the metadata of the cloud', async () => {
    server.answer(status(302, { location: 'http://169.254.169.254/latest/meta-data/' }));
    const failure = failureOf(await send(receiver));
    expect(failure.message).toBe(
      'answered 302, a redirect to http://169.254.169.254/latest/meta-data/; redirects are not followed',
    );
    expect(server.received).toHaveLength(1);
  });

  it('reads no more of an answer than it can use', async () => {
    server.answer((response) => {
      response.writeHead(500);
      const more = () => {
        while (response.write('x'.repeat(16_384)));
        response.once('drain', more);
      };
      more();
    });
    expect(failureOf(await send(receiver)).message).toHaveLength(500);
  });

  it('tells no secret in what goes wrong', async () => {
    const failures = [];
    server.answer(hang);
    failures.push(failureOf(await sendToHanging(receiver)));
    for (const answer of [reset, status(500), status(302)]) {
      server.answer(answer);
      failures.push(failureOf(await send(receiver)));
    }
    failures.push(failureOf(await send(configured('http://127.0.0.1:9'))));
    expect(failures).toHaveLength(5);
    for (const { message, answer } of failures) expect(`${message} ${answer}`).not.toContain(SECRET);
    // Whatever an answer echoes is redacted; for that every secret is known.
    expect(secretsOfReceiver(receiver).join(' ')).toContain(receiver.type === 'webhook' ? WEBHOOK_SECRETS[1] : SECRET);
  });

  it('hides a secret of an answer whole, also where the answer is cut', async () => {
    for (const before of [480, 490, 499]) {
      server.answer(status(500, {}, `${'x'.repeat(before - 'answered 500: '.length)}${SECRET}`));
      const { message, answer } = failureOf(await send(receiver, alertMessage(), redactor([SECRET])));
      expect(`${message} ${answer}`).not.toContain(SECRET.slice(0, 1));
      expect(message).toContain('*');
    }
  });
});

describe('the receiver webhook', () => {
  it('signs by Standard Webhooks, so that old and new secrets verify', async () => {
    const server = await startHttpReceiver();
    const receiver: Receiver = { ...common, type: 'webhook', url: server.url, secrets: WEBHOOK_SECRETS };
    const message = alertMessage();
    const first = outgoing(message);
    await sendWithin(CUT_MS.usual, channelTo(receiver, NO_PROXY), first, asItIs);
    await sendWithin(CUT_MS.usual, channelTo(receiver, NO_PROXY), { ...first, attempt: 2 }, asItIs);
    const [request, again] = server.received;
    for (const secret of WEBHOOK_SECRETS) {
      const verified = new Webhook(secret).verify(request?.body ?? '', request?.headers as Record<string, string>);
      expect(verified).toMatchObject({ type: 'alert.opened', data: message });
    }
    const other = `whsec_${Buffer.alloc(32, 'other').toString('base64')}`;
    expect(() => new Webhook(other).verify(request?.body ?? '', request?.headers as Record<string, string>)).toThrow();
    expect(again?.headers['webhook-id']).toBe(request?.headers['webhook-id']);
    expect(again?.body).toBe(request?.body);
    await server.stop();
  });
});

describe('the receiver slack', () => {
  it('calls nobody whom a vendor’s words call, and names the jobs as links', async () => {
    const server = await startHttpReceiver();
    await send({ ...common, type: 'slack', url: `${server.url}/services/x` });
    const body = JSON.parse(server.received[0]?.body ?? '');
    expect(JSON.stringify(body)).not.toContain('<!channel>');
    expect(body.text).toContain('&lt;!channel&gt;');
    expect(body.blocks[1].text.text).toMatch(
      /<https:\/\/callsheet\.example\.com\/v1\/jobs\/[\w-]+\|spring &lt;sale&gt; · /,
    );
    await server.stop();
  });
});

describe('the receiver slack, told more than it takes', () => {
  it('drops whole lines and cuts no character in two', async () => {
    const server = await startHttpReceiver();
    const [sample] = alertMessage().sample;
    const long = '🎬'.repeat(400);
    const message = alertMessage({
      sample: Array.from({ length: 5 }, () => ({ ...sample!, name: long, error: '<&>'.repeat(100) })),
      shared: Array.from({ length: 5 }, () => ({ kind: 'url' as const, value: long, failures: 1 })),
      alert: { template: long, error: { code: null, message: '&'.repeat(900) } },
    });
    await send({ ...common, type: 'slack', url: `${server.url}/services/x` }, message);
    const { blocks } = JSON.parse(server.received[0]?.body ?? '');
    expect(blocks[0].text.text.length).toBeLessThanOrEqual(300);
    expect([...blocks[0].text.text]).toHaveLength(150);
    expect(blocks[1].text.text.length).toBeLessThanOrEqual(3000);
    expect(blocks[1].text.text.length).toBeGreaterThan(2000);
    for (const line of blocks[1].text.text.split('\n'))
      expect(line.replaceAll(/&(amp|lt|gt);/g, '')).not.toMatch(/&|<[^>]*$/);
    expect(server.received[0]?.body).not.toMatch(/\\ud[89a-f]/i);
    await server.stop();
  });
});

describe('the receiver dingtalk', () => {
  // The Python sample of https://open.dingtalk.com/document/robots/customize-robot-security-settings ("this is secret"),
  // run with this time. With openssl: printf '1700000000000\nthis is secret' | openssl dgst -sha256 -hmac 'this is secret' -binary | base64
  it('signs as the vendor’s sample does', () => {
    const signature = dingtalkSignature('1700000000000', 'this is secret');
    expect(encodeURIComponent(signature)).toBe('sSFWELbV2YwjdDQhWZwTcWlX5BWUx5J6TPpsZmuPii0%3D');
  });

  it('sends the time and the signature with its token', async () => {
    const server = await startHttpReceiver('{"errcode":0}');
    await send({ ...common, type: 'dingtalk', url: `${server.url}/robot/send?access_token=a`, secret: 'SEC-of-robot' });
    const query = new URL(server.received[0]?.url ?? '', server.url).searchParams;
    expect(query.get('access_token')).toBe('a');
    expect(query.get('sign')).toBe(dingtalkSignature(query.get('timestamp') ?? '', 'SEC-of-robot'));
    expect(server.received[0]?.url).not.toMatch(/sign=[^&]*[+/=]/);
    await server.stop();
  });

  it.each([
    ['{"errcode":310000,"errmsg":"sign not match"}', null],
    ['{"errcode":130101,"errmsg":"send too fast, exceed 20 times per minute"}', 600_000],
    ['<html>a proxy</html>', null],
  ])('takes a 200 with %s for the refusal it is', async (text, retryAfterMs) => {
    const server = await startHttpReceiver(text);
    const failure = failureOf(
      await send({ ...common, type: 'dingtalk', url: `${server.url}/robot/send?access_token=a` }),
    );
    expect(failure).toMatchObject({ status: 200, permanent: false, retryAfterMs, answer: text });
    expect(failure.message).toContain(text);
    await server.stop();
  });
});

describe('the receiver feishu', () => {
  // The Python sample of https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot, run with its time of 1599360473 and the
  // secret "demo". With openssl: printf '' | openssl dgst -sha256 -hmac "$(printf '1599360473\ndemo')" -binary | base64
  it('signs as the vendor’s sample does', () => {
    expect(feishuSignature('1599360473', 'demo')).toBe('l1N0gAcBjdwBvGm1xMjOF0XSyaLRpR7tuO5dHfhAYc8=');
  });

  it('sends the time and the signature in its body, and nothing as markup', async () => {
    const server = await startHttpReceiver('{"code":0}');
    await send({ ...common, type: 'feishu', url: `${server.url}/open-apis/bot/v2/hook/a`, secret: 'secret-of-robot' });
    const body = JSON.parse(server.received[0]?.body ?? '');
    expect(body.sign).toBe(feishuSignature(body.timestamp, 'secret-of-robot'));
    expect(body.card.header).toMatchObject({ template: 'orange', title: { tag: 'plain_text' } });
    expect(server.received[0]?.body).not.toContain('lark_md');
    await server.stop();
  });

  it.each([
    ['{"code":19021,"msg":"sign match fail or timestamp is not within one hour from current time"}', null],
    ['{"code":11232,"msg":"frequency limited"}', 60_000],
    ['{}', null],
  ])('takes a 200 with %s for the refusal it is', async (text, retryAfterMs) => {
    const server = await startHttpReceiver(text);
    const failure = failureOf(await send({ ...common, type: 'feishu', url: `${server.url}/open-apis/bot/v2/hook/a` }));
    expect(failure).toMatchObject({ status: 200, permanent: false, retryAfterMs, answer: text });
    await server.stop();
  });
});

describe('the receiver email', () => {
  let server: SmtpReceiver;
  beforeEach(async () => {
    server = await startSmtpReceiver();
  });
  afterEach(() => server.stop());

  const receiver = (change: Partial<Extract<Receiver, { type: 'email' }>> = {}): Receiver => ({
    ...common,
    type: 'email',
    host: 'localhost',
    port: server.port,
    tls: 'none',
    from: 'Callsheet <callsheet@example.com>',
    to: ['ops@example.com', 'media@example.com'],
    ...change,
  });
  const deliver = (to: Receiver, message = alertMessage(), id = uuidv7()) =>
    sendWithin(CUT_MS.usual, channelTo(to, NO_PROXY), outgoing(message, id), asItIs);
  const header = (mail: ReceivedMail | undefined, name: string) =>
    new RegExp(`^${name}: (.*(?:\\r\\n[ \\t].*)*)`, 'im').exec(mail?.source ?? '')?.[1]?.replace(/\r\n\s+/g, ' ');

  it('sends text and HTML to all, in one thread, known by its dedup key', async () => {
    const id = uuidv7();
    expect(await deliver(receiver(), alertMessage(), id)).toMatchObject({ status: 250 });
    expect(await deliver(receiver(), alertMessage(), id)).toMatchObject({ status: 250 });
    expect(await deliver(receiver(), alertMessage({ reason: 'grew' }))).toMatchObject({ status: 250 });
    const [mail, again, next] = server.received;
    expect(mail?.to).toEqual(['ops@example.com', 'media@example.com']);
    expect(header(mail, 'X-Callsheet-Dedup-Key')).toBe(alertMessage().dedupKey);
    expect(header(mail, 'Subject')).toBe('[warning] subjob-failed media-cn alibaba-ims/media-convert');
    expect(header(again, 'Message-ID')).toBe(header(mail, 'Message-ID'));
    expect(header(next, 'Message-ID')).not.toBe(header(mail, 'Message-ID'));
    for (const name of ['References', 'In-Reply-To', 'Subject']) expect(header(next, name)).toBe(header(mail, name));
    expect(mail?.source).toContain('Content-Type: text/plain');
    expect(mail?.source).toContain('Content-Type: text/html');
    // A vendor's words are no header.
    expect(mail?.source).not.toMatch(/^Bcc:/m);
  });

  it('does not send in the open what is to be encrypted', async () => {
    expect(failureOf(await deliver(receiver({ tls: 'starttls' }))).message).toMatch(/TLS/i);
    expect(server.received).toEqual([]);
  });

  it.each([
    [451, false],
    [554, true],
  ])('is refused with %i; for good: %s', async (code, permanent) => {
    server.refuse(code, 'no, thank you');
    expect(failureOf(await deliver(receiver()))).toMatchObject({ status: code, permanent });
  });

  it('says whom of several it could not reach', async () => {
    const outcome = await deliver(receiver({ to: ['ops@example.com', 'nobody@example.com'] }));
    expect(outcome).toMatchObject({ detail: expect.stringContaining('refused for nobody@example.com') });
    expect(server.received[0]?.to).toEqual(['ops@example.com']);
  });

  it('is cut off when it hangs, and fails when it resets or nobody listens', async () => {
    const sockets: Socket[] = [];
    let resets = false;
    const silent = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => undefined);
      if (resets) socket.resetAndDestroy();
    });
    await new Promise<void>((listening) => silent.listen(0, '127.0.0.1', listening));
    const to = receiver({ port: (silent.address() as AddressInfo).port });
    expect(failureOf(await sendToHanging(to)).message).toBe('did not answer within 0.05 s');
    resets = true;
    expect(failureOf(await deliver(to)).permanent).toBe(false);
    for (const socket of sockets) socket.destroy();
    await new Promise((closed) => silent.close(closed));
    expect(failureOf(await deliver(receiver({ port: 9 }))).message).toMatch(/ECONNREFUSED/);
  });
});
