import { Alerts } from '../src/alerts/alerts.js';
import { FigureRules } from '../src/alerts/figure-rules.js';
import { Silences } from '../src/alerts/silences.js';
import { SqlPool } from '../src/database/sql-pool.js';
import { Metrics } from '../src/metrics/metrics.js';
import { Relay } from '../src/outbox/relay.js';
import { AlertsFile, toAlertSettings } from '../src/settings/alert-settings.js';
import { CurrentSettings } from '../src/settings/current-settings.js';
import { Webhooks } from '../src/webhooks/webhooks.js';
import { benchSettings } from './account.js';
import { filledDatabase } from './fill.js';
import { query, settle, type BenchPostgres } from './postgres.js';
import { compared, type BenchOptions, type Row, type Say } from './report.js';

const SMALL = 100_000;
const ROUNDS = 30;
/** Jobs whose news are passed on at once, and how often; all of them have failed, or none. */
const NEWS = 500;
const BATCHES = 5;

/** The accounts that `fill.ts` spreads jobs over. */
const ACCOUNTS = ['media-cn', 'media-eu', 'trial'];
const RULES = [
  { name: 'subjob-failed', on: 'subjob-failed' },
  { name: 'share', on: 'failure-share', window: '1d', minimum: 5, above: 0.01 },
  { name: 'share-of-one', on: 'failure-share', filter: { account: 'media-cn', label: 'tenant:tenant-0' } },
  { name: 'late', on: 'job-late' },
  { name: 'callbacks', on: 'callback-loss' },
  { name: 'paused', on: 'account-paused' },
];

function settingsOn(databaseUrl: string): CurrentSettings {
  const settings = benchSettings(databaseUrl);
  const [bench] = settings.accounts;
  if (!bench) throw new Error('the benchmarks have no account');
  const accounts = [bench, ...ACCOUNTS.map((name) => ({ ...bench, name }))];
  return new CurrentSettings({ ...settings, accounts, alerts: toAlertSettings(AlertsFile.parse({ rules: RULES })) });
}

export function figureRulesOn(sql: SqlPool, databaseUrl: string): FigureRules {
  return new FigureRules(sql, settingsOn(databaseUrl), new Silences(sql), new Metrics());
}

export function relayOn(sql: SqlPool, databaseUrl: string): Relay {
  const settings = settingsOn(databaseUrl);
  const metrics = new Metrics();
  // Without endpoints there is nothing to store and nothing to read.
  const webhooks = new Webhooks(settings, null as never, null as never, metrics);
  // Driven by hand, without a loop.
  return new Relay(sql, settings, metrics, new Alerts(settings, new Silences(sql)), webhooks, null as never);
}

/** What rules cost among as many jobs as a platform has, against a tenth of that. */
export async function alerts(postgres: BenchPostgres, { size }: BenchOptions, say: Say): Promise<Row[]> {
  const small = await measure(postgres, SMALL, say);
  const large = await measure(postgres, size, say);
  return [
    compared({
      name: `alerts: all figure rules, ${size.toLocaleString('en-US')} jobs (against ${SMALL.toLocaleString('en-US')})`,
      unit: 'ms',
      target: { ours: 'at most', value: 100 },
      ours: large.evaluation,
      baseline: small.evaluation,
    }),
    compared({
      name: 'alerts: news of jobs passed on, none failed',
      unit: '/s',
      target: { ratio: 'at least', value: 0.75 },
      ours: large.healthy,
      baseline: small.healthy,
    }),
    compared({
      name: 'alerts: news of jobs passed on, all failed',
      unit: '/s',
      target: { ratio: 'at least', value: 0.75 },
      ours: large.failed,
      baseline: small.failed,
    }),
  ];
}

async function measure(postgres: BenchPostgres, jobs: number, say: Say) {
  const databaseUrl = await filledDatabase(postgres, `alerts_${jobs}`, jobs, say);
  const sql = new SqlPool(databaseUrl);
  try {
    const rules = figureRulesOn(sql, databaseUrl);
    await rules.evaluateAll();
    const evaluation: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const from = performance.now();
      await rules.evaluateAll();
      evaluation.push(performance.now() - from);
    }
    const figures = {
      evaluation,
      healthy: await passOn(sql, databaseUrl, `status = 'succeeded'`),
      failed: await passOn(sql, databaseUrl, `status IN ('failed', 'partially_failed')`),
    };
    for (const [what, values] of Object.entries(figures))
      say(
        `alerts, ${jobs.toLocaleString('en-US')} jobs: ${what} ${values.map((value) => Math.round(value)).join(' ')}`,
      );
    return figures;
  } finally {
    await sql.onModuleDestroy();
  }
}

/** News of jobs, each time of others: the last events of their histories, as if apply had just written them. */
async function passOn(sql: SqlPool, databaseUrl: string, which: string): Promise<number[]> {
  const relay = relayOn(sql, databaseUrl);
  await query(databaseUrl, 'TRUNCATE outbox');
  const rates: number[] = [];
  for (let batch = 0; batch <= BATCHES; batch++) {
    await query(
      databaseUrl,
      `INSERT INTO outbox (job_id, first_sequence, last_sequence, recorded_at)
       SELECT h.job_id, min(h.sequence), max(h.sequence), h.recorded_at FROM history_events h
       JOIN (SELECT id, terminal_at FROM jobs WHERE ${which} AND confirmed AND parent_job_id IS NULL
             ORDER BY created_at DESC LIMIT ${NEWS} OFFSET ${batch * NEWS}) j ON j.id = h.job_id AND j.terminal_at = h.recorded_at
       GROUP BY h.job_id, h.recorded_at`,
    );
    await settle(databaseUrl);
    const { rows } = await sql.query<{ news: number }>({ text: 'SELECT count(*)::int AS news FROM outbox' });
    const from = performance.now();
    await relay.passOnAll();
    // The first warms up.
    if (batch > 0) rates.push((rows[0]?.news ?? 0) / ((performance.now() - from) / 1000));
  }
  return rates;
}
