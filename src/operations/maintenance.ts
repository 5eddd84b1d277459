import { Inject, Injectable, Logger } from '@nestjs/common';
import { Cron, Interval } from '@nestjs/schedule';
import { dropPartitions, makePartitions } from '../database/partitions.js';
import { SqlPool } from '../database/sql-pool.js';
import { Poller } from '../polling/poller.js';
import { Wakeups } from '../queue/wakeups.js';
import { CurrentSettings } from '../settings/current-settings.js';
import { ROLE, type Role } from './role.js';

/** A receipt that waits longer than this was forgotten by the queue. */
const FORGOTTEN = '1 second';

/** What keeps the house in order, whatever happens to the queue store. */
@Injectable()
export class Maintenance {
  private readonly logger = new Logger(Maintenance.name);

  constructor(
    private readonly sql: SqlPool,
    private readonly wakeups: Wakeups,
    private readonly poller: Poller,
    private readonly settings: CurrentSettings,
    @Inject(ROLE) private readonly role: Role,
  ) {}

  /** Wakes apply for receipts whose wake-up was lost. */
  @Interval(1000)
  async sweepPendingReceipts(): Promise<void> {
    if (this.role === 'api') return;
    await this.quietly('the sweep of pending receipts', async () => {
      const { rows } = await this.sql.query<{ forgotten: boolean }>({
        name: 'sweep-pending',
        text: `SELECT EXISTS (SELECT FROM pending_receipts WHERE received_at < now() - interval '${FORGOTTEN}') AS forgotten`,
      });
      if (rows[0]?.forgotten) await this.wakeups.wakeForgotten();
    });
  }

  /** The beat lives in the queue store; should that have been wiped, it starts again. */
  @Interval(5000)
  async keepBeat(): Promise<void> {
    if (this.role === 'api') return;
    await this.quietly('the beat', () => this.poller.keepBeat());
  }

  @Cron('7 */6 * * *')
  async makePartitionsAhead(): Promise<void> {
    await this.quietly('making partitions', () => makePartitions(this.sql, new Date()));
  }

  @Cron('17 * * * *')
  async dropExpired(): Promise<void> {
    if (this.role === 'api') return;
    await this.quietly('dropping what has expired', async () => {
      const { receiptBodiesMs, historyMs } = this.settings.value.retention;
      const now = Date.now();
      const before = { receipts: new Date(now - receiptBodiesMs), history: new Date(now - historyMs) };
      for (const name of await dropPartitions(this.sql, before))
        this.logger.log(`dropped ${name}: older than the retention`);
    });
  }

  private async quietly(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.logger.warn(`${what} failed, the next round will do it: ${this.settings.redact(String(error))}`);
    }
  }
}
