import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { receiversOf } from '../alerts/receivers-of.js';
import { sharedBy, type Tallied } from '../alerts/shared-values.js';
import { PrismaService } from '../database/prisma.service.js';
import { AlertNotFound } from '../domain/errors.js';
import type { AlertEvent as EventRow, Alert as Row, Prisma } from '../generated/prisma/client.js';
import type { Rule } from '../settings/alert-settings.js';
import { CurrentSettings } from '../settings/current-settings.js';
import type { Alert, AlertEvent, AlertItem, AlertListQuery, RuleItem } from './alert-schemas.js';
import { filterView } from './filter-view.js';
import { cursorOf, pageOf, placeIn, type Page, type PageQuery } from './page.js';

const LIST = 'alerts';
const Place = z.tuple([z.iso.datetime(), z.uuid()]);
const EventPlace = z.tuple([z.string().regex(/^\d+$/)]);
const EVENTS_SHOWN = 50;
const SHARED_SHOWN = 20;

/** What is wrong, what was wrong, and who was told. */
@Injectable()
export class AlertQueries {
  constructor(
    private readonly prisma: PrismaService,
    private readonly settings: CurrentSettings,
  ) {}

  /** The last seen first. */
  async list(query: AlertListQuery): Promise<Page<AlertItem>> {
    const { limit, cursor, ...filter } = query;
    const place = placeIn(LIST, cursor, Place);
    const rows = await this.prisma.alert.findMany({
      where: { AND: [...conditions(filter), ...(place ? [after(place)] : [])] },
      orderBy: [{ lastSeenAt: 'desc' }, { id: 'desc' }],
      take: limit + 1,
    });
    return pageOf(rows, limit, itemOf, (last) => cursorOf(LIST, [last.lastSeenAt.toISOString(), last.id]));
  }

  async one(id: string): Promise<Alert> {
    const alert = await this.prisma.alert.findUnique({
      where: { id },
      include: {
        receivers: { orderBy: { receiver: 'asc' } },
        events: { orderBy: { id: 'desc' }, take: EVENTS_SHOWN },
      },
    });
    if (alert === null) throw new AlertNotFound(id);
    return {
      ...itemOf(alert),
      sample: alert.sample as Alert['sample'],
      shared: sharedBy(alert.shared as Tallied[], alert.failures, SHARED_SHOWN),
      receivers: alert.receivers.map(({ receiver: name, toldAt, dueAt }) => ({
        name,
        toldAt: toldAt?.toISOString() ?? null,
        nextAt: dueAt?.toISOString() ?? null,
      })),
      history: alert.events.map(eventOf),
    };
  }

  /** Oldest first. */
  async history(id: string, { limit, cursor }: PageQuery): Promise<Page<AlertEvent>> {
    const scope = `alert history ${id}`;
    const [seen] = placeIn(scope, cursor, EventPlace) ?? [];
    const rows = await this.prisma.alertEvent.findMany({
      where: { alertId: id, ...(seen === undefined ? {} : { id: { gt: BigInt(seen) } }) },
      orderBy: { id: 'asc' },
      take: limit + 1,
    });
    if (rows.length === 0) await this.mustExist(id);
    return pageOf(rows, limit, eventOf, (last) => cursorOf(scope, [String(last.id)]));
  }

  /** As they are in force, defaults and all. */
  rules(): { data: RuleItem[]; nextCursor: null } {
    const { rules, receivers } = this.settings.value.alerts;
    const view = (rule: Rule): RuleItem => {
      const { name, on, severity, for: forMs, labels, filter, ...parameters } = rule;
      const told = receiversOf(rule, receivers).map((receiver) => receiver.name);
      const inMs = Object.entries(parameters)
        .filter(([key]) => key !== 'receivers')
        .map(([key, value]) => [TIMES.has(key) ? `${key}Ms` : key, value]);
      const params = Object.fromEntries(inMs) as Record<string, unknown>;
      return { name, on, severity, forMs, labels, filter: filterView(filter), receivers: told, ...params };
    };
    return { data: rules.map(view), nextCursor: null };
  }

  private async mustExist(id: string): Promise<void> {
    const alert = await this.prisma.alert.findUnique({ where: { id }, select: { id: true } });
    if (alert === null) throw new AlertNotFound(id);
  }
}

const TIMES = new Set(['window', 'limit']);

function conditions(filter: Omit<AlertListQuery, 'limit' | 'cursor'>): Prisma.AlertWhereInput[] {
  const { status, ...exact } = filter;
  const plain = status?.filter((word) => word !== 'silenced');
  return [
    ...Object.entries(exact).flatMap(([key, values]) => (values ? [{ [key]: { in: values } }] : [])),
    ...(status
      ? [
          {
            OR: [
              { status: { in: plain ?? [] } },
              ...(status.includes('silenced') ? [{ silenceId: { not: null }, status: { not: 'resolved' } }] : []),
            ],
          },
        ]
      : []),
  ];
}

function after([at, id]: z.infer<typeof Place>): Prisma.AlertWhereInput {
  return { OR: [{ lastSeenAt: { lt: at } }, { lastSeenAt: at, id: { lt: id } }] };
}

function itemOf(row: Row): AlertItem {
  const { id, rule, account, api, template, reason, errorCode, errorMessage, failures, jobs, opening } = row;
  const time = (at: Date | null) => at?.toISOString() ?? null;
  return {
    id,
    rule,
    kind: row.kind as AlertItem['kind'],
    severity: row.severity as AlertItem['severity'],
    status: row.status as AlertItem['status'],
    silenceId: row.status === 'resolved' ? null : row.silenceId,
    account,
    api,
    template,
    reason,
    error: errorCode === null && errorMessage === null ? null : { code: errorCode, message: errorMessage },
    labels: row.labels as Record<string, string>,
    failures,
    jobs,
    opening,
    firstSeenAt: row.firstSeenAt.toISOString(),
    lastSeenAt: row.lastSeenAt.toISOString(),
    openedAt: time(row.openedAt),
    acknowledgedAt: time(row.acknowledgedAt),
    resolvedAt: time(row.resolvedAt),
    resolvedBy: row.resolvedBy,
  };
}

function eventOf({ at, kind, actor, receiver, detail }: EventRow): AlertEvent {
  return { at: at.toISOString(), kind, actor, receiver, detail };
}
