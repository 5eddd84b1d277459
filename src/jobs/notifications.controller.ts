import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { Scope } from '../access/decorators.js';
import { NotificationQueries } from './notification-queries.js';
import { NotificationListQuery } from './notification-schemas.js';

@Controller('v1/notifications')
export class NotificationsController {
  constructor(private readonly notifications: NotificationQueries) {}

  @Get()
  list(@Query({ schema: NotificationListQuery }) query: NotificationListQuery) {
    return this.notifications.list(query);
  }

  @Post(':id/redeliver')
  @Scope('write')
  @HttpCode(202)
  redeliver(@Param('id', { schema: z.uuid() }) id: string) {
    return this.notifications.redeliver(id);
  }
}
