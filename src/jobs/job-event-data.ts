import { Injectable } from '@nestjs/common';
import type pg from 'pg';
import { PrismaService } from '../database/prisma.service.js';
import { EventData } from '../webhooks/event-data.js';
import type { OutgoingEvent } from '../webhooks/outgoing-event.js';
import type { EventContent } from './event-schemas.js';
import { readItems } from './job-reads.js';
import { grouped, jobItem, outputView, subjobFacts } from './job-view.js';

/** What outgoing events say, read for many at once. */
@Injectable()
export class JobEventData extends EventData {
  constructor(private readonly prisma: PrismaService) {
    super();
  }

  async of(client: pg.ClientBase, events: readonly OutgoingEvent[]): Promise<(EventContent | null)[]> {
    const ready = events.filter(({ type }) => type === 'output.ready');
    const [jobs, subjobs, outputs] = await Promise.all([
      this.jobs(client, events),
      this.subjobs(events),
      this.outputs(ready),
    ]);
    return events.map((event) => {
      const job = jobs.get(event.jobId);
      const subjob = event.subjobId === null ? null : (subjobs.get(event.subjobId) ?? null);
      if (!job) return null;
      switch (event.type) {
        case 'output.ready': {
          const output = outputs.get(event);
          return output ? { job, subjob, output } : null;
        }
        case 'subjob.failed':
          return subjob && { job, subjob };
        default:
          return { job };
      }
    });
  }

  /** In the relay's transaction and by hand: every event of every endpoint has its job. */
  private async jobs(client: pg.ClientBase, events: readonly OutgoingEvent[]) {
    const rows = await readItems(client, [...new Set(events.map(({ jobId }) => jobId))]);
    return new Map(rows.map(({ job, counts }) => [job.id, jobItem(job, counts)]));
  }

  private async subjobs(events: readonly OutgoingEvent[]) {
    const ids = [...new Set(events.flatMap(({ subjobId }) => subjobId ?? []))];
    if (ids.length === 0) return new Map<string, never>();
    const rows = await this.prisma.subjob.findMany({ where: { id: { in: ids } }, omit: { basis: true } });
    return new Map(rows.map((row) => [row.id, subjobFacts(row)]));
  }

  /** The file of each event, as far as it is still there: history knows it by its URL or media id. */
  private async outputs(events: readonly OutgoingEvent[]) {
    if (events.length === 0) return new Map<OutgoingEvent, never>();
    const jobIds = [...new Set(events.map(({ jobId }) => jobId))];
    const subjobIds = [...new Set(events.flatMap(({ subjobId }) => subjobId ?? []))];
    const rows = await this.prisma.output.findMany({
      where: { jobId: { in: jobIds }, OR: [{ subjobId: null }, { subjobId: { in: subjobIds } }] },
    });
    const placed = grouped(rows, ownerOf);
    const found = events.flatMap((event) => {
      const candidates = placed.get(ownerOf(event)) ?? [];
      const output = candidates.find(({ url, mediaId }) => (url ?? mediaId) === event.file);
      return output ? [{ event, output }] : [];
    });
    const outputIds = found.map(({ output }) => output.id);
    const streams = await this.prisma.stream.findMany({
      where: { jobId: { in: jobIds }, outputId: { in: outputIds } },
    });
    const streamsOf = grouped(streams, ({ outputId }) => outputId);
    return new Map(
      found.map(({ event, output }) => [event, outputView(output, streamsOf.get(output.id) ?? [])] as const),
    );
  }
}

/** The job or the part that has a file, as one text, for maps. */
function ownerOf({ jobId, subjobId }: { jobId: string; subjobId: string | null }): string {
  return `${jobId} ${subjobId ?? ''}`;
}
