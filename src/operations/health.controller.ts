import { Controller, Get, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { DegradedAccounts } from './degraded-accounts.js';
import { Readiness } from './readiness.js';

@Controller('health')
export class HealthController {
  constructor(
    private readonly readiness: Readiness,
    private readonly degradedAccounts: DegradedAccounts,
  ) {}

  @Get('live')
  live() {
    return { status: 'live' };
  }

  @Get('ready')
  async ready(@Res({ passthrough: true }) reply: FastifyReply) {
    const notReady = await this.readiness.notReady();
    if (notReady.length === 0) return { status: 'ready', degraded: await this.degradedAccounts.list() };
    reply.status(503).header('content-type', 'application/problem+json');
    return {
      type: 'urn:callsheet:problem:not_ready',
      title: 'Service Unavailable',
      status: 503,
      detail: `Not ready: ${notReady.map(({ name }) => name).join(', ')}`,
      notReady,
      // Rows tell what is degraded, and the database may be what is missing.
      degraded: notReady.some(({ name }) => name === 'database') ? [] : await this.degradedAccounts.list(),
    };
  }
}
