import { Module } from '@nestjs/common';
import { OpenApiController } from './openapi.controller.js';

/** On the floor above all rooms whose schemas it shows. */
@Module({ controllers: [OpenApiController] })
export class OpenApiModule {}
