import pg from 'pg';
import { openQueueStore } from '../queue/queue-store.js';
import { CALLBACK_URL_LIMIT, callbackUrl, type Account, type Settings } from '../settings/settings.js';
import { ImsClient } from '../vendors/alibaba/ims-client.js';
import { apisOf } from '../vendors/registry.js';
import { VendorError } from '../vendors/vendor-error.js';

/** Postgres 14 is the oldest this is meant for. */
const OLDEST_POSTGRES = 140_000;
/** The vendor refuses signatures more than 15 minutes off; a minute is worth a word. */
const SKEW_WORTH_A_WORD_MS = 60_000;

type Line = (line: string) => void;

/** `--check`: tries everything the configuration names, says what it found, and answers whether all of it works. */
export async function check(settings: Settings, databaseUrl: string, say: Line): Promise<boolean> {
  say(`configuration  ok   ${settings.configFile ?? 'no callsheet.yaml'}, ${settings.accounts.length} account(s)`);
  const results = [
    await attempt('database', say, () => checkDatabase(databaseUrl)),
    await attempt('queue store', say, () => checkQueues(settings, databaseUrl)),
  ];
  for (const account of settings.accounts) {
    results.push(await attempt(account.name, say, () => checkAccount(account)));
    for (const token of account.callback?.tokens ?? []) {
      const url = callbackUrl(settings.publicUrl ?? '', account.name, token);
      say(
        `${account.name}  ok   callback ${url.slice(0, -token.length)}*** (${Buffer.byteLength(url)} of ${CALLBACK_URL_LIMIT} bytes)`,
      );
    }
  }
  return results.every(Boolean);
}

async function attempt(what: string, say: Line, work: () => Promise<string>): Promise<boolean> {
  try {
    say(`${what}  ok   ${await work()}`);
    return true;
  } catch (error) {
    say(`${what}  FAIL ${error instanceof Error ? error.message : String(error)}`);
    return false;
  }
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

/** One signed call for a job that cannot exist: "no such job" is the answer of a vendor that knows us. */
async function checkAccount(account: Account): Promise<string> {
  if (!account.credentials) return 'no credentials: claim-only, callbacks are all there is';
  const client = new ImsClient(account.endpoint, account.region, account.credentials);
  const [api] = apisOf(account.vendor);
  if (!api) return 'no API of this vendor is tracked';
  try {
    await client.call(api.query(['00000000000000000000000000000000']));
  } catch (error) {
    if (!(error instanceof VendorError)) throw error;
    const skew = error.kind === 'clock' ? await client.clockSkewMs() : null;
    const clock = skew === null ? '' : `; this clock is ${Math.round(skew / 1000)} s ahead of the vendor's`;
    throw new Error(`${api.operation} at ${account.endpoint}: ${error.code}: ${error.message}${clock}`, {
      cause: error,
    });
  }
  const skew = await client.clockSkewMs();
  const far = skew !== null && Math.abs(skew) > SKEW_WORTH_A_WORD_MS;
  return `${account.endpoint} takes the signature${far ? `, but this clock is ${Math.round(skew / 1000)} s ahead` : ''}`;
}
