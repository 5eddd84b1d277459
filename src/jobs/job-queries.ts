import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { PrismaService } from '../database/prisma.service.js';
import { ReadPool } from '../database/pools.js';
import { BodyExpired, JobNotFound, ShuttingDown } from '../domain/errors.js';
import { refHash } from '../domain/job-ref.js';
import type { Via } from '../domain/observation.js';
import { documentIn } from '../tracking/interpret.js';
import type {
  HistoryEvent,
  Job,
  JobItem,
  JobListQuery,
  LookupQuery,
  SubjobItem,
  SubjobListQuery,
} from './job-schemas.js';
import { findByRef, readHistory, readItems, readJob, readSubjobItems } from './job-reads.js';
import { listJobIds, listSubjobIds, sortOf, type Place } from './job-statements.js';
import { jobItem, jobView, subjobItem } from './job-view.js';
import { cursorOf, IdPlace, pageOf, placeIn, type Page, type PageQuery } from './page.js';

/** How often a waiting request looks at its row: soon at first, then once a second. */
const LOOK_MS = { first: 250, last: 1000 };

const SortedPlace = z.tuple([z.iso.datetime().nullable(), z.uuid()]).transform(([at, id]): Place => ({ at, id }));

/** Everything people read about jobs. */
@Injectable()
export class JobQueries implements OnModuleDestroy {
  private readonly closing = new AbortController();

  constructor(
    private readonly prisma: PrismaService,
    private readonly sql: ReadPool,
  ) {}

  onModuleDestroy(): void {
    this.closing.abort();
  }

  async list({ sort, limit, cursor, ...filter }: JobListQuery): Promise<Page<JobItem>> {
    const scope = `jobs ${sort}`;
    const place = placeIn(scope, cursor, SortedPlace);
    const { ids, next } = await listJobIds(this.sql, filter, sortOf(sort), place, limit);
    return { data: await this.items(ids), nextCursor: next && cursorOf(scope, [next.at, next.id]) };
  }

  async subjobs({ sort, limit, cursor, ...filter }: SubjobListQuery): Promise<Page<SubjobItem>> {
    const scope = `subjobs ${sort}`;
    const place = placeIn(scope, cursor, SortedPlace);
    const { ids, next } = await listSubjobIds(this.sql, filter, sortOf(sort).descending, place, limit);
    const rows = await readSubjobItems(this.sql, ids);
    const byId = new Map(rows.map((row) => [row.id, subjobItem(row)]));
    const data = ids.flatMap((id) => byId.get(id) ?? []);
    return { data, nextCursor: next && cursorOf(scope, [next.at, next.id]) };
  }

  /** Every job that an id or URL belongs to, also the hidden ones: this is where one looks for the odd. */
  async lookup({ ref, limit, cursor }: LookupQuery): Promise<Page<JobItem>> {
    const hash = refHash(ref);
    const scope = `lookup ${hash}`;
    const [before] = placeIn(scope, cursor, IdPlace) ?? [];
    const page = pageOf(
      await findByRef(this.sql, hash, before ?? null, limit + 1),
      limit,
      (id) => id,
      (id) => cursorOf(scope, [id]),
    );
    return { ...page, data: await this.items(page.data) };
  }

  /** The jobs in the order of `ids`; those that are gone by now are left out. */
  async items(ids: readonly string[]): Promise<JobItem[]> {
    const rows = await readItems(this.sql, ids);
    const byId = new Map(rows.map(({ job, counts }) => [job.id, jobItem(job, counts)]));
    return ids.flatMap((id) => byId.get(id) ?? []);
  }

  async one(id: string): Promise<Job> {
    const found = await readJob(this.sql, id);
    if (found === null) throw new JobNotFound(id);
    const { job, subjobs, outputs, streams } = found;
    return jobView(job, subjobs, outputs, streams);
  }

  /** The job as soon as it is final, or as it is after `wait` seconds. null: whoever asked has gone. */
  async oneWhenFinal(id: string, wait: number, gone: AbortSignal): Promise<Job | null> {
    const until = performance.now() + wait * 1000;
    const stop = AbortSignal.any([gone, this.closing.signal]);
    for (let pause = LOOK_MS.first; !(await this.isFinal(id)); pause = Math.min(pause * 1.5, LOOK_MS.last)) {
      const left = until - performance.now();
      if (left <= 0) break;
      await sleep(Math.min(pause, left), undefined, { signal: stop }).catch(() => undefined);
      if (this.closing.signal.aborted) throw new ShuttingDown();
      if (gone.aborted) return null;
    }
    return this.one(id);
  }

  async history(id: string, { limit, cursor }: PageQuery): Promise<Page<HistoryEvent>> {
    const scope = `history ${id}`;
    const [after] = placeIn(scope, cursor, z.tuple([z.int32()])) ?? [0];
    const rows = await readHistory(this.sql, id, after, limit + 1);
    if (rows.length === 0) await this.mustExist(id);
    return pageOf(
      rows,
      limit,
      ({ jobId: _, vendorAt, recordedAt, ...event }) => ({
        sequence: event.sequence,
        kind: event.kind as HistoryEvent['kind'],
        subjobId: event.subjobId,
        from: event.from,
        to: event.to,
        via: event.via as HistoryEvent['via'],
        vendorAt: vendorAt?.toISOString() ?? null,
        recordedAt: recordedAt.toISOString(),
        receiptId: event.receiptId,
        detail: event.detail,
      }),
      ({ sequence }) => cursorOf(scope, [sequence]),
    );
  }

  /** The vendor's own object of the job, out of the newest receipt that showed it; null before the first. */
  async document(id: string): Promise<{ document: unknown }> {
    const select = { vendorJobId: true, documentReceiptId: true } as const;
    const job = await this.prisma.job.findUnique({ where: { id }, select });
    if (job === null) throw new JobNotFound(id);
    const { vendorJobId, documentReceiptId } = job;
    if (documentReceiptId === null) return { document: null };
    const receipt = await this.prisma.receipt.findUnique({ where: { id: documentReceiptId } });
    if (receipt === null) throw new BodyExpired(documentReceiptId);
    const { via, api, asked, body } = receipt;
    return { document: documentIn({ via: via as Via, api, asked, body: Buffer.from(body) }, vendorJobId) };
  }

  async mustExist(id: string): Promise<void> {
    const job = await this.prisma.job.findUnique({ where: { id }, select: { id: true } });
    if (job === null) throw new JobNotFound(id);
  }

  private async isFinal(id: string): Promise<boolean> {
    const job = await this.prisma.job.findUnique({ where: { id }, select: { terminalAt: true } });
    if (job === null) throw new JobNotFound(id);
    return job.terminalAt !== null;
  }
}
