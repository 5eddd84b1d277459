import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { CurrentSettings } from '../settings/current-settings.js';
import { redacted } from '../settings/redact.js';
import { accessOf } from './decorators.js';

/** Puts `***` in the place of every configured secret, in every answer, errors included, as the last thing before it is sent. */
@Injectable()
export class Redaction {
  constructor(
    private readonly adapter: HttpAdapterHost,
    private readonly settings: CurrentSettings,
  ) {}

  /** Fastify gathers the hooks of a route when it is ready, so this comes early enough for all of them. */
  onModuleInit(): void {
    const fastify = this.adapter.httpAdapter.getInstance<FastifyInstance>();
    fastify.addHook('onSend', (request, _reply, payload, done) => {
      if (typeof payload !== 'string') return done(null, payload);
      done(null, redacted(payload, this.redactFor(accessOf(request)?.showsTokens ?? false)));
    });
  }

  redactFor(showsTokens: boolean): (text: string) => string {
    return showsTokens ? this.settings.redactForAdmin : this.settings.redact;
  }
}
