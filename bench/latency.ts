import { SqlPool } from '../src/database/sql-pool.js';
import type { Wakeups } from '../src/queue/wakeups.js';
import { CurrentSettings } from '../src/settings/current-settings.js';
import { JobRegistry } from '../src/tracking/job-registry.js';
import { ACCOUNT, benchSettings } from './account.js';
import { Child } from './child.js';
import { CALLBACK_API } from './documents.js';
import { vendorJobIdOf, type LoadResult } from './load.js';
import { Ours } from './ours.js';
import { query, settle, type BenchPostgres } from './postgres.js';
import { compared, type BenchOptions, type Row, type Say } from './report.js';

const RATE = 1000;
/** Enough for a quarter of a second without an answer. */
const CONNECTIONS = 256;
/** The share of callbacks that may find no connection free: what 95 % take does not hang on them. */
const MOST_UNSENT = 0.01;
const WARM_UP_MS = 3000;
const REGISTERED_AT_ONCE = 1000;

/**
 * From a callback to its job's row showing what it said, through the door, the queue and apply of one process, at a thousand
 * callbacks a second. Seen by reading the rows, every few ms: commits and wake-ups are part of it.
 */
export async function latency(postgres: BenchPostgres, { seconds, runs }: BenchOptions, say: Say): Promise<Row[]> {
  const databaseUrl = await postgres.createDatabase('latency');
  const ours = await Ours.start(databaseUrl, 'all');
  const generator = Child.start('load.js');
  const results: LoadResult[] = [];
  const memory: number[] = [];
  try {
    for (let run = 1; run <= runs; run++) {
      const jobIds = `1a7e${run.toString(16).padStart(4, '0')}`;
      const measureMs = seconds * 1000;
      await register(databaseUrl, jobIds, ((WARM_UP_MS + measureMs) / 1000 + 1) * RATE);
      await query(databaseUrl, 'ANALYZE');
      await settle(databaseUrl);
      const watch = { databaseUrl, jobIds };
      const order = { url: ours.url, connections: CONNECTIONS, rate: RATE, warmUpMs: WARM_UP_MS, measureMs, watch };
      const sampled = await ours.sampled(generator.ask<LoadResult>(order));
      const { visibleP50Ms, visibleP95Ms, unseen, unsent, shed, refused } = sampled.result;
      if (unseen + shed + refused > 0 || unsent > (MOST_UNSENT * RATE * measureMs) / 1000)
        throw new Error(
          `${unsent} callbacks were not sent, ${shed + refused} not taken, ${unseen} not applied in time`,
        );
      const most = Math.max(...sampled.memory.map(({ mebibytes }) => mebibytes));
      say(
        `latency ${run}/${runs}: p50 ${visibleP50Ms.toFixed(1)} ms, p95 ${visibleP95Ms.toFixed(1)} ms, ${unsent} not sent, ${most.toFixed()} MiB`,
      );
      results.push(sampled.result);
      memory.push(most);
    }
  } finally {
    await Promise.all([ours.stop(), generator.stop()]);
  }
  const row = (name: string, unit: string, figures: number[], atMost: number | null) =>
    compared({ name, unit, target: atMost === null ? null : { ours: 'at most', value: atMost }, ours: figures });
  return [
    row(
      `latency: callback to job state at ${RATE}/s, half within`,
      'ms',
      results.map((result) => result.visibleP50Ms),
      null,
    ),
    row(
      `latency: callback to job state at ${RATE}/s, 95 % within`,
      'ms',
      results.map((result) => result.visibleP95Ms),
      300,
    ),
    row(`memory of --role=all at ${RATE}/s`, 'MiB', memory, 300),
  ];
}

async function register(databaseUrl: string, jobIds: string, count: number): Promise<void> {
  const sql = new SqlPool(databaseUrl);
  const wakeups = { wake: () => undefined } as unknown as Wakeups;
  const registry = new JobRegistry(sql, new CurrentSettings(benchSettings(databaseUrl)), wakeups);
  try {
    for (let from = 1; from <= count; from += REGISTERED_AT_ONCE) {
      const jobs = Array.from({ length: REGISTERED_AT_ONCE }, (_, i) => vendorJobIdOf(jobIds, from + i));
      await registry.register(jobs.map((vendorJobId) => ({ account: ACCOUNT, api: CALLBACK_API, vendorJobId })));
    }
  } finally {
    await sql.onModuleDestroy();
  }
}
