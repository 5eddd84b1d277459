import 'reflect-metadata';
import { SqlPool } from '../src/database/sql-pool.js';
import { CurrentSettings } from '../src/settings/current-settings.js';
import { replay, type ReplaySummary } from '../src/tracking/replay.js';
import { benchSettings } from './account.js';
import { answerParent } from './child.js';

export type ReplayOrder = { databaseUrl: string };
export type ReplayFigures = ReplaySummary & { perSecond: number };

const ALL = { updatedSince: null, accounts: null, apis: null, ids: null };

/** What `npm run replay` does, in a process like its own. */
answerParent<ReplayOrder>(async ({ databaseUrl }): Promise<ReplayFigures> => {
  const sql = new SqlPool(databaseUrl);
  try {
    const from = performance.now();
    const summary = await replay(sql, new CurrentSettings(benchSettings(databaseUrl)), ALL, { dryRun: false });
    return { ...summary, perSecond: summary.receipts / ((performance.now() - from) / 1000) };
  } finally {
    await sql.onModuleDestroy();
  }
});
