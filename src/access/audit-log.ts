import { Injectable, Logger, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { tap, type Observable } from 'rxjs';
import { accessOf } from './decorators.js';

/** Writes down who changed what: the key's name, the route's pattern, the id. */
@Injectable()
export class AuditLog implements NestInterceptor {
  private readonly logger = new Logger(AuditLog.name);

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const access = accessOf(request);
    if (!access || request.method === 'GET' || request.method === 'HEAD') return next.handle();
    return next.handle().pipe(
      tap((answer: unknown) => {
        const id = idIn(request.params) ?? idIn(answer);
        const what = `${request.method} ${request.routeOptions.url ?? ''}`;
        this.logger.log(`${access.caller.name}: ${what}${id === null ? '' : ` ${id}`}`);
      }),
    );
  }
}

function idIn(value: unknown): string | null {
  if (typeof value !== 'object' || value === null || !('id' in value)) return null;
  return typeof value.id === 'string' ? value.id : null;
}
