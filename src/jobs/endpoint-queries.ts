import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import { ReadPool } from '../database/pools.js';
import type { Channel } from '../delivery/channel.js';
import { Deliveries } from '../delivery/deliveries.js';
import { DeliveryNotFound, EndpointNotFound } from '../domain/errors.js';
import { CurrentSettings } from '../settings/current-settings.js';
import { Endpoints } from '../webhooks/endpoints.js';
import { channelOf } from '../webhooks/webhooks.js';
import { tryOut, waitingFor } from './channel-queries.js';
import type {
  DeliveryListQuery,
  EndpointDelivery,
  EndpointTest,
  EndpointView,
  Redelivered,
  RedeliverQuery,
} from './endpoint-schemas.js';
import { TEST_TYPE } from './event-schemas.js';
import { filterView } from './filter-view.js';
import { deliveryTimes } from './delivery-times.js';
import { cursorOf, pageOf, placeIn, type Page } from './page.js';
import { Values } from './values.js';

const Place = z.tuple([z.string().regex(/^\d{1,18}$/)]);

type Row = Omit<EndpointDelivery, 'createdAt' | 'nextAttemptAt' | 'attemptedAt' | 'settledAt'> & {
  number: string;
  createdAt: Date;
  nextAttemptAt: Date | null;
  attemptedAt: Date | null;
  settledAt: Date | null;
};

const COLUMNS = `id, number, payload ->> 'type' AS type, group_key AS "jobId", status, attempts,
  next_attempt_at AS "nextAttemptAt", created_at AS "createdAt", attempted_at AS "attemptedAt", settled_at AS "settledAt",
  last_status AS "lastStatus", last_error AS "lastError", answer`;
/** The words of the partial index. */
const OF_ENDPOINTS = `channel LIKE 'endpoint/%'`;

/** Customers' services, and what they were sent. By hand, so that the planner sees that the partial indexes apply. */
@Injectable()
export class EndpointQueries {
  constructor(
    private readonly sql: ReadPool,
    private readonly endpoints: Endpoints,
    private readonly store: Deliveries,
    private readonly settings: CurrentSettings,
  ) {}

  async list(): Promise<{ data: EndpointView[]; nextCursor: null }> {
    const waiting = await waitingFor(this.sql, this.endpoints.names().map(channelOf));
    const data = this.endpoints.all().map(({ name, url, events, filter }) => {
      const { origin, pathname } = new URL(url);
      return { name, url: origin + pathname, events, filter: filterView(filter), ...waiting(channelOf(name)) };
    });
    return { data, nextCursor: null };
  }

  /** Sends an event of a type of its own, at once, past everything that waits, and answers what came back. */
  async test(name: string): Promise<EndpointTest> {
    const channel = this.mustExist(name);
    const createdAt = new Date();
    const id = uuidv7();
    const payload = { type: TEST_TYPE, timestamp: createdAt.toISOString(), data: { endpoint: name } };
    return tryOut(channel, { id, dedupKey: id, payload, createdAt }, (text) => this.settings.redact(text));
  }

  /** What it was sent, the newest first. */
  async deliveries(name: string, query: DeliveryListQuery): Promise<Page<EndpointDelivery>> {
    this.mustExist(name);
    const { status, jobId, limit, cursor } = query;
    const scope = `deliveries ${name}`;
    const [before] = placeIn(scope, cursor, Place) ?? [];
    const bound = new Values();
    const take = `ORDER BY number DESC LIMIT ${bound.add(limit + 1)}`;
    const conditions = [
      `channel = ${bound.add(channelOf(name))}`,
      jobId && `${OF_ENDPOINTS} AND group_key = ${bound.add(jobId)}`,
      before && `number < ${bound.add(before)}`,
    ].filter(Boolean);
    // One branch per status, each in its own words: those that were given up have an index.
    const selects = (status ? [...new Set(status)] : [null]).map((word) => {
      const own = word === null ? [] : [`status = '${word}'`];
      return `(SELECT ${COLUMNS} FROM deliveries WHERE ${[...conditions, ...own].join(' AND ')} ${take})`;
    });
    const { rows } = await this.sql.query<Row>({
      text: `SELECT * FROM (${selects.join(' UNION ALL ')}) AS page ${take}`,
      values: bound.list,
    });
    return pageOf(rows, limit, view, (last) => cursorOf(scope, [last.number]));
  }

  /** Once more, whatever became of it. */
  async redeliver(name: string, id: string): Promise<EndpointDelivery> {
    this.mustExist(name);
    await this.one(name, id);
    await this.store.sendAgain(id, channelOf(name));
    return this.one(name, id);
  }

  /** Once more, all that was given up. */
  async redeliverAll(name: string, { createdAfter }: RedeliverQuery): Promise<Redelivered> {
    this.mustExist(name);
    return { redelivered: await this.store.sendUndeliveredAgain(channelOf(name), createdAfter ?? null) };
  }

  private mustExist(name: string): Channel {
    const channel = this.endpoints.get(name);
    if (!channel) throw new EndpointNotFound(name);
    return channel;
  }

  private async one(name: string, id: string): Promise<EndpointDelivery> {
    const { rows } = await this.sql.query<Row>({
      text: `SELECT ${COLUMNS} FROM deliveries WHERE id = $1 AND channel = $2`,
      values: [id, channelOf(name)],
    });
    if (!rows[0]) throw new DeliveryNotFound(id);
    return view(rows[0]);
  }
}

function view({ number: _, ...row }: Row): EndpointDelivery {
  return { ...row, ...deliveryTimes(row) };
}
