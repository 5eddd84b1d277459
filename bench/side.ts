import { migrate } from '../src/database/migrate.js';
import { makePartitions } from '../src/database/partitions.js';
import { SqlPool } from '../src/database/sql-pool.js';
import { Metrics } from '../src/metrics/metrics.js';
import type { Wakeups } from '../src/queue/wakeups.js';
import { CurrentSettings } from '../src/settings/current-settings.js';
import { CallbackLoss } from '../src/tracking/callback-loss.js';
import { JobRegistry } from '../src/tracking/job-registry.js';
import { Receipts } from '../src/tracking/receipts.js';
import { Schedules } from '../src/tracking/schedules.js';
import { Tracker } from '../src/tracking/tracker.js';
import { benchSettings } from './account.js';

/** Everything of the tracker that apply touches, put together by hand: no server, no queue. */
export type Side = { databaseUrl: string; sql: SqlPool; registry: JobRegistry; receipts: Receipts; tracker: Tracker };

/** Migrates the database and opens the tracker on it; `sql.onModuleDestroy()` closes it. */
export async function openSide(databaseUrl: string): Promise<Side> {
  await migrate(databaseUrl);
  const sql = new SqlPool(databaseUrl);
  await makePartitions(sql, new Date());
  const settings = new CurrentSettings(benchSettings(databaseUrl));
  const metrics = new Metrics();
  // Nobody is to be woken: the appliers are started by hand.
  const wakeups = { wake: () => undefined } as unknown as Wakeups;
  return {
    databaseUrl,
    sql,
    registry: new JobRegistry(sql, settings, wakeups),
    receipts: new Receipts(sql, wakeups, metrics),
    tracker: new Tracker(sql, settings, metrics, new Schedules(sql, new CallbackLoss(sql))),
  };
}
