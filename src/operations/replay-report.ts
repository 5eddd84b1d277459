import type { ReplayProgress, ReplaySummary } from '../tracking/replay.js';

/** How far a replay is: a bar that is drawn again and again on a terminal, elsewhere a line now and then. */
export class ReplayProgressLine {
  private shownAt = 0;
  private drawn = false;
  private readonly startedAt = Date.now();

  constructor(
    private readonly out: NodeJS.WritableStream & { isTTY?: boolean; columns?: number },
    private readonly everyMs = out.isTTY ? 100 : 10_000,
  ) {}

  show(progress: ReplayProgress): void {
    const now = Date.now();
    if (now - this.shownAt < this.everyMs || (!this.out.isTTY && now - this.startedAt < this.everyMs)) return;
    this.shownAt = now;
    const text = progressText(progress, now - this.startedAt);
    if (!this.out.isTTY) return void this.out.write(`${text}\n`);
    this.drawn = true;
    const bar = barOf(progress.jobs / Math.max(1, progress.totalJobs));
    this.out.write(`\r\u001b[2K${`${bar} ${text}`.slice(0, (this.out.columns ?? 80) - 1)}`);
  }

  /** Leaves the line to whatever is said next. */
  clear(): void {
    if (this.drawn) this.out.write('\r\u001b[2K');
    this.drawn = false;
  }
}

const BAR_WIDTH = 24;

function barOf(share: number): string {
  const done = Math.floor(Math.min(1, share) * BAR_WIDTH);
  return `[${'#'.repeat(done)}${'.'.repeat(BAR_WIDTH - done)}]`;
}

function progressText({ jobs, totalJobs, receipts, changed }: ReplayProgress, ms: number): string {
  const percent = totalJobs === 0 ? 100 : Math.floor((100 * jobs) / totalJobs);
  const left = jobs === 0 ? '' : `, ${spanOf((ms / jobs) * (totalJobs - jobs))} left`;
  return `${percent} % of ${counted(totalJobs, 'job')}, ${number(changed)} changed, ${number(rate(receipts, ms))} receipts/s${left}`;
}

/** What a replay came to, one line each. */
export function replaySummary(summary: ReplaySummary, { dryRun, ms }: { dryRun: boolean; ms: number }): string[] {
  const { jobs, totalJobs, unchanged, changed, expired, unconfigured, failed, receipts, problems } = summary;
  const lines = [
    `${summary.stopped ? `stopped after ${number(jobs)} of ${number(totalJobs)} jobs` : counted(jobs, 'job')}: ` +
      `${number(unchanged)} as they must be, ${number(changed)} ${dryRun ? 'would change' : 'changed'}`,
    ...summary.examples.map(
      ({ id, account, vendorJobId, differences }) => `  ${id} (${account}, ${vendorJobId}): ${differences.join(', ')}`,
    ),
    ...(changed > summary.examples.length ? [`  and ${number(changed - summary.examples.length)} more`] : []),
  ];
  if (expired > 0) lines.push(`${counted(expired, 'job')} left alone: bodies of their receipts have expired`);
  if (unconfigured > 0)
    lines.push(
      `${counted(unconfigured, 'job')} left alone: callsheet.yaml does not name their account, or nobody knows their API`,
    );
  if (failed > 0) {
    lines.push(`${counted(failed, 'job')} left alone: replaying them failed`);
    lines.push(...summary.failures.map(({ id, reason }) => `  ${id}: ${reason}`));
  }
  if (problems > 0) {
    const handed = dryRun ? 'would be handed' : 'are handed';
    lines.push(`${counted(problems, 'receipt')} that had gone nowhere ${handed} to Callsheet once more`);
  }
  lines.push(`${counted(receipts, 'receipt')} read in ${spanOf(ms)}, ${number(rate(receipts, ms))} a second`);
  if (summary.stopped) lines.push('run it again to go on: jobs that are as they must be are only read');
  else if (dryRun && changed + problems > 0) lines.push('nothing was written: this was a dry run');
  return lines;
}

function counted(count: number, thing: string): string {
  return `${number(count)} ${thing}${count === 1 ? '' : 's'}`;
}

function rate(count: number, ms: number): number {
  return Math.round(count / Math.max(0.001, ms / 1000));
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}

function spanOf(ms: number): string {
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  const minutes = Math.round(ms / 60_000);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
