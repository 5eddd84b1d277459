import { Injectable } from '@nestjs/common';
import { Redaction } from '../access/redaction.js';
import { PrismaService } from '../database/prisma.service.js';
import { ReadPool } from '../database/pools.js';
import { BodyExpired, ReceiptNotFound } from '../domain/errors.js';
import { JobRegistry } from '../tracking/job-registry.js';
import { JobQueries } from './job-queries.js';
import { listReceiptIds, readReceipts } from './receipt-statements.js';
import { cursorOf, IdPlace, pageOf, placeIn, type Page, type PageQuery } from './page.js';
import type { Receipt, ReceiptItem, ReceiptListQuery } from './receipt-schemas.js';
import { bodyView, receiptItem } from './receipt-view.js';

const JOBS_SHOWN = 100;

/** What vendors said, as it came, and what became of it. Newest first. */
@Injectable()
export class ReceiptQueries {
  constructor(
    private readonly prisma: PrismaService,
    private readonly sql: ReadPool,
    private readonly registry: JobRegistry,
    private readonly jobs: JobQueries,
    private readonly redaction: Redaction,
  ) {}

  async list({ state, account, limit, cursor }: ReceiptListQuery): Promise<Page<ReceiptItem>> {
    const [before = null] = placeIn('receipts', cursor, IdPlace) ?? [];
    return this.page('receipts', await listReceiptIds(this.sql, state, account, before, limit + 1), limit);
  }

  async ofJob(jobId: string, { limit, cursor }: PageQuery): Promise<Page<ReceiptItem>> {
    const scope = `receipts ${jobId}`;
    const [before] = placeIn(scope, cursor, IdPlace) ?? [];
    const rows = await this.prisma.jobReceipt.findMany({
      where: { jobId, ...(before === undefined ? {} : { receiptId: { lt: before } }) },
      select: { receiptId: true },
      orderBy: { receiptId: 'desc' },
      take: limit + 1,
    });
    if (rows.length === 0) await this.jobs.mustExist(jobId);
    return this.page(
      scope,
      rows.map(({ receiptId }) => receiptId),
      limit,
    );
  }

  async one(id: string, showsTokens: boolean): Promise<Receipt> {
    const [stored, [row], keys, jobs] = await Promise.all([
      this.prisma.receipt.findUnique({ where: { id }, select: { body: true } }),
      readReceipts(this.sql, [id]),
      this.prisma.receiptKey.aggregate({ where: { receiptId: id }, _sum: { seen: true } }),
      this.prisma.jobReceipt.findMany({ where: { receiptId: id }, select: { jobId: true }, take: JOBS_SHOWN }),
    ]);
    if (stored === null || row === undefined) {
      const known = keys._sum.seen !== null || jobs.length > 0 || row?.problem != null;
      throw known ? new BodyExpired(id) : new ReceiptNotFound(id);
    }
    return {
      ...receiptItem(row),
      seen: keys._sum.seen ?? 1,
      jobIds: jobs.map(({ jobId }) => jobId),
      ...bodyView(stored.body, this.redaction.redactFor(showsTokens)),
    };
  }

  async replay(id: string): Promise<{ id: string; state: 'pending' }> {
    const outcome = await this.registry.replay(id);
    if (outcome === 'missing') throw new ReceiptNotFound(id);
    if (outcome === 'expired') throw new BodyExpired(id);
    return { id, state: outcome };
  }

  private async page(scope: string, ids: readonly string[], limit: number): Promise<Page<ReceiptItem>> {
    const page = pageOf(
      ids,
      limit,
      (id) => id,
      (id) => cursorOf(scope, [id]),
    );
    return { ...page, data: (await readReceipts(this.sql, page.data)).map(receiptItem) };
  }
}
