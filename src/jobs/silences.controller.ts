import { Body, Controller, Delete, Get, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { CallerName, Scope } from '../access/decorators.js';
import { Silences } from '../alerts/silences.js';
import { SilenceNotFound } from '../domain/errors.js';
import { NewSilence, SilenceListQuery } from './alert-schemas.js';
import { SilenceQueries } from './silence-queries.js';

const Id = { schema: z.uuid() };

@Controller('v1/silences')
export class SilencesController {
  constructor(
    private readonly queries: SilenceQueries,
    private readonly silences: Silences,
  ) {}

  @Get()
  list(@Query({ schema: SilenceListQuery }) query: SilenceListQuery) {
    return this.queries.list(query);
  }

  @Get(':id')
  one(@Param('id', Id) id: string) {
    return this.queries.one(id);
  }

  @Post()
  @Scope('write')
  async start(@Body({ schema: NewSilence }) body: NewSilence, @CallerName() caller: string) {
    const id = await this.silences.start({ ...body, author: body.author ?? caller });
    return this.queries.one(id);
  }

  /** Ends it; it stays to be looked up. */
  @Delete(':id')
  @Scope('write')
  async end(@Param('id', Id) id: string, @CallerName() caller: string) {
    if (!(await this.silences.end(id, caller))) throw new SilenceNotFound(id);
    return this.queries.one(id);
  }
}
