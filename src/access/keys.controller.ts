import { Body, Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { ApiKeys } from './api-keys.js';
import { Scope } from './decorators.js';
import { NewKey } from './key-schemas.js';

@Controller('v1/keys')
@Scope('admin')
export class KeysController {
  constructor(private readonly keys: ApiKeys) {}

  @Post()
  create(@Body({ schema: NewKey }) key: NewKey) {
    return this.keys.create(key);
  }

  @Get()
  list() {
    return this.keys.list();
  }

  @Delete(':id')
  @HttpCode(204)
  revoke(@Param('id', { schema: z.uuid() }) id: string) {
    return this.keys.revoke(id);
  }
}
