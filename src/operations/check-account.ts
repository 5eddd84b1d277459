import { CALLBACK_URL_LIMIT, callbackUrl, type Account, type Settings } from '../settings/settings.js';
import { parseJson } from '../vendors/readers.js';
import { apisOf } from '../vendors/registry.js';
import { NO_SUCH_JOB } from '../vendors/vendor-api.js';
import type { VendorAnswer, VendorClient, VendorQuery } from '../vendors/vendor-client.js';
import { VendorError } from '../vendors/vendor-error.js';
import { connect, eventCallbackOf } from '../vendors/vendors.js';
import type { CheckReport } from './check-report.js';

/** The vendor refuses signatures more than 15 minutes off; a minute is worth a warning. */
const SKEW_WARNED_OF_MS = 60_000;
/** The vendor's clock is told to the second, and the answer took its time. */
const SKEW_UNNOTICED_MS = 2_000;

/** Tries one account: its key, the clock, its callback address, and what the vendor was told to call. */
export async function checkAccount(account: Account, settings: Settings, report: CheckReport): Promise<void> {
  const { name, credentials, callback } = account;
  const client = credentials && connect(account.vendor, { ...account, credentials, proxies: settings.proxies });
  const known = client !== null && (await checkCredentials(account, client, report));
  if (!client) report.ok(name, 'no credentials: claim-only, callbacks are all there is');
  const urls = (callback?.tokens ?? []).map((token) => callbackUrl(settings.publicUrl ?? '', name, token));
  for (const url of urls) {
    const masked = `${url.slice(0, url.lastIndexOf('/'))}/***`;
    report.ok(name, `callback ${masked} (${Buffer.byteLength(url)} of ${CALLBACK_URL_LIMIT} bytes)`);
  }
  if (client && known) await compareEventCallback(account, urls, client, report);
}

/** One signed call of each operation. A key need not be allowed all of them, but one. true: the vendor knows us. */
async function checkCredentials(account: Account, client: VendorClient, report: CheckReport): Promise<boolean> {
  const { name, endpoint, vendor } = account;
  const apis = apisOf(vendor);
  const forbidden: string[] = [];
  for (const api of apis) {
    const answer = await answerOf(client, api.query([NO_SUCH_JOB]));
    if (!(answer instanceof VendorError)) continue;
    const said = `${api.operation} at ${endpoint}: ${answer.code}: ${answer.message}`;
    if (answer.kind === 'forbidden') {
      forbidden.push(said);
    } else if (answer.kind === 'throttled' || answer.kind === 'refused') {
      // It took the signature.
      report.warn(name, said);
    } else {
      report.fail(name, answer.kind === 'clock' ? `${said}; ${clocks(await client.clockSkewMs())}` : said);
      return false;
    }
  }
  if (forbidden.length === apis.length) {
    report.fail(name, forbidden.join('; '));
    return false;
  }
  const skewMs = await client.clockSkewMs();
  const far = skewMs !== null && Math.abs(skewMs) > SKEW_WARNED_OF_MS;
  report.ok(name, `${endpoint} takes the signature${far ? '' : `; ${clocks(skewMs)}`}`);
  if (far) report.warn(name, `${clocks(skewMs)}; from 15 minutes on it refuses signatures`);
  for (const said of forbidden) report.warn(name, `${said} (jobs of this kind are not polled)`);
  return true;
}

/** What single jobs carry needs no setting of the account, so a difference here is no failure. */
async function compareEventCallback(
  { name, vendor, callback }: Account,
  urls: string[],
  client: VendorClient,
  report: CheckReport,
): Promise<void> {
  const eventCallback = eventCallbackOf(vendor);
  if (!eventCallback || !callback) return;
  const { operation } = eventCallback;
  const answer = await answerOf(client, eventCallback.query);
  if (answer instanceof VendorError) {
    const advice = answer.kind === 'forbidden' ? ' (allow it to have the callback setting compared)' : '';
    report.warn(name, `${operation}: ${answer.code}: ${answer.message}${advice}`);
    return;
  }
  const { authKeys, signature } = callback;
  const document = parseJson(answer.body.toString('utf8'))?.value ?? null;
  const found = eventCallback.compare(document, { urls, authKeys, signature, apis: apisOf(vendor) });
  const right = found.filter(({ ok }) => ok).map(({ text }) => text);
  if (right.length > 0) report.ok(name, `${operation}: ${right.join('; ')}`);
  for (const { text } of found.filter(({ ok }) => !ok)) report.warn(name, `${operation}: ${text}`);
}

async function answerOf(client: VendorClient, query: VendorQuery): Promise<VendorAnswer | VendorError> {
  try {
    return await client.call(query);
  } catch (error) {
    if (error instanceof VendorError) return error;
    throw error;
  }
}

function clocks(skewMs: number | null): string {
  if (skewMs === null) return 'it does not tell its time';
  if (Math.abs(skewMs) <= SKEW_UNNOTICED_MS) return 'the clocks agree';
  return `this clock is ${Math.round(Math.abs(skewMs) / 1000)} s ${skewMs > 0 ? 'ahead of' : 'behind'} the vendor's`;
}
