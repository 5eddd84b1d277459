import { Injectable } from '@nestjs/common';
import { PrismaService } from '../database/prisma.service.js';
import { SilenceNotFound } from '../domain/errors.js';
import type { Silence as Row } from '../generated/prisma/client.js';
import type { Silence, SilenceListQuery } from './alert-schemas.js';
import { cursorOf, IdPlace, pageOf, placeIn, type Page } from './page.js';

const LIST = 'silences';

@Injectable()
export class SilenceQueries {
  constructor(private readonly prisma: PrismaService) {}

  /** Newest first. */
  async list({ inForce, limit, cursor }: SilenceListQuery): Promise<Page<Silence>> {
    const [before] = placeIn(LIST, cursor, IdPlace) ?? [];
    const now = new Date();
    const rows = await this.prisma.silence.findMany({
      where: {
        ...(before === undefined ? {} : { id: { lt: before } }),
        ...(inForce === true ? { endedAt: null, endsAt: { gt: now } } : {}),
        ...(inForce === false ? { OR: [{ endedAt: { not: null } }, { endsAt: { lte: now } }] } : {}),
      },
      orderBy: { id: 'desc' },
      take: limit + 1,
    });
    return pageOf(rows, limit, view, ({ id }) => cursorOf(LIST, [id]));
  }

  async one(id: string): Promise<Silence> {
    const row = await this.prisma.silence.findUnique({ where: { id } });
    if (row === null) throw new SilenceNotFound(id);
    return view(row);
  }
}

function view({ id, filter, author, reason, createdAt, endsAt, endedAt, endedBy }: Row): Silence {
  return {
    id,
    filter: filter as Silence['filter'],
    author,
    reason,
    createdAt: createdAt.toISOString(),
    endsAt: endsAt.toISOString(),
    endedAt: endedAt?.toISOString() ?? null,
    endedBy,
  };
}
