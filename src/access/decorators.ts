import { createParamDecorator, SetMetadata, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Caller, Scope as ScopeName } from './scopes.js';

export const SCOPE = 'callsheet:scope';
export const SHOWS_TOKENS = 'callsheet:shows-tokens';

/** The smallest scope that may call this; `read` where it is not said. */
export const Scope = (scope: ScopeName) => SetMetadata(SCOPE, scope);

/** Answers of this show callback tokens to `admin`; everywhere else they are `***` for everybody. */
export const ShowsTokensToAdmin = () => SetMetadata(SHOWS_TOKENS, true);

/** What the guard found out about a request. */
export type Access = { caller: Caller; showsTokens: boolean };

const ACCESS = Symbol('access');

export function accessOf(request: FastifyRequest): Access | undefined {
  return (request as FastifyRequest & { [ACCESS]?: Access })[ACCESS];
}

export function setAccess(request: FastifyRequest, access: Access): void {
  (request as FastifyRequest & { [ACCESS]?: Access })[ACCESS] = access;
}

/** The name of the key that asks. */
export const CallerName = createParamDecorator(
  (_: unknown, context: ExecutionContext): string =>
    accessOf(context.switchToHttp().getRequest<FastifyRequest>())?.caller.name ?? 'unknown',
);

/** Whether this answer may show callback tokens. */
export const TokensShown = createParamDecorator(
  (_: unknown, context: ExecutionContext): boolean =>
    accessOf(context.switchToHttp().getRequest<FastifyRequest>())?.showsTokens ?? false,
);
