import pg from 'pg';
import { openQueueStore } from '../queue/queue-store.js';
import type { Settings } from '../settings/settings.js';
import { checkAccount } from './check-account.js';
import { CheckReport, counted } from './check-report.js';

/** Postgres 14 is the oldest this is meant for. */
const OLDEST_POSTGRES = 140_000;

/**
 * `--check`: tries everything the configuration names, says each thing as soon as it is known, and answers whether all of
 * it works. Warnings are for what works and may not be meant.
 */
export async function check(settings: Settings, databaseUrl: string, say: (line: string) => void): Promise<boolean> {
  const { accounts, configFile } = settings;
  const report = new CheckReport(say, ['configuration', ...accounts.map(({ name }) => name)]);
  report.ok('configuration', `${configFile ?? 'no callsheet.yaml'}, ${counted(accounts.length, 'account')}`);
  if (accounts.length === 0) report.warn('configuration', 'nothing is tracked until callsheet.yaml names an account');
  await report.attempt('database', () => checkDatabase(databaseUrl));
  await report.attempt('queue store', () => checkQueues(settings, databaseUrl));
  for (const account of accounts) await report.attempt(account.name, () => checkAccount(account, settings, report));
  return report.end();
}

async function checkDatabase(databaseUrl: string): Promise<string> {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 5000 });
  await client.connect();
  try {
    const { rows } = await client.query<{ number: number; version: string }>(
      `SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS version`,
    );
    const [server] = rows;
    if (!server || server.number < OLDEST_POSTGRES)
      throw new Error(`Postgres ${server?.version ?? '?'} is too old, 14 is needed`);
    return `Postgres ${server.version}`;
  } finally {
    await client.end();
  }
}

async function checkQueues(settings: Settings, databaseUrl: string): Promise<string> {
  const store = await openQueueStore({ redisUrl: settings.redisUrl, databaseUrl });
  try {
    await store.ping();
    return `BullMQ on ${store.kind === 'redis' ? 'Redis' : 'Postgres'}`;
  } finally {
    await store.close();
  }
}
