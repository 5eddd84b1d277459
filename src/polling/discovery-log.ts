import { Logger } from '@nestjs/common';
import type { Pass } from './discovery-pass.js';
import type { Claim } from './discovery-rows.js';

const PROGRESS_PAGES = 10;
const PROGRESS_MS = 10_000;

/** What a person reads of discovery: the first pass and whatever was found; that again nothing was found is for `debug`. */
export class DiscoveryLog {
  private readonly logger = new Logger('Discovery');
  private readonly toldAt = new Map<string, number>();

  begins(where: string, { pass, covered }: Claim): void {
    this.toldAt.set(where, Date.now());
    this.tell(covered === null, `${where}: looking for jobs from ${at(pass.from)} to ${at(pass.to)}`);
  }

  /** Every ten pages, or every ten seconds. */
  page(where: string, pass: Pass): void {
    if (pass.pages % PROGRESS_PAGES > 0 && Date.now() - (this.toldAt.get(where) ?? 0) < PROGRESS_MS) return;
    this.toldAt.set(where, Date.now());
    this.tell(true, `${where}: ${countsOf(pass)} so far`);
  }

  ends(where: string, pass: Pass, { covered }: Claim): void {
    this.tell(covered === null || pass.found > 0, `${where}: done, ${countsOf(pass)}`);
  }

  /** Once for each new trouble that somebody should see to. */
  failed(where: string, problem: { code: string; message: string }, isNews: boolean): void {
    const line = `${where}: ${problem.code}: ${problem.message}`;
    if (isNews) this.logger.error(`${line}; it is tried again by itself`);
    else this.logger.debug(line);
  }

  interrupted(where: string, reason: string): void {
    this.logger.warn(`${where}: interrupted, somebody goes on within a minute: ${reason}`);
  }

  private tell(isNews: boolean, line: string): void {
    if (isNews) this.logger.log(line);
    else this.logger.debug(line);
  }
}

function countsOf({ pages, listed, found }: Pass): string {
  return `${listed} jobs on ${pages} pages, ${found} of them new`;
}

function at(moment: Date): string {
  return `${moment.toISOString().slice(0, 19)}Z`;
}
