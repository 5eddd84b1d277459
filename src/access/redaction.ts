import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { CurrentSettings } from '../settings/current-settings.js';
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

/** The text without secrets; JSON stays JSON, also where a secret is made of digits and stands inside a number. */
export function redacted(text: string, redact: (text: string) => string): string {
  const hidden = redact(text);
  if (hidden === text || isJson(hidden) || !isJson(text)) return hidden;
  return JSON.stringify(JSON.parse(text), (_key, value: unknown) => {
    if (typeof value === 'string') return redact(value);
    if (typeof value === 'number' && redact(String(value)) !== String(value)) return null;
    return value;
  });
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
