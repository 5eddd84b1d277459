import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import os from 'node:os';
import { codeOf, SqlPool } from './database/sql-pool.js';
import { hasEmbeddedPostgres, runningEmbeddedPostgres, startEmbeddedPostgres } from './embedded/embedded-postgres.js';
import { PinoLogger } from './logger.js';
import { migrationsProbe } from './operations/health-probes.js';
import { readReplayArguments, REPLAY_USAGE, UsageError, type ReplayArguments } from './operations/replay-arguments.js';
import { ReplayProgressLine, replaySummary } from './operations/replay-report.js';
import { HELPER_ARGUMENT, HelperProcess, helpParent } from './replay-helper.js';
import { CurrentSettings } from './settings/current-settings.js';
import { loadSettings } from './settings/load-settings.js';
import type { Settings } from './settings/settings.js';
import { ChunkReplayer } from './tracking/replay-chunk.js';
import { jobIdsNamed, replay } from './tracking/replay.js';
import type { ReplayScope } from './tracking/replay-statements.js';
import { API_NAMES } from './vendors/registry.js';

/** Fewer jobs than this are replayed before another process has started. */
const WORTH_A_PROCESS = 2000;
const MISUSED = 2;
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** `npm run replay`: rebuilds jobs from what was received about them, while the tracker runs or while it does not. */
async function main(): Promise<number> {
  const wanted = readReplayArguments(process.argv.slice(2), new Date());
  if (wanted.help) {
    process.stdout.write(`${REPLAY_USAGE}\n`);
    return 0;
  }
  const settings = loadSettings(process.env, process.cwd());
  const current = new CurrentSettings(settings);
  Logger.overrideLogger(new PinoLogger(settings.logLevel, (text) => current.redact(text), process.stderr));
  checkNames(wanted, settings);

  const stopping = new AbortController();
  let received: (typeof SIGNALS)[number] | null = null;
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (received) process.exit(exitCodeOf(signal));
      received = signal;
      stopping.abort();
      process.stderr.write(`\n${signal}: ending after what is in hand (once more to stop at once)\n`);
    });
  }
  const database = await openDatabase(settings);
  const sql = new SqlPool(database.url);
  const progress = new ReplayProgressLine(process.stderr);
  const helpers: HelperProcess[] = [];
  try {
    await mustBeUpToDate(sql);
    const scope = await scopeOf(wanted, sql);
    const { dryRun } = wanted;
    const startedAt = Date.now();
    const crewFor = (jobs: number) => {
      const order = { databaseUrl: database.url, settings, scope, dryRun };
      if (jobs >= WORTH_A_PROCESS) helpers.push(new HelperProcess(process.argv[1] ?? '', order));
      return [new ChunkReplayer(sql, current, scope, dryRun), ...helpers];
    };
    const summary = await replay(sql, scope, crewFor, {
      dryRun,
      signal: stopping.signal,
      onProgress: (done) => progress.show(done),
    });
    progress.clear();
    const lines = replaySummary(summary, { dryRun, ms: Date.now() - startedAt });
    process.stdout.write(current.redact(`${lines.join('\n')}\n`));
    if (received) return exitCodeOf(received);
    return summary.failed > 0 ? 1 : 0;
  } catch (error) {
    progress.clear();
    throw error instanceof Error ? new Error(current.redact(error.message), { cause: error }) : error;
  } finally {
    for (const helper of helpers) helper.stop();
    await sql.onModuleDestroy();
    await database.stop();
  }
}

function checkNames({ accounts, apis }: ReplayArguments, settings: Settings): void {
  const configured = settings.accounts.map(({ name }) => name);
  for (const name of accounts ?? []) {
    if (!configured.includes(name))
      throw new UsageError(`--account: callsheet.yaml has no account ${name}${thereIs(configured)}`);
  }
  for (const name of apis ?? []) {
    if (!API_NAMES.includes(name)) throw new UsageError(`--api: there is no API ${name}${thereIs(API_NAMES)}`);
  }
}

function thereIs(names: string[]): string {
  return names.length === 0 ? '' : `; there is ${names.join(', ')}`;
}

async function scopeOf({ since, accounts, apis, jobs }: ReplayArguments, sql: SqlPool): Promise<ReplayScope> {
  const ids = jobs === null ? null : await jobIdsNamed(sql, jobs);
  return { updatedSince: since, accounts, apis, ids };
}

/** The configured database, the embedded one of a tracker that runs, or the embedded one, started for us. */
async function openDatabase({ databaseUrl, dataDir }: Settings): Promise<{ url: string; stop(): Promise<void> }> {
  const url = databaseUrl ?? runningEmbeddedPostgres({ dataDir });
  if (url !== null) return { url, stop: async () => {} };
  if (!hasEmbeddedPostgres({ dataDir }))
    throw new UsageError(
      `There is no DATABASE_URL, and no embedded Postgres in ${dataDir}: run this where Callsheet runs`,
    );
  return startEmbeddedPostgres({ dataDir, onProgress: (line) => process.stderr.write(`${line}\n`) });
}

/** Migrations are the tracker's own business: a replay may be run by whoever knows nothing of a new version. */
async function mustBeUpToDate(sql: SqlPool): Promise<void> {
  const missing = await migrationsProbe(sql)
    .check()
    .catch((error: unknown) => {
      if (codeOf(error) === '42P01') return 'it is empty';
      throw error;
    });
  if (missing !== null)
    throw new Error(`The database is not that of this version (${missing}): start the tracker first`);
}

function exitCodeOf(signal: (typeof SIGNALS)[number]): number {
  return 128 + os.constants.signals[signal];
}

if (process.argv.includes(HELPER_ARGUMENT) && process.send) {
  Logger.overrideLogger(['error', 'warn']);
  helpParent();
} else {
  main().then(
    (code) => process.exit(code),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
      process.exit(error instanceof UsageError ? MISUSED : 1);
    },
  );
}
