import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A call on its way to the vendor: the action's name and what it asks. */
export type PassingCall = { at: number; action: string; query: Record<string, string> };

/** What is answered in the vendor's place. */
export type Reply = { status: number; body: string | object };

/** null: the call goes on to the vendor. Until a promise is kept, the call is held. */
type Rule = (call: PassingCall) => Reply | null | Promise<Reply | null>;

/** Stands before the emulator, sees every call and answers some of them itself. */
export type VendorGate = Awaited<ReturnType<typeof startVendorGate>>;

export async function startVendorGate(vendorUrl: string) {
  const calls: PassingCall[] = [];
  let rule: Rule = () => null;
  const pass = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const call = callOf(incoming);
    calls.push(call);
    const reply = await rule(call);
    if (reply) {
      incoming.resume();
      const body = typeof reply.body === 'string' ? reply.body : JSON.stringify({ RequestId: 'gate', ...reply.body });
      outgoing.writeHead(reply.status, { 'content-type': 'application/json' }).end(body);
      return;
    }
    // Headers as they are: the host is a part of the signature.
    const { method, url: path, headers } = incoming;
    const onward = request(vendorUrl, { method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  };
  const server = createServer((incoming, outgoing) => void pass(incoming, outgoing));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    /** Answers in the vendor's place where the rule does; until the next rule. */
    answer: (next: Rule) => void (rule = next),
    stop: async () => {
      const closed = new Promise<void>((done) => server.close(() => done()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function callOf({ url, headers }: IncomingMessage): PassingCall {
  const { searchParams } = new URL(url ?? '/', 'http://gate');
  return { at: Date.now(), action: String(headers['x-acs-action']), query: Object.fromEntries(searchParams) };
}
