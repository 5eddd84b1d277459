import { Body, Controller, Get, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Scope, ShowsTokensToAdmin } from '../access/decorators.js';
import { ClientGone } from './client-gone.js';
import { JobCommands } from './job-commands.js';
import { JobQueries } from './job-queries.js';
import { JobChange, JobListQuery, LookupQuery, NewJob, NewJobs, SubjobListQuery, WaitQuery } from './job-schemas.js';
import { PageQuery } from './page.js';
import { ReceiptQueries } from './receipt-queries.js';

const Id = { schema: z.uuid() };

@Controller('v1')
export class JobsController {
  constructor(
    private readonly queries: JobQueries,
    private readonly commands: JobCommands,
    private readonly receipts: ReceiptQueries,
  ) {}

  @Post('jobs')
  @Scope('write')
  async track(@Body({ schema: NewJob }) body: NewJob, @Res({ passthrough: true }) reply: FastifyReply) {
    const { created, job } = await this.commands.track(body);
    reply.status(created ? 201 : 200).header('location', `/v1/jobs/${job.id}`);
    return job;
  }

  @Post('jobs/batch')
  @Scope('write')
  @HttpCode(200)
  trackAll(@Body({ schema: NewJobs }) body: NewJobs) {
    return this.commands.trackAll(body);
  }

  @Get('jobs')
  list(@Query({ schema: JobListQuery }) query: JobListQuery) {
    return this.queries.list(query);
  }

  @Get('jobs/:id')
  one(@Param('id', Id) id: string, @Query({ schema: WaitQuery }) { wait }: WaitQuery, @ClientGone() gone: AbortSignal) {
    return wait === undefined ? this.queries.one(id) : this.queries.oneWhenFinal(id, wait, gone);
  }

  @Patch('jobs/:id')
  @Scope('write')
  change(@Param('id', Id) id: string, @Body({ schema: JobChange }) body: JobChange) {
    return this.commands.change(id, body);
  }

  @Post('jobs/:id/close')
  @Scope('write')
  @HttpCode(200)
  close(@Param('id', Id) id: string) {
    return this.commands.close(id);
  }

  @Post('jobs/:id/refresh')
  @Scope('write')
  @HttpCode(202)
  refresh(@Param('id', Id) id: string) {
    return this.commands.refresh(id);
  }

  @Get('jobs/:id/history')
  history(@Param('id', Id) id: string, @Query({ schema: PageQuery }) query: PageQuery) {
    return this.queries.history(id, query);
  }

  @Get('jobs/:id/document')
  document(@Param('id', Id) id: string) {
    return this.queries.document(id);
  }

  @Get('jobs/:id/receipts')
  @ShowsTokensToAdmin()
  receiptsOf(@Param('id', Id) id: string, @Query({ schema: PageQuery }) query: PageQuery) {
    return this.receipts.ofJob(id, query);
  }

  @Get('subjobs')
  subjobs(@Query({ schema: SubjobListQuery }) query: SubjobListQuery) {
    return this.queries.subjobs(query);
  }

  @Get('lookup')
  lookup(@Query({ schema: LookupQuery }) query: LookupQuery) {
    return this.queries.lookup(query);
  }
}
