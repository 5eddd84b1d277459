import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { CallerName, Scope } from '../access/decorators.js';
import { AlertCommands } from '../alerts/alert-commands.js';
import { AlertQueries } from './alert-queries.js';
import { AlertListQuery } from './alert-schemas.js';
import { PageQuery } from './page.js';

const Id = { schema: z.uuid() };

@Controller('v1')
export class AlertsController {
  constructor(
    private readonly queries: AlertQueries,
    private readonly commands: AlertCommands,
  ) {}

  @Get('alerts')
  list(@Query({ schema: AlertListQuery }) query: AlertListQuery) {
    return this.queries.list(query);
  }

  @Get('alerts/:id')
  one(@Param('id', Id) id: string) {
    return this.queries.one(id);
  }

  @Get('alerts/:id/history')
  history(@Param('id', Id) id: string, @Query({ schema: PageQuery }) query: PageQuery) {
    return this.queries.history(id, query);
  }

  @Post('alerts/:id/acknowledge')
  @Scope('write')
  @HttpCode(200)
  async acknowledge(@Param('id', Id) id: string, @CallerName() caller: string) {
    await this.commands.acknowledge(id, caller);
    return this.queries.one(id);
  }

  @Post('alerts/:id/resolve')
  @Scope('write')
  @HttpCode(200)
  async resolve(@Param('id', Id) id: string, @CallerName() caller: string) {
    await this.commands.resolve(id, caller);
    return this.queries.one(id);
  }

  @Post('alerts/:id/reopen')
  @Scope('write')
  @HttpCode(200)
  async reopen(@Param('id', Id) id: string, @CallerName() caller: string) {
    await this.commands.reopen(id, caller);
    return this.queries.one(id);
  }

  @Get('rules')
  rules() {
    return this.queries.rules();
  }
}
