import {
  Catch,
  HttpException,
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
import type { FastifyReply, FastifyRequest } from 'fastify';
import { STATUS_CODES } from 'node:http';
import type { z } from 'zod';
import { CallsheetError, InvalidInput, NotJson, type InputProblem } from './domain/errors.js';

/** RFC 9457. `errors` is there when what was sent could not be used. */
export type Problem = { type: string; title: string; status: number; detail: string; errors?: InputProblem[] };

/** The one place that turns our errors into status codes. */
const STATUS_OF: Record<string, number> = {
  invalid_input: 400,
  no_key: 401,
  scope_too_small: 403,
  job_not_found: 404,
  receipt_not_found: 404,
  key_not_found: 404,
  claim_only: 409,
  body_expired: 410,
  not_json: 415,
  shutting_down: 503,
};

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
    // The client may have gone, or the answer may have begun.
    if (reply.sent || reply.raw.headersSent) return;
    void reply.status(problem.status).header('content-type', 'application/problem+json').send(JSON.stringify(problem));
  }
}

/** What a person or script is told about an error: nothing of our insides. */
export function problemOf(error: unknown): Problem {
  if (error instanceof InvalidInput) {
    return problem(400, error.code, 'What was sent cannot be used; see errors', error.problems);
  }
  if (error instanceof CallsheetError) return problem(STATUS_OF[error.code] ?? 500, error.code, error.message);
  const status = statusOf(error);
  if (status === null || status >= 500) {
    return problem(status ?? 500, null, 'Something went wrong here; it was written to the log');
  }
  return problem(status, null, status === 404 ? 'There is nothing at this address' : messageOf(error));
}

function problem(status: number, code: string | null, detail: string, errors?: InputProblem[]): Problem {
  const type = code === null ? 'about:blank' : `urn:callsheet:problem:${code}`;
  return { type, title: STATUS_CODES[status] ?? 'Error', status, detail, ...(errors ? { errors } : {}) };
}

/** Nest's errors and Fastify's (`statusCode`) say what they are; anything else is unexpected. */
function statusOf(error: unknown): number | null {
  if (error instanceof HttpException) return error.getStatus();
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === 'number' && status >= 400 && status < 600 ? status : null;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
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

/** One problem a key where keys are unknown, so that each is named. `root` names what the issue's own path is in. */
export function inputProblems(issue: z.core.$ZodIssue, root = ''): InputProblem[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: placeOf([...issue.path, key]), message: 'is not known here' }));
  }
  if (issue.code === 'invalid_key' || issue.code === 'invalid_union') {
    const inner = (issue.code === 'invalid_key' ? issue.issues : issue.errors.flat())[0];
    const message = issue.message.startsWith('Invalid') ? (inner?.message ?? issue.message) : issue.message;
    return [{ path: placeOf(issue.path) || root, message }];
  }
  return [{ path: placeOf(issue.path) || root, message: issue.message }];
}

function placeOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? String(key) : `${text}.${String(key)}`;
  }, '');
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
  const args: object = Reflect.getMetadata(ROUTE_ARGS_METADATA, context.getClass(), context.getHandler().name) ?? {};
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
