import { Injectable, Logger } from '@nestjs/common';
import { refusedDelayMs, retryDelayMs } from '../domain/poll-schedule.js';
import { SqlPool } from '../database/sql-pool.js';
import { CurrentSettings } from '../settings/current-settings.js';
import { postpone } from '../tracking/postpone.js';
import type { VendorApi } from '../vendors/vendor-api.js';
import type { VendorError } from '../vendors/vendor-error.js';
import { Budgets } from './budgets.js';
import type { DueJob } from './calls.js';
import { DueJobs } from './due-jobs.js';
import { VendorClients } from './vendor-clients.js';

/** What follows from a call that failed: for the budget it came from, and for the jobs it was about. */
@Injectable()
export class Setbacks {
  private readonly logger = new Logger('Poller');

  constructor(
    private readonly sql: SqlPool,
    private readonly settings: CurrentSettings,
    private readonly budgets: Budgets,
    private readonly dueJobs: DueJobs,
    private readonly clients: VendorClients,
  ) {}

  /** Slows down, or pauses the API or its account, as the error of a call says; `askedAt` as far as it is known. */
  async slowDown(account: string, api: VendorApi, error: VendorError, askedAt?: Date): Promise<void> {
    const reason = this.settings.redact(error.message).slice(0, 300);
    const problem = { code: error.code, reason };
    const where = `${account} ${api.operation}`;
    switch (error.kind) {
      case 'throttled':
        await this.budgets.throttled(account, api.name, askedAt);
        this.logger.warn(`${where}: throttled (${error.code}), slowing down`);
        break;
      case 'credentials':
      case 'clock': {
        const clockSkewMs = error.kind === 'clock' ? await this.clients.of(account)?.clockSkewMs() : null;
        if (await this.budgets.pause('account', account, api.name, { ...problem, clockSkewMs })) {
          this.logger.error(`${where}: ${error.code}: ${reason}; the account is paused, tried again once a minute`);
        }
        break;
      }
      case 'forbidden':
        if (await this.budgets.pause('api', account, api.name, problem)) {
          this.logger.error(`${where}: ${error.code}: ${reason}; this API is paused, tried again once a minute`);
        }
        break;
      case 'refused':
      case 'transient':
        this.logger.debug(`${where}: ${error.code}: ${reason}`);
    }
  }

  /** When the jobs of the call are looked at again. Nothing that may pass by itself is held against them. */
  async lookAgain(jobs: DueJob[], error: VendorError, { idsPerCall }: VendorApi): Promise<void> {
    const ids = jobs.map(({ id }) => id);
    switch (error.kind) {
      case 'throttled':
      case 'credentials':
      case 'clock':
      case 'forbidden':
        // The budget says when there are calls again.
        if (error.retryAfterMs === null) return this.dueJobs.giveBack(jobs);
        return postpone(this.sql, ids, () => error.retryAfterMs ?? 0);
      case 'transient':
        return postpone(this.sql, ids, (failures) => Math.max(retryDelayMs(failures), error.retryAfterMs ?? 0));
      case 'refused':
        if (jobs.length > 1) {
          // One of them is the bad one: each half is asked alone, until it is alone.
          await this.dueJobs.restrict(jobs, Math.ceil(jobs.length / 2));
          return this.dueJobs.giveBack(jobs);
        }
        // Alone from now on, or its neighbours would pay with every look.
        if (idsPerCall > 1) await this.dueJobs.restrict(jobs, 1);
        return postpone(this.sql, ids, refusedDelayMs);
    }
  }
}
