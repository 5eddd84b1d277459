import 'reflect-metadata';
import { fileURLToPath } from 'node:url';
import { SqlPool } from '../src/database/sql-pool.js';
import { HelperProcess } from '../src/replay-helper.js';
import { CurrentSettings } from '../src/settings/current-settings.js';
import { ChunkReplayer } from '../src/tracking/replay-chunk.js';
import { replay, type ReplaySummary } from '../src/tracking/replay.js';
import { benchSettings } from './account.js';
import { answerParent } from './child.js';

export type ReplayOrder = { databaseUrl: string };
export type ReplayFigures = ReplaySummary & { perSecond: number };

const ALL = { updatedSince: null, accounts: null, apis: null, ids: null };

const SCRIPT = fileURLToPath(new URL('../src/replay.js', import.meta.url));
let helper: HelperProcess | null = null;

/** What `npm run replay` does with many jobs, in two processes like its own; the second one stays for the next time. */
answerParent<ReplayOrder>(async ({ databaseUrl }): Promise<ReplayFigures> => {
  const settings = new CurrentSettings(benchSettings(databaseUrl));
  const sql = new SqlPool(databaseUrl);
  helper ??= new HelperProcess(SCRIPT, { databaseUrl, settings: settings.value, scope: ALL, dryRun: false });
  const crew = [new ChunkReplayer(sql, settings, ALL, false), helper];
  try {
    const from = performance.now();
    const summary = await replay(sql, ALL, () => crew, { dryRun: false });
    return { ...summary, perSecond: summary.receipts / ((performance.now() - from) / 1000) };
  } finally {
    await sql.onModuleDestroy();
  }
});
