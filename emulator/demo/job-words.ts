import type { JobItem } from '../../src/jobs/job-schemas.js';
import type { Line, Style } from './line.js';
import { plain } from './text.js';

type Status = JobItem['status'];

/** In the order in which they are counted on the screen. */
export const LOOKS: Record<Status, { word: string; glyph: string; style: Style }> = {
  running: { word: 'running', glyph: '●', style: 'cyan' },
  queued: { word: 'queued', glyph: '○', style: 'gray' },
  succeeded: { word: 'succeeded', glyph: '✓', style: 'green' },
  partially_failed: { word: 'partial', glyph: '◐', style: 'yellow' },
  failed: { word: 'failed', glyph: '✗', style: 'red' },
  canceled: { word: 'canceled', glyph: '–', style: 'magenta' },
  lost: { word: 'lost', glyph: '?', style: 'red' },
};
export const STATUSES = Object.keys(LOOKS) as Status[];

/** Ended, and the vendor itself has said so: a callback alone is a claim, and some are forged. */
export function isSettled({ terminalAt, confirmed, status }: JobItem): boolean {
  return terminalAt !== null && (confirmed || status === 'lost');
}

/** Some vendor APIs know no names: then whose it is and the beginning of its id. */
export function titleOf({ name, labels, vendorJobId }: JobItem): string {
  return plain(name ?? [labels['tenant'], vendorJobId.slice(0, 8)].filter(Boolean).join(' '));
}

/** In fifteen columns. */
const SHORT: Record<string, string> = {
  'alibaba-ims/batch-media-producing': 'batch-producing',
  'huawei-mpc/editing': 'huawei-editing',
};

/** Without the vendor, where the kind alone says enough. */
export function apiOf({ api }: Pick<JobItem, 'api'>): string {
  return SHORT[api] ?? api.slice(api.indexOf('/') + 1);
}

/** Good parts of all, then the failed and the skipped ones. */
export function partsOf({ subjobCounts: { total, succeeded = 0, failed = 0, skipped = 0 } }: JobItem): Line {
  if (total === 0) return [];
  return [
    { text: `${succeeded}/${total}`, ...(succeeded > 0 && { style: 'green' }) },
    ...(failed > 0 ? [{ text: ` ✗${failed}`, style: 'red' as const }] : []),
    ...(skipped > 0 ? [{ text: ` –${skipped}`, style: 'gray' as const }] : []),
  ];
}

/** A question mark for what is only claimed. */
export function viaOf({ via, confirmed }: JobItem): string {
  return confirmed ? via : `${via}?`;
}

export function remarkOf(job: JobItem): { text: string; style: Style } {
  const { error, contradicted, callbackExpected, terminalAt } = job;
  if (error) return { text: plain([error.code, error.message].filter(Boolean).join(': ')), style: 'red' };
  if (contradicted) return { text: 'a callback claimed otherwise', style: 'yellow' };
  return { text: callbackExpected && terminalAt === null ? 'waits for its callback' : '', style: 'gray' };
}

/** `42s`, `3m05s`, `2h07m`, `12d`. */
export function spanOf(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (value: number) => String(value).padStart(2, '0');
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${two(seconds % 60)}s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h${two(Math.floor((seconds % 3600) / 60))}m`;
  return `${Math.floor(seconds / 86_400)}d`;
}
