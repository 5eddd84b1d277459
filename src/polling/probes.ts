import { Injectable, Logger } from '@nestjs/common';
import { exclusively } from '../database/exclusively.js';
import { SqlPool } from '../database/sql-pool.js';
import { Metrics } from '../metrics/metrics.js';
import { apiNamed } from '../vendors/registry.js';
import { NO_SUCH_JOB } from '../vendors/vendor-api.js';
import { VendorError } from '../vendors/vendor-error.js';
import { Budgets } from './budgets.js';
import { Setbacks } from './setbacks.js';
import { VendorClients } from './vendor-clients.js';

/** Tries what is paused, so that it recovers also when none of its jobs is due. */
@Injectable()
export class Probes {
  private readonly logger = new Logger('Poller');

  constructor(
    private readonly sql: SqlPool,
    private readonly budgets: Budgets,
    private readonly clients: VendorClients,
    private readonly setbacks: Setbacks,
    private readonly metrics: Metrics,
  ) {}

  /** One signed call for each pause whose minute is over. */
  async probe(): Promise<void> {
    const due = await exclusively(this.sql, 'probes', (client) => this.budgets.takeProbes(client));
    await Promise.all((due ?? []).map(({ account, api }) => this.tryOnce(account, api)));
  }

  private async tryOnce(account: string, apiName: string): Promise<void> {
    const api = apiNamed(apiName);
    const client = this.clients.of(account);
    if (!api || !client) return;
    try {
      await client.call(api.query([NO_SUCH_JOB]));
      this.metrics.vendorCalls.inc({ account, api: apiName, result: 'ok' });
    } catch (error) {
      if (!(error instanceof VendorError)) throw error;
      this.metrics.vendorCalls.inc({ account, api: apiName, result: error.kind });
      // Whoever refuses the id has taken the signature.
      if (error.kind !== 'refused') {
        if (this.clients.of(account) === client) await this.setbacks.slowDown(account, api, error);
        return;
      }
    }
    if (await this.budgets.resume(account, apiName)) this.logger.log(`${account} ${apiName}: calls work again`);
  }
}
