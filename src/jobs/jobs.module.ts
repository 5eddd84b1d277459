import { Module } from '@nestjs/common';
import { AccessModule } from '../access/access.module.js';
import { AccountQueries } from './account-queries.js';
import { AccountsController } from './accounts.controller.js';
import { AlertCommands } from '../alerts/alert-commands.js';
import { AlertQueries } from './alert-queries.js';
import { AlertsController } from './alerts.controller.js';
import { CallbackHealthQueries } from './callback-health-queries.js';
import { CallbackHealthController } from './callback-health.controller.js';
import { EndpointQueries } from './endpoint-queries.js';
import { EndpointsController } from './endpoints.controller.js';
import { JobCommands } from './job-commands.js';
import { JobQueries } from './job-queries.js';
import { JobsController } from './jobs.controller.js';
import { ReceiptQueries } from './receipt-queries.js';
import { NotificationQueries } from './notification-queries.js';
import { NotificationsController } from './notifications.controller.js';
import { ReceiptsController } from './receipts.controller.js';
import { ReceiverQueries } from './receiver-queries.js';
import { ReceiversController } from './receivers.controller.js';
import { SilenceQueries } from './silence-queries.js';
import { SilencesController } from './silences.controller.js';

@Module({
  imports: [AccessModule],
  controllers: [
    JobsController,
    ReceiptsController,
    AccountsController,
    CallbackHealthController,
    ReceiversController,
    NotificationsController,
    AlertsController,
    SilencesController,
    EndpointsController,
  ],
  providers: [
    JobQueries,
    JobCommands,
    ReceiptQueries,
    AccountQueries,
    CallbackHealthQueries,
    ReceiverQueries,
    NotificationQueries,
    AlertQueries,
    AlertCommands,
    SilenceQueries,
    EndpointQueries,
  ],
})
export class JobsModule {}
