import { hash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { Webhook, WebhookVerificationError } from 'standardwebhooks';
import { AlertBoard, type AlertEvent } from './alert-board.js';

export type ReceiverPage = {
  /** Where a person looks. */
  url: string;
  /** One entry of `alerts.receivers` in the tracker's `callsheet.yaml`. */
  receiver: { name: string; type: 'webhook'; url: string; secrets: string[] };
  board: AlertBoard;
  stop(): Promise<void>;
};

const LARGEST_BODY = 1024 * 1024;
const NEVER_KEPT = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

/** A receiver of alerts on a free port of this machine, which shows them on a page as they come. */
export async function startReceiverPage(): Promise<ReceiverPage> {
  const secret = `whsec_${randomBytes(32).toString('base64')}`;
  const webhook = new Webhook(secret);
  const html = readFileSync(htmlFile(), 'utf8');
  const htmlHeaders = {
    ...NEVER_KEPT,
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': policyOf(html),
    'referrer-policy': 'no-referrer',
  };
  const board = new AlertBoard();
  const watchers = new Set<ServerResponse>();

  const routes: Record<string, (request: IncomingMessage, response: ServerResponse) => unknown> = {
    'GET /': (_request, response) => response.writeHead(200, htmlHeaders).end(html),

    /** All cards at first, so that a page that is loaded again misses nothing; then each that changes. */
    'GET /events': (_request, response) => {
      response.writeHead(200, { ...NEVER_KEPT, 'content-type': 'text/event-stream' });
      response.write(eventOf('all', board.cards()));
      watchers.add(response);
      response.on('close', () => watchers.delete(response));
    },

    'POST /alerts': async (request, response) => {
      const body = await bodyOf(request);
      if (body === null) return request.socket.destroy();
      try {
        const event = webhook.verify(body, request.headers as Record<string, string>) as AlertEvent;
        const card = board.take(String(request.headers['webhook-id']), event);
        if (card) for (const watcher of watchers) watcher.write(eventOf('card', card));
      } catch (error) {
        if (error instanceof WebhookVerificationError) return answer(response, 401, error.message);
        return answer(response, 400, 'that is no message about an alert');
      }
      answer(response, 200, 'ok');
    },
  };

  const server = createServer((request, response) => {
    const route = routes[`${request.method} ${request.url}`];
    if (!route) return answer(response, 404, 'there is nothing here');
    Promise.resolve(route(request, response)).catch(() => response.destroy());
  });
  await new Promise<void>((listening, failed) => {
    server.once('error', failed).listen(0, '127.0.0.1', listening);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

  return {
    url,
    receiver: { name: 'demo-page', type: 'webhook', url: `${url}alerts`, secrets: [secret] },
    board,
    async stop() {
      // A page that is open would keep the server for ever.
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** Seen from `emulator/demo` as well as from `dist/emulator/demo`. */
function htmlFile(): string {
  const here = import.meta.dirname;
  const root = here.includes(`${path.sep}dist${path.sep}`) ? '../../..' : '../..';
  return path.join(here, root, 'emulator/demo/receiver-page.html');
}

/** Nothing but the page's own script and style, by their hashes, and its own events; and no text is ever taken for markup. */
function policyOf(html: string): string {
  const hashOf = (tag: string) => {
    const [, content = ''] = new RegExp(`<${tag}>(.*?)</${tag}>`, 's').exec(html) ?? [];
    return `'sha256-${hash('sha256', content, 'base64')}'`;
  };
  return [
    `default-src 'none'`,
    `script-src ${hashOf('script')}`,
    `style-src ${hashOf('style')}`,
    `connect-src 'self'`,
    `base-uri 'none'`,
    `form-action 'none'`,
    `frame-ancestors 'none'`,
    `require-trusted-types-for 'script'`,
  ].join('; ');
}

function eventOf(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { ...NEVER_KEPT, 'content-type': 'text/plain' }).end(text);
}

/** null: it is too large. */
async function bodyOf(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LARGEST_BODY) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
