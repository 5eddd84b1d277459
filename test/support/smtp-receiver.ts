import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';

export type ReceivedMail = { to: string[]; source: string; user: string | null; secure: boolean };
export type SmtpReceiver = Awaited<ReturnType<typeof startSmtpReceiver>>;

/** A mail server for `localhost`. With a password it wants TLS and a login; without, it offers neither. Knows nobody called nobody. */
export async function startSmtpReceiver(
  options: { cert?: string; key?: string; secure?: boolean; password?: string } = {},
) {
  const { cert, key, secure = false, password } = options;
  const received: ReceivedMail[] = [];
  const failure = (code: number, text: string) => Object.assign(new Error(text), { responseCode: code });
  let refusal: Error | null = null;
  const server = new SMTPServer({
    secure,
    ...(cert && key ? { cert, key } : {}),
    authOptional: password === undefined,
    disabledCommands: password === undefined ? ['STARTTLS', 'AUTH'] : [],
    onAuth: (login, _session, done) =>
      login.password === password ? done(null, { user: login.username }) : done(failure(535, 'wrong password')),
    onRcptTo: ({ address }, _session, done) =>
      done(address.startsWith('nobody') ? failure(550, 'no such mailbox') : null),
    onData: (stream, session, done) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        if (refusal) return done(refusal);
        received.push({
          to: session.envelope.rcptTo.map(({ address }) => address),
          source: Buffer.concat(chunks).toString(),
          user: (session.user as string | undefined) ?? null,
          secure: session.secure,
        });
        done();
      });
    },
  });
  server.on('error', () => undefined);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', () => listening()));
  return {
    port: (server.server.address() as AddressInfo).port,
    received,
    refuse: (code: number, text: string) => (refusal = failure(code, text)),
    stop: () => new Promise<void>((closed) => server.close(() => closed())),
  };
}
