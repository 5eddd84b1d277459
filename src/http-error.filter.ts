import {
  Catch,
  Injectable,
  Logger,
  StandardSchemaValidationPipe,
  type ArgumentMetadata,
  type ArgumentsHost,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type Provider,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_PIPE } from '@nestjs/core';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { inputProblems, problem, problemOf } from './access/problems.js';
import { InvalidInput, NotJson } from './domain/errors.js';

@Catch()
export class HttpErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger(HttpErrorFilter.name);

  catch(error: unknown, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const problem = problemOf(error);
    if (problem.status === 500) {
      const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.logger.error(`${request.method} ${request.routeOptions?.url ?? 'unknown route'}: ${what}`);
    }
    if (problem.status === 503)
      this.logger.warn(`${request.method} ${request.routeOptions?.url ?? ''}: ${String(error)}`);
    // The client may have gone, or the answer may have begun.
    if (reply.sent || reply.raw.headersSent) return;
    void reply.status(problem.status).header('content-type', 'application/problem+json').send(JSON.stringify(problem));
  }
}

/**
 * For `new FastifyAdapter({ frameworkErrors })`: addresses that the router cannot even read (`%ff`, far too long) meet neither
 * Nest nor the hooks, so nothing of them is repeated in the answer.
 */
export function frameworkErrors(error: FastifyError, _request: FastifyRequest, reply: FastifyReply): void {
  const answer = problem(error.statusCode ?? 400, null, 'The address cannot be read');
  void reply.status(answer.status).header('content-type', 'application/problem+json').send(JSON.stringify(answer));
}

/** Checks what `@Query`, `@Body` and `@Param` declare, and names the place of everything that is wrong. */
@Injectable()
export class InputPipe extends StandardSchemaValidationPipe {
  override async transform<T>(value: T, metadata: ArgumentMetadata): Promise<T> {
    const { schema, type, data } = metadata;
    if (!schema || !this.toValidate(metadata)) return value;
    const result = await schema['~standard'].validate(value);
    if (!result.issues) return result.value as T;
    // Our schemas are zod's, whose issues say more than the standard asks for.
    const issues = result.issues as readonly z.core.$ZodIssue[];
    const root = data ?? (type === 'body' ? 'body' : '');
    throw new InvalidInput(issues.flatMap((issue) => inputProblems(issue, root)));
  }
}

/** Bodies of /v1 are JSON; what a route does not declare is not silently ignored. */
@Injectable()
export class StrictInputGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    if (!request.routeOptions.url?.startsWith('/v1/')) return true;
    const contentType = request.headers['content-type'] ?? 'nothing';
    if (hasBody(request) && !/^application\/json *(;|$)/i.test(contentType)) throw new NotJson(contentType);

    const declared = declaredInputs(context);
    const unknown = [
      ...(declared.has(RouteParamtypes.QUERY) ? [] : keysOf(request.query)),
      ...(declared.has(RouteParamtypes.BODY) ? [] : keysOf(request.body)),
    ];
    if (unknown.length > 0) throw new InvalidInput(unknown.map((path) => ({ path, message: 'is not known here' })));
    return true;
  }
}

function hasBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function declaredInputs(context: ExecutionContext): Set<RouteParamtypes> {
  const { name } = context.getHandler();
  const args = (Reflect.getMetadata(ROUTE_ARGS_METADATA, context.getClass(), name) ?? {}) as object;
  // Nest keeps them as `<type>:<index of the parameter>`.
  return new Set(Object.keys(args).map((key) => Number(key.split(':')[0])));
}

function keysOf(value: unknown): string[] {
  return typeof value === 'object' && value !== null ? Object.keys(value).slice(0, 20) : [];
}

/** How HTTP behaves everywhere; spread into the providers of the app's module. */
export const HTTP_CONVENTIONS: Provider[] = [
  { provide: APP_FILTER, useClass: HttpErrorFilter },
  { provide: APP_GUARD, useClass: StrictInputGuard },
  { provide: APP_PIPE, useClass: InputPipe },
];
