import { Logger } from '@nestjs/common';
import { SqlPool } from '../../src/database/sql-pool.js';
import type { Channel } from '../../src/delivery/channel.js';
import { Channels } from '../../src/delivery/channels.js';
import { Deliverer, type DeliveryTiming } from '../../src/delivery/deliverer.js';
import { Deliveries, type NewDelivery } from '../../src/delivery/deliveries.js';
import { Metrics } from '../../src/metrics/metrics.js';
import type { QueueStore } from '../../src/queue/queue-store.js';
import type { CurrentSettings } from '../../src/settings/current-settings.js';

export const ENGINE_SECRET = 'AKSECRETFINDME-engine';

/** The delivery engine as one process has it, with channels that the test makes, `receiver/<name>` each. */
export function makeEngine(
  databaseUrl: string,
  queues: QueueStore | null,
  channels: Record<string, Channel>,
  timing: DeliveryTiming,
) {
  Logger.overrideLogger(false);
  const sql = new SqlPool(databaseUrl);
  const metrics = new Metrics();
  const registered = new Channels();
  registered.add('receiver', { get: (name) => channels[name], names: () => Object.keys(channels) });
  const settings = { redact: (text: string) => text.replaceAll(ENGINE_SECRET, '***') } as CurrentSettings;
  const deliveries = new Deliveries(sql, queues as QueueStore);
  const deliverer = new Deliverer(sql, registered, deliveries, settings, metrics, queues as QueueStore, timing);
  return {
    sql,
    deliveries,
    deliverer,
    channels,
    /** As a sender does: stored in a transaction, then told. */
    store: async (rows: NewDelivery[]) => {
      await sql.transaction((client) => deliveries.enqueue(client, rows));
      if (queues) deliveries.wake(rows.map(({ channel }) => channel));
    },
    counted: async (result: string): Promise<number> =>
      (await metrics.deliveries.get()).values
        .filter(({ labels }) => labels.result === result)
        .reduce((n, { value }) => n + value, 0),
    stop: async () => {
      await deliverer.stop();
      await sql.onModuleDestroy();
    },
  };
}

export type Engine = ReturnType<typeof makeEngine>;
