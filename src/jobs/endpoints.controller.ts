import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { Scope } from '../access/decorators.js';
import { plainText } from '../domain/job-filter.js';
import { EndpointQueries } from './endpoint-queries.js';
import { DeliveryListQuery, RedeliverQuery } from './endpoint-schemas.js';

const Name = { schema: plainText(63) };

@Controller('v1/endpoints')
export class EndpointsController {
  constructor(private readonly endpoints: EndpointQueries) {}

  @Get()
  list() {
    return this.endpoints.list();
  }

  @Post(':name/test')
  @Scope('write')
  @HttpCode(200)
  test(@Param('name', Name) name: string) {
    return this.endpoints.test(name);
  }

  @Get(':name/deliveries')
  deliveries(@Param('name', Name) name: string, @Query({ schema: DeliveryListQuery }) query: DeliveryListQuery) {
    return this.endpoints.deliveries(name, query);
  }

  @Post(':name/deliveries/:id/redeliver')
  @Scope('write')
  @HttpCode(202)
  redeliver(@Param('name', Name) name: string, @Param('id', { schema: z.uuid() }) id: string) {
    return this.endpoints.redeliver(name, id);
  }

  @Post(':name/redeliver')
  @Scope('write')
  @HttpCode(202)
  redeliverAll(@Param('name', Name) name: string, @Query({ schema: RedeliverQuery }) query: RedeliverQuery) {
    return this.endpoints.redeliverAll(name, query);
  }
}
