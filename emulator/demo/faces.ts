import type { WriteStream } from 'node:tty';
import type { JobItem } from '../../src/jobs/job-schemas.js';
import { apiOf, LOOKS, remarkOf, spanOf, STATUSES, titleOf } from './job-words.js';
import { toText } from './line.js';
import { Terminal } from './terminal.js';
import { plain } from './text.js';
import { addressLines, curlLines, screen, type View } from './view.js';

/** How the demo shows itself. `news`: the jobs that were settled since the last time. */
export interface Face {
  show(view: View, news: readonly JobItem[]): void;
  close(): void;
}

/** A table that is drawn again and again, for a person at a terminal. */
export function tableFace(out: WriteStream): Face {
  const terminal = new Terminal(out);
  terminal.open();
  return {
    show: (view) => terminal.draw((size) => screen(view, size)),
    close: () => terminal.close(),
  };
}

const SUMMARY_EVERY_MS = 10_000;

/** Lines that stay as they are, for a file or another program: each end of a job, and the numbers now and then. */
export function plainFace(write: (line: string) => void): Face {
  let told = false;
  let summedUpAt = 0;
  return {
    show(view, news) {
      if (!told) {
        if (view.exampleId === null) return;
        told = true;
        [...addressLines(view), ...curlLines(view, view.exampleId)].forEach((line) => write(toText(line, false)));
      }
      news.forEach((job) => write(`${clock(view.now)}  ${jobLine(job)}`));
      if (view.now - summedUpAt < SUMMARY_EVERY_MS) return;
      summedUpAt = view.now;
      write(`${clock(view.now)}  ${summaryLine(view)}`);
      if (view.trouble !== null) write(`${clock(view.now)}  ${view.trouble}`);
    },
    close: () => {},
  };
}

function jobLine(job: JobItem): string {
  const { total, succeeded, failed, skipped } = job.subjobCounts;
  const parts = total === 0 ? '' : `  ${succeeded} of ${total} parts, ${failed} failed, ${skipped} skipped`;
  const took = spanOf(Date.parse(job.terminalAt ?? job.updatedAt) - Date.parse(job.createdAt));
  const remark = remarkOf(job).text;
  return `${LOOKS[job.status].word.padEnd(9)}  ${apiOf(job)}  ${titleOf(job)}  via ${job.via} after ${took}${parts}${remark && `  ${remark}`}`;
}

function summaryLine({ counts, doors, alerts, log }: View): string {
  const jobs = STATUSES.map((status) => `${counts[status]} ${LOOKS[status].word}`).join(', ');
  const polls = doors === null ? '' : `; ${doors.stored} callbacks, ${doors.answered} polls`;
  const newest = alerts.newest === null ? '' : `, the newest: ${plain(alerts.newest)}`;
  return `${jobs}${polls}; log: ${log.warnings} warnings, ${log.errors} errors; ${alerts.open} alerts open${newest}`;
}

function clock(now: number): string {
  return new Date(now).toTimeString().slice(0, 8);
}
