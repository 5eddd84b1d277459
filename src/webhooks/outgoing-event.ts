import { endsAs, isPartFailure, type JobNews, type NewsEvent } from '../domain/job-news.js';
import type { EventType } from '../settings/webhook-settings.js';

/** Something that happened to a job and that endpoints can be sent. */
export type OutgoingEvent = {
  type: EventType;
  jobId: string;
  /** Of the event in the job's history. */
  sequence: number;
  at: Date;
  /** The part that it is about; null: the job itself. */
  subjobId: string | null;
  /** The URL or media id of the file that is ready. */
  file: string | null;
};

/** What there is to send about news of one job, oldest first. */
export function eventsOf({ job, events }: JobNews): OutgoingEvent[] {
  // Its batch tells of it.
  if (job.isPart) return [];
  return events.flatMap((event) => {
    const type = typeOf(event);
    if (type === null) return [];
    const { sequence, recordedAt: at, subjob, to } = event;
    const file = type === 'output.ready' ? to : null;
    return [{ type, jobId: job.id, sequence, at, subjobId: subjob?.id ?? null, file }];
  });
}

const ENDS = ['succeeded', 'failed', 'partially_failed'] as const;

function typeOf(event: NewsEvent): EventType | null {
  const end = ENDS.find((status) => endsAs(event, status));
  if (end) return `job.${end}`;
  if (isPartFailure(event)) return 'subjob.failed';
  return isNewFile(event) ? 'output.ready' : null;
}

/** More that is known of the same file, and a file that was withdrawn, are none. */
function isNewFile({ kind, from, to, detail }: NewsEvent): boolean {
  return kind === 'output.added' || (kind === 'output.changed' && from !== to && detail?.['withdrawn'] !== true);
}
