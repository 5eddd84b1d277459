import { Controller, Get, Query } from '@nestjs/common';
import { CallbackHealthQueries } from './callback-health-queries.js';
import { CallbackHealthQuery } from './callback-health-schemas.js';

@Controller('v1/callback-health')
export class CallbackHealthController {
  constructor(private readonly callbackHealth: CallbackHealthQueries) {}

  @Get()
  list(@Query({ schema: CallbackHealthQuery }) query: CallbackHealthQuery) {
    return this.callbackHealth.list(query);
  }
}
