import { Injectable, Logger } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Metrics } from '../metrics/metrics.js';
import { CurrentSettings } from '../settings/current-settings.js';
import { BufferFull } from '../tracking/group-commit.js';
import { Receipts } from '../tracking/receipts.js';
import { hasToken, verifySignature } from './authenticate.js';

const LARGEST_BODY = 1024 * 1024;
/** The vendor hangs up after 3 s and calls again; an answer after that is worth nothing. */
const ANSWER_WITHIN_MS = 2500;

/** Where the door keeps the content type that was sent. */
const SENT_TYPE = 'x-callsheet-sent-content-type';

type CallbackRequest = FastifyRequest<{ Params: { account: string; token: string }; Body: Buffer | undefined }>;

/**
 * Door one: `POST /callbacks/{account}/{token}`. A Fastify route of its own rather than a controller, because it wants the
 * body's bytes whatever their type, an exact 200, and none of the work that goes into a /v1 request.
 */
@Injectable()
export class CallbackDoor {
  private readonly logger = new Logger(CallbackDoor.name);

  constructor(
    private readonly settings: CurrentSettings,
    private readonly receipts: Receipts,
    private readonly metrics: Metrics,
  ) {}

  /** Opens the door on a server that is not listening yet. */
  open(server: FastifyInstance): void {
    void server.register((scope, _options, done) => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, parsed) => parsed(null, body));
      scope.post(
        '/callbacks/:account/:token',
        {
          bodyLimit: LARGEST_BODY,
          onRequest: (request, reply, next) => this.admit(request as CallbackRequest, reply, next),
        },
        (request, reply) => this.receive(request as CallbackRequest, reply),
      );
      done();
    });
  }

  /** Before the body is read: strangers cost no memory. */
  private admit(request: CallbackRequest, reply: FastifyReply, next: () => void): void {
    // Any content type, also one that is no content type at all, which Fastify would answer with 415.
    request.raw.headers[SENT_TYPE] = header(request, 'content-type')?.slice(0, 200) ?? '';
    request.raw.headers['content-type'] = 'application/octet-stream';
    const { account, token } = request.params;
    if (hasToken(this.settings.account(account), token)) return next();
    this.metrics.callbacksRefused.inc({
      account: this.settings.account(account) ? account : 'unknown',
      reason: 'token',
    });
    void reply.code(404).type('text/plain').send('not found');
  }

  private async receive(request: CallbackRequest, reply: FastifyReply): Promise<void> {
    const account = this.settings.account(request.params.account);
    if (!account) return void (await reply.code(404).type('text/plain').send('not found'));
    const headers = {
      timestamp: header(request, 'x-ice-timestamp'),
      signature: header(request, 'x-ice-signature'),
    };
    const verdict = verifySignature(account, this.addressesOf(request), headers, new Date());
    if (!verdict.ok) {
      this.metrics.callbacksRefused.inc({ account: account.name, reason: verdict.reason });
      return void (await reply.code(401).type('text/plain').send(verdict.reason.replace('_', ' ')));
    }
    const stored = this.receipts.storeCallback({
      account: account.name,
      verified: verdict.verified,
      contentType: header(request, SENT_TYPE) || null,
      body: request.body ?? Buffer.alloc(0),
    });
    try {
      const { fresh } = await within(ANSWER_WITHIN_MS, stored);
      this.metrics.callbacksReceived.inc({ account: account.name, result: fresh ? 'stored' : 'duplicate' });
      await reply.code(200).type('text/plain').send('ok');
    } catch (error) {
      this.metrics.callbacksReceived.inc({ account: account.name, result: 'failed' });
      if (!(error instanceof BufferFull))
        this.logger.warn(`a callback was not stored: ${this.settings.redact(String(error))}`);
      await reply.code(503).header('retry-after', '1').type('text/plain').send('not stored, call again');
    }
  }

  /** The address as the vendor knows it, never rebuilt from headers; with and without the query that came. */
  private addressesOf(request: CallbackRequest): string[] {
    const { account, token } = request.params;
    const address = `${this.settings.value.publicUrl ?? ''}/callbacks/${account}/${token}`;
    const query = request.raw.url?.indexOf('?') ?? -1;
    return query < 0 ? [address] : [address, address + (request.raw.url ?? '').slice(query)];
  }
}

function header(request: CallbackRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the database did not commit within ${ms} ms`)), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
