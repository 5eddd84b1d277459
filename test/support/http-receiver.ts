import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export type ReceivedRequest = { url: string; headers: IncomingHttpHeaders; body: string; at: number };
export type HttpReceiver = Awaited<ReturnType<typeof startHttpReceiver>>;
export type Answer = (response: ServerResponse, request: ReceivedRequest) => unknown;

/** Somebody who is told things over HTTP: remembers what came and answers as asked, 200 and `text` where nothing else is said. */
export async function startHttpReceiver(text = 'ok') {
  const received: ReceivedRequest[] = [];
  const sockets = new Set<Socket>();
  const usual: Answer = (response) => response.end(text);
  let answer = usual;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      const seen = { url: request.url ?? '', headers: request.headers, body, at: Date.now() };
      received.push(seen);
      answer(response, seen);
    });
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    received,
    answer: (next: Answer | null) => (answer = next ?? usual),
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}

export const hang: Answer = () => undefined;
export const reset: Answer = (response) => (response.socket as Socket).resetAndDestroy();
export const status =
  (code: number, headers: Record<string, string> = {}, text = 'no'): Answer =>
  (response) =>
    response.writeHead(code, headers).end(text);
