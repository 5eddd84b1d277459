import type { JobWord, SubjobStatus } from './status.js';

export const VIAS = ['callback', 'poll', 'list', 'manual'] as const;
/** How we came to know something. */
export type Via = (typeof VIAS)[number];

/** Anything JSON can say. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** Everywhere below, null means "not said or not readable": it never erases what is known. */
export type JobFacts = {
  vendorStatus: string | null;
  name: string | null;
  progress: number | null;
  pipelineId: string | null;
  templateId: string | null;
  vendorErrorCode: string | null;
  vendorErrorMessage: string | null;
  userDataRaw: string | null;
  vendorCreatedAt: Date | null;
  vendorModifiedAt: Date | null;
  vendorFinishedAt: Date | null;
};

export type SubjobFacts = {
  vendorStatus: string | null;
  vendorSubjobId: string | null;
  name: string | null;
  vendorErrorCode: string | null;
  vendorErrorMessage: string | null;
  vendorCreatedAt: Date | null;
  vendorFinishedAt: Date | null;
};

/** One stream of a file. Durations in ms, bitrates in bit/s; `raw` is the vendor's own object. */
export type StreamSeen = {
  type: 'video' | 'audio' | 'subtitle';
  index: number | null;
  codec: string | null;
  profile: string | null;
  width: number | null;
  height: number | null;
  fps: number | null;
  durationMs: number | null;
  bitrateBps: number | null;
  pixelFormat: string | null;
  rotateDegrees: number | null;
  frames: number | null;
  sampleFormat: string | null;
  sampleRateHz: number | null;
  channels: number | null;
  channelLayout: string | null;
  language: string | null;
  raw: Json;
};

/** A file that a job or subjob made. Sizes in bytes. */
export type OutputSeen = {
  url: string | null;
  mediaId: string | null;
  format: string | null;
  durationMs: number | null;
  sizeBytes: number | null;
  bitrateBps: number | null;
  width: number | null;
  height: number | null;
  streams: StreamSeen[];
};

export const SUBJOB_KINDS = ['batch_item', 'output_group', 'output'] as const;
export type SubjobKind = (typeof SUBJOB_KINDS)[number];

export type SubjobSeen = {
  /** Its place in the job: `output/0`, `output_group/0/output/1`, `batch_item/<vendor id>`. */
  path: string;
  parentPath: string | null;
  kind: SubjobKind;
  /** null: the document does not tell its place among the others. */
  position: number | null;
  /** null: the word is unknown to us. */
  status: SubjobStatus | null;
  facts: SubjobFacts;
  /** Its files; null unless this document says that it succeeded. */
  outputs: OutputSeen[] | null;
};

/** What one document says about one job, in our words. What a normalizer returns. */
export type JobSeen = {
  vendorJobId: string;
  /** false: the vendor says it does not know the job. */
  found: boolean;
  /** null: nothing was said, or the word is unknown to us. */
  word: JobWord | null;
  /** The vendor's own time of what it says; null when it gives none. */
  occurredAt: Date | null;
  facts: JobFacts;
  /** The job's own files; null unless this document says that the job succeeded. */
  outputs: OutputSeen[] | null;
  subjobs: SubjobSeen[];
  /** Ids and URLs that name this job: subjobs, tasks, media, projects, requests, outputs. Never template or pipeline. */
  refs: string[];
  /** It speaks of the parts in `subjobs` and says nothing of the job itself. */
  partsOnly?: boolean;
  /** An error the vendor hides beside a batch's `Finished`. */
  batchError?: boolean;
  /** The vendor's own object of the job. */
  document: Json;
  /** Values that could not be read, with the reason. */
  notes: string[];
};

/** Where a `JobSeen` came from, and what orders it among the others of its job. */
export type Provenance = {
  via: Via;
  receiptId: string;
  /** From Postgres: drawn when a callback was stored, or before a query was sent. */
  number: number;
  /** When the query was sent; equal to `receivedAt` for a claim. By Postgres' clock. */
  askedAt: Date;
  receivedAt: Date;
};

/** What a callback says is a claim; what the vendor answers to our own signed query is evidence. */
export type Observation = Provenance & { seen: JobSeen; kind: 'claim' | 'evidence' };

export const NO_FILE_FACTS: OutputSeen = {
  url: null,
  mediaId: null,
  format: null,
  durationMs: null,
  sizeBytes: null,
  bitrateBps: null,
  width: null,
  height: null,
  streams: [],
};

export const NO_JOB_FACTS: JobFacts = {
  vendorStatus: null,
  name: null,
  progress: null,
  pipelineId: null,
  templateId: null,
  vendorErrorCode: null,
  vendorErrorMessage: null,
  userDataRaw: null,
  vendorCreatedAt: null,
  vendorModifiedAt: null,
  vendorFinishedAt: null,
};

export const NO_SUBJOB_FACTS: SubjobFacts = {
  vendorStatus: null,
  vendorSubjobId: null,
  name: null,
  vendorErrorCode: null,
  vendorErrorMessage: null,
  vendorCreatedAt: null,
  vendorFinishedAt: null,
};

export const NO_STREAM_FACTS: Omit<StreamSeen, 'type' | 'raw'> = {
  index: null,
  codec: null,
  profile: null,
  width: null,
  height: null,
  fps: null,
  durationMs: null,
  bitrateBps: null,
  pixelFormat: null,
  rotateDegrees: null,
  frames: null,
  sampleFormat: null,
  sampleRateHz: null,
  channels: null,
  channelLayout: null,
  language: null,
};

/** A document that names a job and says nothing of it. */
export function nothingSeen(vendorJobId: string): JobSeen {
  return {
    vendorJobId,
    found: true,
    word: null,
    occurredAt: null,
    facts: NO_JOB_FACTS,
    outputs: null,
    subjobs: [],
    refs: [],
    document: {},
    notes: [],
  };
}

/** The vendor says that it does not know the job. */
export function notFound(vendorJobId: string): JobSeen {
  return { ...nothingSeen(vendorJobId), found: false };
}
