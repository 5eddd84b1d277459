import { Controller, Get, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { kept } from '../metrics/kept.js';
import { DegradedAccounts } from './degraded-accounts.js';
import { Readiness } from './readiness.js';

@Controller('health')
export class HealthController {
  constructor(
    private readonly readiness: Readiness,
    private readonly degradedAccounts: DegradedAccounts,
  ) {}

  /** Requests that come at the same time share one look, because anyone may ask. */
  private readonly state = kept(0, async () => {
    const notReady = await this.readiness.notReady();
    return { notReady, degraded: await this.degradedAccounts.listInTime() };
  });

  @Get('live')
  live() {
    return { status: 'live' };
  }

  @Get('ready')
  async ready(@Res({ passthrough: true }) reply: FastifyReply) {
    const { notReady, degraded } = await this.state();
    if (notReady.length === 0) return { status: 'ready', degraded };
    reply.status(503).header('content-type', 'application/problem+json');
    return {
      type: 'urn:callsheet:problem:not_ready',
      title: 'Service Unavailable',
      status: 503,
      detail: `Not ready: ${notReady.map(({ name }) => name).join(', ')}`,
      notReady,
      degraded,
    };
  }
}
