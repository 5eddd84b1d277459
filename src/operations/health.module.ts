import { Module } from '@nestjs/common';
import { SqlPool } from '../database/sql-pool.js';
import { MetricsModule } from '../metrics/metrics.module.js';
import { DegradedAccounts } from './degraded-accounts.js';
import { HealthGauges } from './health-gauges.js';
import { databaseProbe, migrationsProbe } from './health-probes.js';
import { HealthController } from './health.controller.js';
import { Readiness } from './readiness.js';

@Module({
  imports: [MetricsModule],
  controllers: [HealthController],
  providers: [Readiness, DegradedAccounts, HealthGauges],
  exports: [Readiness],
})
export class HealthModule {
  constructor(readiness: Readiness, sql: SqlPool) {
    readiness.add(databaseProbe(sql));
    readiness.add(migrationsProbe(sql));
  }
}
