import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Delivery = {
  at: number;
  path: string;
  headers: IncomingHttpHeaders;
  text: string;
  body: Record<string, unknown>;
};

/** A small callback address. `answer` decides what the vendor gets to see; 200 by default. */
export async function startReceiver(answer: RequestListener = (_, response) => void response.end('ok')) {
  const deliveries: Delivery[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    request.on('end', () => {
      deliveries.push({
        at: Date.now(),
        path: request.url ?? '',
        headers: request.headers,
        text,
        body: JSON.parse(text),
      });
      answer(request, response);
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/callbacks/media-cn/token`,
    deliveries,
    async stop() {
      const closed = new Promise((done) => server.close(done));
      server.closeAllConnections();
      await closed;
    },
  };
}

export async function until(condition: () => boolean, timeoutMs = 120_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`still not true after ${timeoutMs} ms: ${condition.toString()}`);
    await new Promise((done) => setTimeout(done, 5));
  }
}
