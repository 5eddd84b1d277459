import { Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { Scope } from '../access/decorators.js';
import { plainText } from '../domain/job-filter.js';
import { ReceiverQueries } from './receiver-queries.js';

@Controller('v1/receivers')
export class ReceiversController {
  constructor(private readonly receivers: ReceiverQueries) {}

  @Get()
  list() {
    return this.receivers.list();
  }

  @Post(':name/test')
  @Scope('write')
  @HttpCode(200)
  test(@Param('name', { schema: plainText(63) }) name: string) {
    return this.receivers.test(name);
  }
}
