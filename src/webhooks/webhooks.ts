import { Injectable } from '@nestjs/common';
import type pg from 'pg';
import { Deliveries } from '../delivery/deliveries.js';
import { matchesJob } from '../domain/job-match.js';
import type { JobNews, NewsJob } from '../domain/job-news.js';
import { Metrics } from '../metrics/metrics.js';
import { CurrentSettings } from '../settings/current-settings.js';
import { redacted } from '../settings/redact.js';
import type { Endpoint, EventType } from '../settings/webhook-settings.js';
import { EventData } from './event-data.js';
import { eventsOf, type OutgoingEvent } from './outgoing-event.js';

/** Events whose data are read at once: a batch may have a thousand parts, and as many files. */
const AT_ONCE = 500;

type Wanted = { event: OutgoingEvent; endpoints: Endpoint[] };
type Told = { endpoint: string; type: EventType };

/** From what happens to jobs to what endpoints are sent. */
@Injectable()
export class Webhooks {
  constructor(
    private readonly settings: CurrentSettings,
    private readonly deliveries: Deliveries,
    private readonly data: EventData,
    private readonly metrics: Metrics,
  ) {}

  /** Takes in the news of some jobs, in the transaction that ends their waiting. Answers what is to be done after its commit. */
  async take(client: pg.ClientBase, news: readonly JobNews[]): Promise<() => void> {
    const wanted = news.flatMap((each) => this.wantedOf(each));
    if (wanted.length === 0) return () => undefined;
    const told: Told[] = [];
    for (let i = 0; i < wanted.length; i += AT_ONCE) {
      told.push(...(await this.store(client, wanted.slice(i, i + AT_ONCE))));
    }
    return () => {
      for (const { endpoint, type } of told) this.metrics.webhookEvents.inc({ endpoint, type });
      this.deliveries.wake(told.map(({ endpoint }) => channelOf(endpoint)));
    };
  }

  private wantedOf(news: JobNews): Wanted[] {
    const { endpoints } = this.settings.value.webhooks;
    if (endpoints.length === 0) return [];
    return eventsOf(news).flatMap((event) => {
      const takers = endpoints.filter((endpoint) => takes(endpoint, event, news.job));
      return takers.length > 0 ? [{ event, endpoints: takers }] : [];
    });
  }

  private async store(client: pg.ClientBase, wanted: readonly Wanted[]): Promise<Told[]> {
    const events = wanted.map(({ event }) => event);
    const data = await this.data.of(client, events);
    const stored = wanted.flatMap(({ event, endpoints }, i) => {
      const known = data[i];
      if (!known) return [];
      const payload = this.payloadOf(event, known);
      return endpoints.map(({ name }) => ({ endpoint: name, event, payload }));
    });
    await this.deliveries.enqueue(
      client,
      stored.map(({ endpoint, event: { jobId, sequence }, payload }) => ({
        channel: channelOf(endpoint),
        // Events of one job come in their order.
        groupKey: jobId,
        dedupKey: `${jobId}/${sequence}`,
        payload,
      })),
    );
    return stored.map(({ endpoint, event: { type } }) => ({ endpoint, type }));
  }

  /** Vendors repeat callback addresses, and with them their tokens; what is sent goes past the redaction of answers. */
  private payloadOf({ type, at, sequence }: OutgoingEvent, data: object): unknown {
    const text = JSON.stringify({ type, timestamp: at.toISOString(), data: { sequence, ...data } });
    return JSON.parse(redacted(text, this.settings.redact));
  }
}

export function channelOf(endpoint: string): string {
  return `endpoint/${endpoint}`;
}

function takes({ events, filter }: Endpoint, { type }: OutgoingEvent, job: NewsJob): boolean {
  return events.includes(type) && (!filter || matchesJob(filter, job));
}
