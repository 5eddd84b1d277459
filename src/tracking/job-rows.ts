import { hash } from 'node:crypto';
import type { JobFacts, OutputSeen, StreamSeen, SubjobFacts, SubjobKind, Via } from '../domain/observation.js';
import type { PollLane } from '../domain/poll-schedule.js';
import { compareRanks, type Rank, type Ranks } from '../domain/registers.js';
import type { JobStatus, SubjobStatus } from '../domain/status.js';
import {
  errorOf,
  type FileMark,
  type Files,
  type JobBasis,
  type JobState,
  type SubjobRegisters,
  type SubjobState,
} from '../domain/transition.js';
import { objectIn } from '../vendors/readers.js';

/** Rows of `jobs` and `subjobs` as the lock reads them, and how they become states and come back. */

export type JobRow = {
  id: string;
  account: string;
  api: string;
  vendor_job_id: string;
  status: JobStatus;
  vendor_status: string | null;
  confirmed: boolean;
  outcome_known: boolean;
  contradicted: boolean;
  via: Via;
  progress: number | null;
  name: string | null;
  pipeline_id: string | null;
  template_id: string | null;
  labels: Record<string, string>;
  vendor_error_code: string | null;
  vendor_error_message: string | null;
  user_data_raw: string | null;
  callback_expected: boolean;
  vendor_created_at: Date | null;
  vendor_modified_at: Date | null;
  vendor_finished_at: Date | null;
  created_at: Date;
  updated_at: Date;
  terminal_at: Date | null;
  closed_at: Date | null;
  next_poll_at: Date | null;
  poll_interval_ms: number | null;
  poll_failures: number;
  poll_lane: PollLane;
  history_sequence: number;
  basis: StoredJobBasis;
  document_receipt_id: string | null;
  registered: boolean;
  parent_job_id: string | null;
};

export type SubjobRow = {
  id: string;
  job_id: string;
  path: string;
  parent_id: string | null;
  kind: SubjobKind;
  position: number;
  status: SubjobStatus;
  vendor_status: string | null;
  vendor_subjob_id: string | null;
  name: string | null;
  vendor_error_code: string | null;
  vendor_error_message: string | null;
  vendor_created_at: Date | null;
  vendor_finished_at: Date | null;
  basis: StoredSubjobBasis;
};

/** The vendor's own status word of the newest answer is a fact like the others; the column shows the deciding one. */
type StoredJobBasis = JobBasis & { vendorStatus?: string | null };

/** Ranks are left out where they equal the job's `partsRank`, so that a confirming answer rewrites no part. */
type StoredSubjobBasis = {
  word?: SubjobStatus | null;
  older?: Ranks<keyof SubjobRegisters & string>['older'];
  rank?: Rank;
  files?: { rank?: Rank; marks: FileMark[] };
};

export function jobStateOf(row: JobRow, subjobRows: SubjobRow[]): JobState {
  const { vendorStatus, ...basis } = row.basis;
  const facts: JobFacts = {
    vendorStatus: vendorStatus ?? null,
    name: row.name,
    progress: row.progress,
    pipelineId: row.pipeline_id,
    templateId: row.template_id,
    vendorErrorCode: row.vendor_error_code,
    vendorErrorMessage: row.vendor_error_message,
    userDataRaw: row.user_data_raw,
    vendorCreatedAt: row.vendor_created_at,
    vendorModifiedAt: row.vendor_modified_at,
    vendorFinishedAt: row.vendor_finished_at,
  };
  const paths = new Map(subjobRows.map(({ id, path }) => [id, path]));
  const partsRank = basis.partsRank ?? [];
  const subjobs = subjobRows
    .map((subjob): [string, SubjobState] => [subjob.path, subjobStateOf(subjob, paths, partsRank)])
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    createdAt: row.created_at,
    status: row.status,
    vendorStatus: row.vendor_status,
    confirmed: row.confirmed,
    outcomeKnown: row.outcome_known,
    contradicted: row.contradicted,
    via: row.via,
    facts,
    subjobs: new Map(subjobs),
    basis,
  };
}

function subjobStateOf(row: SubjobRow, paths: Map<string, string>, partsRank: Rank): SubjobState {
  const { basis } = row;
  return {
    path: row.path,
    parentPath: row.parent_id === null ? null : (paths.get(row.parent_id) ?? null),
    kind: row.kind,
    position: row.position,
    status: row.status,
    registers: {
      vendorStatus: row.vendor_status,
      vendorSubjobId: row.vendor_subjob_id,
      name: row.name,
      vendorErrorCode: row.vendor_error_code,
      vendorErrorMessage: row.vendor_error_message,
      vendorCreatedAt: row.vendor_created_at,
      vendorFinishedAt: row.vendor_finished_at,
      word: basis.word ?? null,
    },
    ranks: { rank: basis.rank ?? partsRank, older: basis.older ?? {} },
    files: basis.files ? { rank: basis.files.rank ?? partsRank, marks: basis.files.marks } : null,
  };
}

const iso = (date: Date | null): string | null => date?.toISOString() ?? null;

/** The columns of a job that observations decide, as the update takes them. */
export function jobColumns(job: JobState) {
  const { facts, basis } = job;
  const error = errorOf(job);
  return {
    status: job.status,
    vendor_status: job.vendorStatus,
    confirmed: job.confirmed,
    outcome_known: job.outcomeKnown,
    contradicted: job.contradicted,
    via: job.via,
    progress: facts.progress,
    name: facts.name,
    pipeline_id: facts.pipelineId,
    template_id: facts.templateId,
    error_code: error?.code ?? null,
    error_message: error?.message ?? null,
    vendor_error_code: facts.vendorErrorCode,
    vendor_error_message: facts.vendorErrorMessage,
    user_data: objectIn(facts.userDataRaw),
    user_data_raw: facts.userDataRaw,
    vendor_created_at: iso(facts.vendorCreatedAt),
    vendor_modified_at: iso(facts.vendorModifiedAt),
    vendor_finished_at: iso(facts.vendorFinishedAt),
    basis: {
      ...basis,
      ...(basis.files ? { files: withoutContent(basis.files) } : {}),
      vendorStatus: facts.vendorStatus,
    } satisfies StoredJobBasis,
  };
}

/** The columns of a subjob; equal columns before and after mean there is nothing to write. */
export function subjobColumns(subjob: SubjobState, partsRank: Rank) {
  const { word, ...facts } = subjob.registers satisfies SubjobFacts & { word: unknown };
  const { ranks, files } = subjob;
  const older: StoredSubjobBasis['older'] = { ...ranks?.older };
  const sameRank = ranks !== null && compareRanks(ranks.rank, partsRank) === 0;
  const failed = subjob.status === 'failed';
  const basis: StoredSubjobBasis = {
    word,
    ...(ranks && !sameRank ? { rank: ranks.rank } : {}),
    ...(Object.keys(older).length > 0 ? { older } : {}),
    ...(files
      ? {
          files: {
            ...(compareRanks(files.rank, partsRank) === 0 ? {} : { rank: files.rank }),
            marks: withoutContent(files).marks,
          },
        }
      : {}),
  };
  return {
    path: subjob.path,
    kind: subjob.kind,
    position: subjob.position,
    status: subjob.status,
    vendor_status: facts.vendorStatus,
    vendor_subjob_id: facts.vendorSubjobId,
    name: facts.name,
    error_code: failed ? facts.vendorErrorCode : null,
    error_message: failed ? facts.vendorErrorMessage : null,
    vendor_error_code: facts.vendorErrorCode,
    vendor_error_message: facts.vendorErrorMessage,
    vendor_created_at: iso(facts.vendorCreatedAt),
    vendor_finished_at: iso(facts.vendorFinishedAt),
    basis,
  };
}

function withoutContent(files: Files): Files {
  return { rank: files.rank, marks: files.marks.map(({ name, digest }) => ({ name, digest })) };
}

/** An output is its place under its job, so its id follows from that and needs no reading. */
export function outputId(jobId: string, slot: string): string {
  return uuidOf(hash('sha256', `output ${jobId} ${slot}`));
}

export function outputColumns({ streams: _streams, ...output }: OutputSeen) {
  return {
    url: output.url,
    media_id: output.mediaId,
    format: output.format,
    duration_ms: output.durationMs,
    size_bytes: output.sizeBytes,
    bitrate_bps: output.bitrateBps,
    width: output.width,
    height: output.height,
  };
}

/** In one literal, as there are many: copying an object of twenty fields costs as much as making it. */
export function streamRow(place: { output_id: string; job_id: string; position: number }, stream: StreamSeen) {
  return {
    output_id: place.output_id,
    job_id: place.job_id,
    position: place.position,
    type: stream.type,
    index: stream.index,
    codec: stream.codec,
    profile: stream.profile,
    width: stream.width,
    height: stream.height,
    fps: stream.fps,
    duration_ms: stream.durationMs,
    bitrate_bps: stream.bitrateBps,
    pixel_format: stream.pixelFormat,
    rotate_degrees: stream.rotateDegrees,
    frames: stream.frames,
    sample_format: stream.sampleFormat,
    sample_rate_hz: stream.sampleRateHz,
    channels: stream.channels,
    channel_layout: stream.channelLayout,
    language: stream.language,
    raw: stream.raw,
  };
}

/** The first 16 bytes of a hash as a UUID of version 8, "made by the application" (RFC 9562). */
function uuidOf(hex: string): string {
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 3) | 8).toString(16);
  const [time, middle, low, rest] = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(13, 16), hex.slice(17, 20)];
  return `${time}-${middle}-8${low}-${variant}${rest}-${hex.slice(20, 32)}`;
}
