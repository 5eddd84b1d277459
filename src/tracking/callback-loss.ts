import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { SqlPool } from '../database/sql-pool.js';
import { expectedShare } from '../domain/share.js';

/** As many of the last hours count; the one under way included. */
const HOURS = 6;
/** What is believed of an API until its callbacks are counted: one in a hundred is lost, as if twenty had been due. */
const PRIOR = { share: 0.01, weight: 20 };

export type LossOfApi = { account: string; api: string; loss: number };

/** What share of the callbacks that are due to be lost now, by the counts of the last hours. */
export async function readCallbackLoss(sql: SqlPool): Promise<LossOfApi[]> {
  const { rows } = await sql.query<{ account: string; api: string; lost: number; due: number }>({
    name: 'callback-loss',
    text: `SELECT account, api, sum(lost)::int AS lost, sum(due)::int AS due FROM callback_health
           WHERE hour > now() - interval '${HOURS} hours' GROUP BY account, api`,
  });
  return rows.map(({ account, api, lost, due }) => ({
    account,
    api,
    loss: expectedShare({ count: lost, total: due }, PRIOR),
  }));
}

/** How likely an expected callback is not to come, at hand at any moment. */
@Injectable()
export class CallbackLoss implements OnModuleInit {
  private readonly logger = new Logger(CallbackLoss.name);
  private losses = new Map<string, number>();

  constructor(private readonly sql: SqlPool) {}

  /** From 0 to 1; one in a hundred of what is not known yet. */
  of(account: string, api: string): number {
    return this.losses.get(`${account} ${api}`) ?? PRIOR.share;
  }

  async onModuleInit(): Promise<void> {
    await this.refresh();
  }

  async refresh(): Promise<void> {
    try {
      const losses = await readCallbackLoss(this.sql);
      this.losses = new Map(losses.map(({ account, api, loss }) => [`${account} ${api}`, loss]));
    } catch (error) {
      this.logger.warn(`callback loss stays as it was: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}
