import { Module, type DynamicModule } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { AccessModule } from './access/access.module.js';
import { AlertLog } from './alerts/alert-log.js';
import { Alerts } from './alerts/alerts.js';
import { Dispatcher } from './alerts/dispatcher.js';
import { FigureRules } from './alerts/figure-rules.js';
import { Receivers } from './alerts/receivers.js';
import { Silences } from './alerts/silences.js';
import { CallbackDoor } from './callbacks/callback-door.js';
import { IntakePool, ReadPool } from './database/pools.js';
import { PrismaService } from './database/prisma.service.js';
import { SqlPool } from './database/sql-pool.js';
import { Channels } from './delivery/channels.js';
import { Deliverer } from './delivery/deliverer.js';
import { Deliveries } from './delivery/deliveries.js';
import { HTTP_CONVENTIONS } from './http-error.filter.js';
import { JobEventData } from './jobs/job-event-data.js';
import { JobsModule } from './jobs/jobs.module.js';
import { INTERVALS, type Intervals } from './loops/intervals.js';
import { Loops } from './loops/loops.js';
import { MetricsModule } from './metrics/metrics.module.js';
import { OpenApiModule } from './openapi/openapi.module.js';
import { DiscoveryRounds } from './operations/discovery-rounds.js';
import { HealthModule } from './operations/health.module.js';
import { Maintenance } from './operations/maintenance.js';
import { ROLE, type Role } from './operations/role.js';
import { Relay } from './outbox/relay.js';
import { Budgets } from './polling/budgets.js';
import { DiscoveryRows } from './polling/discovery-rows.js';
import { Discovery } from './polling/discovery.js';
import { DueJobs } from './polling/due-jobs.js';
import { Poller } from './polling/poller.js';
import { Probes } from './polling/probes.js';
import { Setbacks } from './polling/setbacks.js';
import { VendorClients } from './polling/vendor-clients.js';
import { QUEUE_STORE, type QueueStore } from './queue/queue-store.js';
import { Wakeups } from './queue/wakeups.js';
import { CurrentSettings } from './settings/current-settings.js';
import { ApplyProcessor } from './tracking/apply.processor.js';
import { CallbackLoss } from './tracking/callback-loss.js';
import { JobRegistry } from './tracking/job-registry.js';
import { Receipts } from './tracking/receipts.js';
import { Schedules } from './tracking/schedules.js';
import { Tracker } from './tracking/tracker.js';
import { Endpoints } from './webhooks/endpoints.js';
import { EventData } from './webhooks/event-data.js';
import { Webhooks } from './webhooks/webhooks.js';

/** What a process is given before it is put together. */
export type Runtime = {
  settings: CurrentSettings;
  databaseUrl: string;
  queues: QueueStore;
  role: Role;
  intervals: Intervals;
};

/** What every room may ask for: the settings, the database, the queues, the tracking itself. */
@Module({})
class HouseModule {
  static of({ settings, databaseUrl, queues, role, intervals }: Runtime): DynamicModule {
    const providers = [
      { provide: CurrentSettings, useValue: settings },
      { provide: QUEUE_STORE, useValue: queues },
      { provide: ROLE, useValue: role },
      { provide: INTERVALS, useValue: intervals },
      { provide: PrismaService, useFactory: () => new PrismaService(databaseUrl) },
      { provide: SqlPool, useFactory: () => new SqlPool(databaseUrl) },
      { provide: IntakePool, useFactory: () => new IntakePool(databaseUrl) },
      { provide: ReadPool, useFactory: () => new ReadPool(databaseUrl) },
      Loops,
      Wakeups,
      Receipts,
      Schedules,
      Tracker,
      JobRegistry,
      CallbackLoss,
      Channels,
      Deliveries,
      Receivers,
      Endpoints,
      Silences,
    ];
    return { module: HouseModule, global: true, imports: [MetricsModule], providers, exports: providers };
  }
}

@Module({})
export class AppModule {
  static of(runtime: Runtime): DynamicModule {
    return {
      module: AppModule,
      imports: [
        HouseModule.of(runtime),
        ScheduleModule.forRoot(),
        MetricsModule,
        AccessModule,
        HealthModule,
        ...(runtime.role === 'worker' ? [] : [JobsModule, OpenApiModule]),
      ],
      providers: [
        ...HTTP_CONVENTIONS,
        CallbackDoor,
        ApplyProcessor,
        Alerts,
        AlertLog,
        Dispatcher,
        FigureRules,
        { provide: EventData, useClass: JobEventData },
        Webhooks,
        Relay,
        Budgets,
        DueJobs,
        VendorClients,
        Setbacks,
        Poller,
        Probes,
        DiscoveryRows,
        Discovery,
        DiscoveryRounds,
        Deliverer,
        Maintenance,
      ],
    };
  }
}
