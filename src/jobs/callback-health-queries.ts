import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { PrismaService } from '../database/prisma.service.js';
import { shareInterval } from '../domain/share.js';
import type { CallbackHealth as Row } from '../generated/prisma/client.js';
import type { CallbackHealth, CallbackHealthQuery } from './callback-health-schemas.js';
import { cursorOf, pageOf, placeIn, type Page } from './page.js';

const SCOPE = 'callback-health';
const Place = z.tuple([z.iso.datetime(), z.string(), z.string()]);

/** How many of the callbacks that were due came, hour by hour, the newest first. */
@Injectable()
export class CallbackHealthQueries {
  constructor(private readonly prisma: PrismaService) {}

  async list({ account, api, from, to, limit, cursor }: CallbackHealthQuery): Promise<Page<CallbackHealth>> {
    const rows = await this.prisma.callbackHealth.findMany({
      where: {
        account: { in: account },
        api: { in: api },
        hour: { gte: from, lt: to },
        ...after(placeIn(SCOPE, cursor, Place)),
      },
      orderBy: [{ hour: 'desc' }, { account: 'asc' }, { api: 'asc' }],
      take: limit + 1,
    });
    return pageOf(rows, limit, view, (last) => cursorOf(SCOPE, [last.hour.toISOString(), last.account, last.api]));
  }
}

function after(place: z.infer<typeof Place> | null) {
  if (place === null) return {};
  const [hour, account, api] = place;
  return { OR: [{ hour: { lt: hour } }, { hour, account: { gt: account } }, { hour, account, api: { gt: api } }] };
}

function view({ account, api, hour, due, late, lost }: Row): CallbackHealth {
  const interval = shareInterval({ count: lost, total: due });
  return { account, api, hour: hour.toISOString(), due, late, lost, share: lost / due, interval };
}
