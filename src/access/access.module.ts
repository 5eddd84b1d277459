import { Module } from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { AccessGuard } from './access.guard.js';
import { ApiKeys } from './api-keys.js';
import { AuditLog } from './audit-log.js';
import { KeysController } from './keys.controller.js';
import { Redaction } from './redaction.js';

@Module({
  controllers: [KeysController],
  providers: [
    ApiKeys,
    Redaction,
    { provide: APP_GUARD, useClass: AccessGuard },
    { provide: APP_INTERCEPTOR, useClass: AuditLog },
  ],
  exports: [ApiKeys, Redaction],
})
export class AccessModule {}
