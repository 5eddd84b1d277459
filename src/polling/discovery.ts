import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { SqlPool } from '../database/sql-pool.js';
import { retryDelayMs } from '../domain/poll-schedule.js';
import { Metrics } from '../metrics/metrics.js';
import { CurrentSettings } from '../settings/current-settings.js';
import type { Account } from '../settings/settings.js';
import { Receipts } from '../tracking/receipts.js';
import { parseJson } from '../vendors/readers.js';
import { apisOf } from '../vendors/registry.js';
import type { Listing, VendorApi } from '../vendors/vendor-api.js';
import type { VendorAnswer, VendorClient } from '../vendors/vendor-client.js';
import { VendorError, type VendorErrorKind } from '../vendors/vendor-error.js';
import type { Budget } from './budgets.js';
import { DiscoveryLog } from './discovery-log.js';
import { afterPage, coveredAfter, nextPage, restarted } from './discovery-pass.js';
import { DiscoveryRows, type Claim, type Place } from './discovery-rows.js';
import { drawNumber } from './draw-number.js';
import { Setbacks } from './setbacks.js';
import { VendorClients } from './vendor-clients.js';

/** How long a listing waits at least after a failed call. */
const LEAST_WAIT_MS: Partial<Record<VendorErrorKind, number>> = {
  // A matter of somebody's rights, which do not change by the minute.
  forbidden: 3_600_000,
  // Until the budget, which the looks at jobs need more, has its full rate again.
  throttled: 60_000,
};
/** What may pass by itself is shown as wrong when it has not passed after so many calls. */
const FAILURES_SHOWN = 3;
/** Ten million jobs: the vendor's tokens lead in a circle. */
const MOST_PAGES = 100_000;

/** Where jobs are looked for: an API that can be listed, of an account with `discover`. */
type Ground = {
  place: Place;
  /** For people: account and operation. */
  where: string;
  account: Account;
  discover: NonNullable<Account['discover']>;
  budget: Budget;
  api: VendorApi;
  listing: Listing;
  client: VendorClient;
};

type Page = { listed: number; found: number; nextToken: string | null };

/**
 * Looks for jobs that nobody announced, by listing. A page becomes a receipt, and what it names is tracked like any other
 * job. All that matters between two pages is a row, so any process goes on where another one stopped.
 */
@Injectable()
export class Discovery implements OnModuleDestroy {
  private readonly log = new DiscoveryLog();
  private readonly underWay = new Map<string, Promise<void>>();
  private readonly ensured = new WeakSet<Account>();
  private stopping = false;

  constructor(
    private readonly sql: SqlPool,
    private readonly settings: CurrentSettings,
    private readonly rows: DiscoveryRows,
    private readonly clients: VendorClients,
    private readonly setbacks: Setbacks,
    private readonly receipts: Receipts,
    private readonly metrics: Metrics,
  ) {}

  /** Begins what is due and not in hand here yet. Does not wait for it: one slow vendor must not hold up the others. */
  async round(): Promise<void> {
    if (this.stopping) return;
    const grounds = new Map(this.grounds().map((ground) => [keyOf(ground.place), ground]));
    if (grounds.size === 0) return;
    await this.ensure([...grounds.values()]);
    for (const place of await this.rows.due()) {
      const key = keyOf(place);
      const ground = grounds.get(key);
      if (!ground || this.stopping || this.underWay.has(key)) continue;
      const walk = this.walk(ground).finally(() => this.underWay.delete(key));
      this.underWay.set(key, walk);
    }
  }

  /** What is in hand is brought to the end of its page. */
  async onModuleDestroy(): Promise<void> {
    this.stopping = true;
    await Promise.all(this.underWay.values());
  }

  private grounds(): Ground[] {
    return this.settings.value.accounts.flatMap((account) => {
      const { name, vendor, discover, requestsPerSecond: limit } = account;
      const client = discover && this.clients.of(name);
      if (!discover || !client) return [];
      return apisOf(vendor).flatMap((api): Ground[] => {
        const { listing } = api;
        if (!listing) return [];
        const place = { account: name, api: api.name };
        const where = `${name} ${listing.operation}`;
        return [{ place, where, account, discover, budget: { ...place, limit }, api, listing, client }];
      });
    });
  }

  /** At the start, and when the configuration was read again, everything is listed at once. */
  private async ensure(grounds: Ground[]): Promise<void> {
    const fresh = grounds.filter(({ account }) => !this.ensured.has(account));
    if (fresh.length === 0) return;
    await this.rows.ensure(fresh.map(({ place }) => place));
    for (const { account } of fresh) this.ensured.add(account);
  }

  /** Page after page, as long as there are calls to spare. */
  private async walk(ground: Ground): Promise<void> {
    try {
      while (!this.stopping && (await this.step(ground)));
    } catch (error) {
      this.log.interrupted(ground.where, this.settings.redact(String(error)));
    }
  }

  /** One page. true: the next may be asked for. */
  private async step(ground: Ground): Promise<boolean> {
    const claim = await this.rows.claim(ground.budget, ground.discover.windowMs);
    if (!claim) return false;
    if (claim.begins) this.log.begins(ground.where, claim);
    try {
      await this.succeeded(ground, claim, await this.ask(ground, claim));
      return true;
    } catch (error) {
      if (!(error instanceof VendorError)) throw error;
      await this.failed(ground, claim, error);
      return false;
    }
  }

  /** Asks for the page, and stores it unless it names nothing but jobs whose end is known. */
  private async ask(ground: Ground, { pass }: Claim): Promise<Page> {
    if (pass.pages >= MOST_PAGES)
      throw new VendorError('forbidden', 'EndlessListing', `no end after ${pass.pages} pages`);
    const { place, listing } = ground;
    const evidence = await drawNumber(this.sql);
    const { httpStatus, body } = await this.call(ground, listing.query(nextPage(pass, listing.longestSpanMs)));
    const page = listing.readPage(parseJson(body.toString('utf8'))?.value ?? null);
    const jobs = page?.jobs ?? [];
    const { unknown, open } = await this.rows.news(
      place,
      jobs.map(({ vendorJobId }) => vendorJobId),
    );
    if (!page || unknown + open > 0) {
      await this.receipts.storeAnswer({ ...place, asked: [], via: 'list', httpStatus, body, evidence });
    }
    if (!page) throw new VendorError('refused', 'NotAPage', `the answer is not a page of ${listing.operation}`);
    return { listed: jobs.length, found: unknown, nextToken: page.nextToken };
  }

  private async call({ place, client }: Ground, query: ReturnType<Listing['query']>): Promise<VendorAnswer> {
    const stop = this.metrics.vendorCallDuration.startTimer(place);
    try {
      const answer = await client.call(query);
      this.metrics.vendorCalls.inc({ ...place, result: 'ok' });
      return answer;
    } catch (error) {
      if (error instanceof VendorError) this.metrics.vendorCalls.inc({ ...place, result: error.kind });
      throw error;
    } finally {
      stop();
    }
  }

  private async succeeded({ place, where, listing, discover }: Ground, claim: Claim, page: Page): Promise<void> {
    const { pass, ended } = afterPage(claim.pass, page, listing.longestSpanMs);
    this.metrics.discoveryListed.inc(place, page.listed);
    this.metrics.discoveryFound.inc(place, page.found);
    const kept = await this.rows.keep(claim, {
      pass,
      ended,
      covered: ended ? coveredAfter(claim.covered, pass) : claim.covered,
      failures: 0,
      error: null,
      waitMs: ended ? discover.everyMs : 0,
    });
    if (kept && ended) this.log.ends(where, pass, claim);
    else if (kept) this.log.page(where, pass);
  }

  /** Sorted like other calls, except that a listing which is forbidden pauses nothing but itself. */
  private async failed({ place, where, api }: Ground, claim: Claim, error: VendorError): Promise<void> {
    const { kind, code, retryAfterMs } = error;
    if (kind !== 'forbidden') await this.setbacks.slowDown(place.account, api, error);
    const problem = { code, message: this.settings.redact(error.message).slice(0, 300) };
    const passesByItself = kind === 'throttled' || kind === 'transient';
    const failures = claim.failures + 1;
    const shown = !passesByItself || failures >= FAILURES_SHOWN;
    await this.rows.keep(claim, {
      // Tokens do not live for ever: what was refused with one may be answered without.
      pass: passesByItself ? claim.pass : restarted(claim.pass),
      ended: false,
      covered: claim.covered,
      failures,
      error: shown ? problem : null,
      waitMs: Math.max(LEAST_WAIT_MS[kind] ?? 0, retryDelayMs(failures), retryAfterMs ?? 0),
    });
    this.log.failed(where, problem, shown && claim.errorCode !== code);
  }
}

function keyOf({ account, api }: Place): string {
  return `${account}\n${api}`;
}
