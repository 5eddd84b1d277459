import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { Scope, ShowsTokensToAdmin, TokensShown } from '../access/decorators.js';
import { ReceiptQueries } from './receipt-queries.js';
import { ReceiptListQuery } from './receipt-schemas.js';

const Id = { schema: z.uuid() };

@Controller('v1/receipts')
@ShowsTokensToAdmin()
export class ReceiptsController {
  constructor(private readonly receipts: ReceiptQueries) {}

  @Get()
  list(@Query({ schema: ReceiptListQuery }) query: ReceiptListQuery) {
    return this.receipts.list(query);
  }

  @Get(':id')
  one(@Param('id', Id) id: string, @TokensShown() showsTokens: boolean) {
    return this.receipts.one(id, showsTokens);
  }

  @Post(':id/replay')
  @Scope('write')
  @HttpCode(202)
  replay(@Param('id', Id) id: string) {
    return this.receipts.replay(id);
  }
}
