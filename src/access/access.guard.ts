import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { NoKey, ScopeTooSmall } from '../domain/errors.js';
import { ApiKeys } from './api-keys.js';
import { SCOPE, setAccess, SHOWS_TOKENS } from './decorators.js';
import { includes, type Scope } from './scopes.js';

const BEARER = /^Bearer +(\S+)$/i;

/** Everything under /v1 wants a key. What lies elsewhere (the vendors' door, health, the contract) is open. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly keys: ApiKeys,
    private readonly reflector: Reflector,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    if (!isApi(request)) return true;
    const key = BEARER.exec(request.headers.authorization ?? '')?.[1];
    const caller = key === undefined ? null : await this.keys.identify(key);
    if (caller === null) {
      context.switchToHttp().getResponse<FastifyReply>().header('www-authenticate', 'Bearer realm="callsheet"');
      throw new NoKey();
    }
    const targets = [context.getHandler(), context.getClass()];
    const wanted = this.reflector.getAllAndOverride<Scope | undefined>(SCOPE, targets) ?? 'read';
    if (!includes(caller.scope, wanted)) throw new ScopeTooSmall(caller.scope, wanted);
    const open = this.reflector.getAllAndOverride<boolean | undefined>(SHOWS_TOKENS, targets) ?? false;
    setAccess(request, { caller, showsTokens: open && caller.scope === 'admin' });
    return true;
  }
}

export function isApi(request: FastifyRequest): boolean {
  const pattern = request.routeOptions.url ?? request.url;
  return pattern === '/v1' || pattern.startsWith('/v1/');
}
