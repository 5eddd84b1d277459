import { Inject, Injectable, Logger } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { INTERVALS, type Intervals } from '../loops/intervals.js';
import { Metrics } from '../metrics/metrics.js';
import { CurrentSettings } from '../settings/current-settings.js';
import type { Account } from '../settings/settings.js';
import { BufferFull } from '../tracking/group-commit.js';
import { Receipts } from '../tracking/receipts.js';
import { hasToken, verifySignature } from './authenticate.js';
import { Patience } from './patience.js';
import { Refusals } from './refusals.js';
import { TurnedAway } from './turned-away.js';

const LARGEST_BODY = 1024 * 1024;
/** The vendor hangs up after 3 s and calls again; an answer after that is worth nothing. */
const ANSWER_WITHIN_MS = 2500;
/**
 * Whoever hears at once that there is no room is back at once, and a burst of refusals leaves no time for the callbacks that
 * were let in: both are then answered later than if the refused had been kept waiting.
 */
const TURN_AWAY_AFTER_MS = 500;

type CallbackRequest = FastifyRequest<{ Params: { account: string; token: string } }>;

/**
 * Door one: `POST /callbacks/{account}/{token}`. Fastify finds the way here and no more: the door wants the body's bytes
 * whatever their type, an exact 200, and none of the work that goes into a /v1 request.
 */
@Injectable()
export class CallbackDoor {
  private readonly logger = new Logger(CallbackDoor.name);
  private readonly patience = new Patience(ANSWER_WITHIN_MS);
  private readonly refusals = new Refusals();
  private readonly turnedAway = new TurnedAway(TURN_AWAY_AFTER_MS, tellToComeBack);
  private failed = 0;
  private warnedAt = 0;

  constructor(
    private readonly settings: CurrentSettings,
    private readonly receipts: Receipts,
    private readonly metrics: Metrics,
    @Inject(INTERVALS) private readonly intervals: Intervals,
  ) {}

  /** Opens the door on a server that is not listening yet. */
  open(server: FastifyInstance): void {
    this.shedEarly(server.server);
    server.route({
      method: 'POST',
      url: '/callbacks/:account/:token',
      onRequest: (request, reply) => this.admit(request as CallbackRequest, reply),
      handler: () => undefined,
    });
  }

  /**
   * For readiness: what is wrong when every callback has been refused for a while; null otherwise. A balancer then sends no more of them,
   * so the check itself tries to write, and finds out when storing works again.
   */
  async refusal(): Promise<string | null> {
    const lasted = this.refusals.lastedMs(performance.now());
    if (lasted < this.intervals.refusalsTolerated) return null;
    try {
      await this.receipts.tryToStore();
    } catch (error) {
      const reason = this.settings.redact(error instanceof Error ? error.message : String(error));
      return `every callback has been refused for ${Math.floor(lasted / 1000)} s: ${reason}`;
    }
    this.refusals.stored();
    return null;
  }

  /**
   * Turning away what there is no room for must cost next to nothing, or a burst leaves no time for those who were let in:
   * so it happens before Fastify looks for a route or anybody for a token.
   */
  private shedEarly(server: Server): void {
    const listeners = server.listeners('request') as RequestListener[];
    server.removeAllListeners('request');
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.turnedAway.release();
      if (this.receipts.areFull && request.method === 'POST' && request.url?.startsWith('/callbacks/')) {
        this.metrics.callbacksShed.inc();
        this.refusals.refused(performance.now());
        this.turnedAway.add(response);
        return;
      }
      for (const listener of listeners) listener(request, response);
    });
  }

  /** Before the body is read: strangers cost no memory. */
  private admit(request: CallbackRequest, reply: FastifyReply): void {
    reply.hijack();
    const account = this.settings.account(request.params.account);
    if (!account || !hasToken(account, request.params.token)) {
      this.metrics.callbacksRefused.inc({ account: account?.name ?? 'unknown', reason: 'token' });
      return answer(reply.raw, 404, 'not found');
    }
    readBody(request.raw, reply.raw, (body) => void this.receive(request, reply.raw, account, body));
  }

  private async receive(
    request: CallbackRequest,
    response: ServerResponse,
    account: Account,
    body: Buffer,
  ): Promise<void> {
    const { headers } = request.raw;
    const signature = { timestamp: text(headers['x-ice-timestamp']), signature: text(headers['x-ice-signature']) };
    const verdict = verifySignature(account, this.addressesOf(request), signature, new Date());
    if (!verdict.ok) {
      this.metrics.callbacksRefused.inc({ account: account.name, reason: verdict.reason });
      return answer(response, 401, verdict.reason.replace('_', ' '));
    }
    const stored = this.receipts.storeCallback({
      account: account.name,
      verified: verdict.verified,
      contentType: text(headers['content-type'])?.slice(0, 200) || null,
      body,
    });
    try {
      const { fresh } = await this.patience.within(stored);
      this.refusals.stored();
      this.metrics.callbacksReceived.inc({ account: account.name, result: fresh ? 'stored' : 'duplicate' });
      answer(response, 200, 'ok');
    } catch (error) {
      this.notStored(response, account, error);
    }
  }

  private notStored(response: ServerResponse, account: Account, reason: unknown): void {
    this.refusals.refused(performance.now());
    if (reason instanceof BufferFull) {
      this.metrics.callbacksShed.inc();
    } else {
      this.metrics.callbacksReceived.inc({ account: account.name, result: 'failed' });
      this.warn(reason);
    }
    tellToComeBack(response);
  }

  /** A database that is stuck fails thousands of callbacks a second: a line a second says as much. */
  private warn(reason: unknown): void {
    this.failed++;
    const now = Date.now();
    if (now - this.warnedAt < 1000) return;
    const what = this.failed === 1 ? 'a callback was' : `${this.failed} callbacks were`;
    this.logger.warn(`${what} not stored: ${this.settings.redact(String(reason))}`);
    this.failed = 0;
    this.warnedAt = now;
  }

  /** The address as the vendor knows it, never rebuilt from headers; with and without the query that came. */
  private addressesOf(request: CallbackRequest): string[] {
    const { account, token } = request.params;
    const address = `${this.settings.value.publicUrl ?? ''}/callbacks/${account}/${token}`;
    const query = request.raw.url?.indexOf('?') ?? -1;
    return query < 0 ? [address] : [address, address + (request.raw.url ?? '').slice(query)];
  }
}

/**
 * Calls `whole` with all of the body, or answers 413; what follows then is read and dropped, since a client that is cut off
 * while it sends may never see the answer. Who hangs up in the middle is not heard of again.
 */
function readBody(request: IncomingMessage, response: ServerResponse, whole: (body: Buffer) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const take = (chunk: Buffer): void => {
    bytes += chunk.length;
    chunks.push(chunk);
    if (bytes > LARGEST_BODY) tooLarge();
  };
  const end = (): void => whole(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks));
  const tooLarge = (): void => {
    request.off('data', take).off('end', end);
    answer(response, 413, 'too large');
  };
  if (Number(request.headers['content-length'] ?? 0) > LARGEST_BODY) return tooLarge();
  request.on('data', take).on('end', end);
}

function tellToComeBack(response: ServerResponse): void {
  answer(response, 503, 'not stored, call again', { 'retry-after': '1' });
}

function answer(response: ServerResponse, status: number, body: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': body.length,
    ...headers,
  });
  response.end(body);
}

function text(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
