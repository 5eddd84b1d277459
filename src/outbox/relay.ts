import { Injectable, Logger } from '@nestjs/common';
import type pg from 'pg';
import { Alerts } from '../alerts/alerts.js';
import { exclusively } from '../database/exclusively.js';
import { SqlPool } from '../database/sql-pool.js';
import type { JobNews, NewsEvent } from '../domain/job-news.js';
import { Loops } from '../loops/loops.js';
import { Metrics } from '../metrics/metrics.js';
import { CurrentSettings } from '../settings/current-settings.js';
import { isTransient } from '../tracking/transient.js';
import { Webhooks } from '../webhooks/webhooks.js';
import * as statements from './statements.js';
import { confirmsWhatWasTold, eventsToTell, isUnconfirmedEnd, verdictOnFresh, verdictOnParked } from './unconfirmed.js';

/** Jobs with news of one transaction. */
const BATCH = 500;

/**
 * Passes on what apply has written: reads the events that outbox rows name, hands them to whoever acts on them, and deletes
 * the rows, in one transaction. So whatever is made of an event is made exactly once, wherever a process is killed. One relay is at
 * work at a time; it looks for rows of its own accord, so no queue store is needed for alerts to come.
 */
@Injectable()
export class Relay {
  private readonly logger = new Logger(Relay.name);
  private looking: Promise<void> | null = null;

  constructor(
    private readonly sql: SqlPool,
    private readonly settings: CurrentSettings,
    private readonly metrics: Metrics,
    private readonly alerts: Alerts,
    private readonly webhooks: Webhooks,
    private readonly loops: Loops,
  ) {}

  /** Looks for news from now on. */
  start(): void {
    this.loops.start('relay', () => this.look());
  }

  /** Waits for the batch in hand. */
  async stop(): Promise<void> {
    this.loops.stop('relay');
    await this.looking;
  }

  private async look(): Promise<void> {
    this.looking = this.passOnAll().catch((error: unknown) =>
      this.logger.warn(`news are not passed on, the next look will do it: ${this.settings.redact(String(error))}`),
    );
    await this.looking;
    this.looking = null;
  }

  /** Passes on all there is, unless another process is at it. */
  async passOnAll(): Promise<void> {
    for (;;) {
      const done = await this.passOn({ limit: BATCH });
      if (done === null || done < BATCH) return;
    }
  }

  /**
   * One transaction; answers how many rows there were, null when another process is at work. A batch that fails for a reason
   * of its content is halved until the one job is alone. That one's news are given up with a line in the log: its history has them.
   */
  private async passOn(which: { limit: number } | { ids: string[] }): Promise<number | null> {
    let taken: string[] = [];
    let committed = (): void => undefined;
    try {
      const done = await exclusively(this.sql, 'outbox', async (client) => {
        const rows = await statements.readOutbox(client, which);
        taken = rows.map(({ id }) => id);
        committed = await this.tell(client, rows, 'limit' in which ? BATCH : 0);
        await statements.deleteOutbox(client, taken);
        return rows.length;
      });
      if (done !== null) committed();
      return done;
    } catch (error) {
      if (taken.length === 0 || isTransient(error)) throw error;
      this.metrics.outboxFailures.inc();
      const reason = this.settings.redact(String(error)).slice(0, 500);
      if (taken.length === 1) {
        this.logger.error(`news of a job could not be passed on and are given up: ${reason}`);
        await exclusively(this.sql, 'outbox', (client) => statements.deleteOutbox(client, taken));
        return 1;
      }
      this.logger.warn(`a batch of news of ${taken.length} jobs is halved: ${reason}`);
      const half = taken.length >> 1;
      const first = await this.passOn({ ids: taken.slice(0, half) });
      const second = await this.passOn({ ids: taken.slice(half) });
      return first === null || second === null ? null : first + second;
    }
  }

  /** Everybody who acts on news. Answers what is to be done once it is committed. */
  private async tell(client: pg.ClientBase, rows: statements.OutboxRow[], parked: number): Promise<() => void> {
    const news = await this.newsIn(client, rows, parked);
    await this.alerts.take(client, news);
    return this.webhooks.take(client, news);
  }

  private async newsIn(client: pg.ClientBase, rows: statements.OutboxRow[], due: number): Promise<JobNews[]> {
    const waited = await statements.takeParked(client, { due, of: [...new Set(rows.map(({ jobId }) => jobId))] });
    const ranges = [...waited, ...rows];
    if (ranges.length === 0) return [];
    const jobs = await statements.readJobs(client, [...new Set(ranges.map(({ jobId }) => jobId))]);
    const events = await this.eventsOf(client, ranges);
    const told = new Map<string, NewsEvent[]>();
    const parked: (statements.Range & { told: boolean })[] = [];
    const believed = new Set(waited.filter((range) => range.told).map(({ jobId }) => jobId));
    for (const range of ranges) {
      const job = jobs.get(range.jobId);
      const written = events.get(range) ?? [];
      if (!job || written.length === 0) continue;
      const claim = { confirmed: job.confirmed, claimOnly: !this.settings.canAsk(job.account) };
      const hasWaited = 'answered' in range;
      const verdict = hasWaited
        ? verdictOnParked({ ...claim, ...range })
        : written.some(isUnconfirmedEnd)
          ? verdictOnFresh(claim)
          : 'believe';
      if (verdict === 'wait') parked.push({ ...range, told: hasWaited && range.told });
      if (verdict === 'believe' && hasWaited) parked.push({ ...range, told: true });
      const news = eventsToTell(written, verdict, hasWaited).filter(
        (event) => !(believed.has(job.id) && confirmsWhatWasTold(event)),
      );
      told.set(job.id, [...(told.get(job.id) ?? []), ...news]);
    }
    await statements.park(client, parked);
    const withSubjobs = await statements.jobsWithSubjobs(client, [...told.keys()]);
    return [...told].flatMap(([id, events]) => {
      const job = jobs.get(id);
      return job && events.length > 0 ? [{ job, events, hasSubjobs: withSubjobs.has(id) }] : [];
    });
  }

  private async eventsOf(
    client: pg.ClientBase,
    ranges: statements.Range[],
  ): Promise<Map<statements.Range, NewsEvent[]>> {
    const events = await statements.readEvents(client, ranges);
    // A replay that came in between has numbered them anew; the time at which they were written stays.
    const moved = ranges.filter((range) => !events.has(range));
    for (const [range, written] of await statements.readMovedEvents(client, moved)) events.set(range, written);
    const failed = [...events.values()].flatMap((rows) => rows.flatMap(({ subjobId }) => subjobId ?? []));
    const subjobs = await statements.readSubjobs(client, [...new Set(failed)]);
    const withSubjob = ({ subjobId, ...event }: statements.EventRow): NewsEvent => ({
      ...event,
      subjob: subjobId === null ? null : (subjobs.get(subjobId) ?? null),
    });
    return new Map([...events].map(([range, rows]) => [range, rows.map(withSubjob)]));
  }
}
