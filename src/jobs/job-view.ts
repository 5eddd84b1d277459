import type {
  Job as JobRow,
  Output as OutputRow,
  Prisma,
  Stream as StreamRow,
  Subjob as SubjobRow,
} from '../generated/prisma/client.js';
import type { SubjobStatus } from '../domain/status.js';
import type { Job, JobItem, Output, Stream, Subjob, SubjobCounts, SubjobItem } from './job-schemas.js';

/** From rows to what people are shown: pure, and nothing but naming, nulls and order. */

/** Large and exact numbers, which `pg` reads as text. */
type AsRead<Row> = {
  [Key in keyof Row]: Row[Key] | (Extract<Row[Key], bigint | Prisma.Decimal> extends never ? never : string);
};
export type OutputAsRead = AsRead<OutputRow>;
export type StreamAsRead = AsRead<StreamRow>;

export type StatusCount = { status: string; count: number };

export function jobItem(job: Omit<JobRow, 'basis'>, counts: readonly StatusCount[]): JobItem {
  return {
    id: job.id,
    account: job.account,
    api: job.api,
    vendorJobId: job.vendorJobId,
    status: job.status as JobItem['status'],
    vendorStatus: job.vendorStatus,
    confirmed: job.confirmed,
    outcomeKnown: job.outcomeKnown,
    contradicted: job.contradicted,
    via: job.via as JobItem['via'],
    progress: job.progress,
    name: job.name,
    pipelineId: job.pipelineId,
    templateId: job.templateId,
    labels: job.labels as Record<string, string>,
    error: fault(job.errorCode, job.errorMessage),
    vendorError: fault(job.vendorErrorCode, job.vendorErrorMessage),
    userData: job.userData,
    userDataRaw: job.userDataRaw,
    parentJobId: job.parentJobId,
    registered: job.registered,
    callbackExpected: job.callbackExpected,
    vendorCreatedAt: time(job.vendorCreatedAt),
    vendorFinishedAt: time(job.vendorFinishedAt),
    createdAt: job.createdAt.toISOString(),
    updatedAt: job.updatedAt.toISOString(),
    terminalAt: time(job.terminalAt),
    closedAt: time(job.closedAt),
    nextPollAt: time(job.nextPollAt),
    subjobCounts: subjobCounts(counts),
  };
}

export function jobView(
  job: Omit<JobRow, 'basis'>,
  subjobs: readonly Omit<SubjobRow, 'basis'>[],
  outputs: readonly OutputAsRead[],
  streams: readonly StreamAsRead[],
): Job {
  const streamsOf = grouped(streams, (stream) => stream.outputId);
  const placed = grouped(
    outputs.toSorted((a, b) => comparePaths(a.slot, b.slot)),
    (output) => output.subjobId,
  );
  const outputsOf = (subjobId: string | null) =>
    (placed.get(subjobId) ?? []).map((output) => outputView(output, streamsOf.get(output.id) ?? []));
  const counts = subjobs.map(({ status }) => ({ status, count: 1 }));
  return {
    ...jobItem(job, counts),
    outputs: outputsOf(null),
    subjobs: subjobs
      .toSorted(comparePlaces)
      .map((subjob): Subjob => ({ ...subjobFacts(subjob), outputs: outputsOf(subjob.id) })),
    notes: job.notes as string[],
  };
}

/** A subjob, and what its own list shows of its job. */
export type SubjobOfJob = Omit<SubjobRow, 'basis'> &
  Pick<SubjobItem, 'account' | 'api' | 'vendorJobId' | 'jobName' | 'jobStatus' | 'labels'>;

export function subjobItem(subjob: SubjobOfJob): SubjobItem {
  const { jobId, account, api, vendorJobId, jobName, jobStatus, labels } = subjob;
  return {
    ...subjobFacts(subjob),
    createdAt: subjob.createdAt.toISOString(),
    updatedAt: subjob.updatedAt.toISOString(),
    jobId,
    account,
    api,
    vendorJobId,
    jobName,
    jobStatus,
    labels,
  };
}

export function subjobFacts(subjob: Omit<SubjobRow, 'basis'>): Omit<Subjob, 'outputs'> {
  return {
    id: subjob.id,
    parentId: subjob.parentId,
    path: subjob.path,
    kind: subjob.kind as Subjob['kind'],
    vendorSubjobId: subjob.vendorSubjobId,
    name: subjob.name,
    position: subjob.position,
    status: subjob.status as SubjobStatus,
    vendorStatus: subjob.vendorStatus,
    error: fault(subjob.errorCode, subjob.errorMessage),
    vendorError: fault(subjob.vendorErrorCode, subjob.vendorErrorMessage),
    vendorCreatedAt: time(subjob.vendorCreatedAt),
    vendorFinishedAt: time(subjob.vendorFinishedAt),
  };
}

export function outputView(output: OutputAsRead, streams: readonly StreamAsRead[]): Output {
  return {
    id: output.id,
    url: output.url,
    mediaId: output.mediaId,
    format: output.format,
    durationMs: number(output.durationMs),
    sizeBytes: number(output.sizeBytes),
    bitrateBps: number(output.bitrateBps),
    width: output.width,
    height: output.height,
    streams: streams.toSorted((a, b) => a.position - b.position).map(streamView),
  };
}

/** Every type shows its own fields only. */
function streamView(stream: StreamAsRead): Stream {
  const { index, codec, language, raw } = stream;
  const durationMs = number(stream.durationMs);
  const bitrateBps = number(stream.bitrateBps);
  switch (stream.type) {
    case 'video': {
      const { profile, width, height, pixelFormat, rotateDegrees } = stream;
      const fps = number(stream.fps);
      const frames = number(stream.frames);
      const picture = { profile, width, height, fps, durationMs, bitrateBps, pixelFormat, rotateDegrees, frames };
      return { type: 'video', index, codec, ...picture, language, raw };
    }
    case 'audio': {
      const { sampleFormat, sampleRateHz, channels, channelLayout } = stream;
      const sound = { sampleFormat, sampleRateHz, channels, channelLayout, bitrateBps, durationMs };
      return { type: 'audio', index, codec, ...sound, language, raw };
    }
    default:
      return { type: 'subtitle', index, codec, durationMs, language, raw };
  }
}

export function subjobCounts(counts: readonly StatusCount[]): SubjobCounts {
  const of = (...statuses: SubjobStatus[]) =>
    counts.reduce((sum, { status, count }) => sum + (statuses.includes(status as SubjobStatus) ? count : 0), 0);
  const open = (['queued', 'running', 'canceled'] as const).filter((status) => of(status) > 0);
  return {
    total: counts.reduce((sum, { count }) => sum + count, 0),
    succeeded: of('succeeded'),
    failed: of('failed'),
    skipped: of('skipped'),
    ...Object.fromEntries(open.map((status) => [status, of(status)])),
  };
}

/** A parent before its parts, `output/2` before `output/10`. */
export function comparePaths(a: string, b: string): number {
  const left = a.split(/[/#]/);
  const right = b.split(/[/#]/);
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const difference = compareNames(left[i] ?? '', right[i] ?? '');
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

type Placed = Pick<SubjobRow, 'kind' | 'position' | 'path'>;

/** The path of a batch's part is an id, which says nothing of its place. */
function comparePlaces(a: Placed, b: Placed): number {
  const items = a.kind === 'batch_item' && b.kind === 'batch_item';
  return (items && a.position - b.position) || comparePaths(a.path, b.path);
}

const DIGITS = /^\d+$/;

function compareNames(a: string, b: string): number {
  if (DIGITS.test(a) && DIGITS.test(b)) {
    const difference = BigInt(a) - BigInt(b);
    if (difference !== 0n) return difference < 0n ? -1 : 1;
  }
  return a === b ? 0 : a < b ? -1 : 1;
}

function fault(code: string | null, message: string | null): { code: string | null; message: string | null } | null {
  return code === null && message === null ? null : { code, message };
}

function time(date: Date | null): string | null {
  return date?.toISOString() ?? null;
}

function number(value: bigint | string | Prisma.Decimal | null): number | null {
  return value === null ? null : Number(value);
}

export function grouped<Key, Item>(items: readonly Item[], keyOf: (item: Item) => Key): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
}
