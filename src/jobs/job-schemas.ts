import { z } from 'zod';
import { JobFilter, LabelKey, LabelValue, plainText, SubjobFilter } from '../domain/job-filter.js';
import { SUBJOB_KINDS, VIAS } from '../domain/observation.js';
import { JOB_STATUSES, SUBJOB_STATUSES } from '../domain/status.js';
import { JOB_EVENT_KINDS } from '../domain/transition.js';
import { API_NAMES } from '../vendors/registry.js';
import { pageParameters } from './page.js';

// What is asked

/** The map of domain/job-filter.ts, and where a page of it is. */
export const JobListQuery = JobFilter.extend({
  sort: z
    .enum(
      ['createdAt', 'updatedAt', 'terminalAt', 'vendorCreatedAt'].flatMap((name) => [name, `-${name}`]) as [JobSort],
    )
    .default('-createdAt')
    .meta({ description: 'With `-`: descending. Rows without a value come last either way.' }),
  ...pageParameters,
});
export type JobListQuery = z.infer<typeof JobListQuery>;
export type SortColumn = 'createdAt' | 'updatedAt' | 'terminalAt' | 'vendorCreatedAt';
type JobSort = SortColumn | `-${SortColumn}`;

export const SubjobListQuery = SubjobFilter.extend({
  sort: z.enum(['createdAt', '-createdAt']).default('-createdAt').meta({ description: 'With `-`: descending.' }),
  ...pageParameters,
});
export type SubjobListQuery = z.infer<typeof SubjobListQuery>;

export const LookupQuery = z.strictObject({
  ref: plainText(4096).trim().min(1).meta({
    description: 'Any vendor id, media id, project id or output URL.',
    example: 'oss://bucket/path/to/video.mp4',
  }),
  ...pageParameters,
});
export type LookupQuery = z.infer<typeof LookupQuery>;

export const WaitQuery = z.strictObject({
  wait: z.coerce
    .number()
    .min(0)
    .max(60)
    .optional()
    .meta({ description: 'Answer when the job is final, or after this many seconds.', example: 30 }),
});
export type WaitQuery = z.infer<typeof WaitQuery>;

const Labels = z.record(LabelKey, LabelValue);
const MOST_LABELS = 64;
const fewLabels = { error: `must be ${MOST_LABELS} labels or fewer` };

export const NewJob = z
  .strictObject({
    account: plainText(63).min(1),
    api: z.enum(API_NAMES as [string, ...string[]]),
    vendorJobId: plainText(1000).trim().min(1).max(256),
    callbackExpected: z.boolean().optional(),
    labels: Labels.refine((labels) => Object.keys(labels).length <= MOST_LABELS, fewLabels).optional(),
  })
  .meta({
    id: 'NewJob',
    example: {
      account: 'media-cn',
      api: 'alibaba-ims/media-convert',
      vendorJobId: '4579b5e7a7b54ed1b0b5a3c2d1e0f9a8',
      labels: { tenant: 'acme' },
    },
  });
export type NewJob = z.infer<typeof NewJob>;

/** Every item is checked on its own, so that one bad item fails alone. */
export const NewJobs = z
  .strictObject({ jobs: z.array(z.unknown()).min(1).max(1000) })
  .meta({ id: 'NewJobs', description: '`jobs`: up to 1,000 times what `POST /v1/jobs` takes.' });
export type NewJobs = z.infer<typeof NewJobs>;

export const JobChange = z
  .strictObject({
    labels: z
      .record(LabelKey, LabelValue.nullable())
      .refine((labels) => Object.keys(labels).length <= MOST_LABELS, fewLabels)
      .meta({ description: 'Labels to set; null removes one. Others stay.' }),
  })
  .meta({ id: 'JobChange', example: { labels: { tenant: 'acme', draft: null } } });
export type JobChange = z.infer<typeof JobChange>;

// What is answered

const time = z.iso.datetime();
const integer = z.int();
const anyJson = z.unknown();

export const Fault = z.strictObject({ code: z.string().nullable(), message: z.string().nullable() }).meta({
  id: 'Fault',
  example: { code: 'InvalidParameter.ResourceContentBad', message: 'The resource operated InputFile is bad' },
});

const someStream = { index: integer.nullable(), codec: z.string().nullable() };
const VideoStream = z
  .strictObject({
    type: z.literal('video'),
    ...someStream,
    profile: z.string().nullable(),
    width: integer.nullable(),
    height: integer.nullable(),
    fps: z.number().nullable(),
    durationMs: integer.nullable(),
    bitrateBps: integer.nullable(),
    pixelFormat: z.string().nullable(),
    rotateDegrees: integer.nullable(),
    frames: integer.nullable(),
    language: z.string().nullable(),
    raw: anyJson,
  })
  .meta({ id: 'VideoStream' });
const AudioStream = z
  .strictObject({
    type: z.literal('audio'),
    ...someStream,
    sampleFormat: z.string().nullable(),
    sampleRateHz: integer.nullable(),
    channels: integer.nullable(),
    channelLayout: z.string().nullable(),
    bitrateBps: integer.nullable(),
    durationMs: integer.nullable(),
    language: z.string().nullable(),
    raw: anyJson,
  })
  .meta({ id: 'AudioStream' });
const SubtitleStream = z
  .strictObject({
    type: z.literal('subtitle'),
    ...someStream,
    durationMs: integer.nullable(),
    language: z.string().nullable(),
    raw: anyJson,
  })
  .meta({ id: 'SubtitleStream' });
export const Stream = z.union([VideoStream, AudioStream, SubtitleStream]);
export type Stream = z.infer<typeof Stream>;

export const Output = z
  .strictObject({
    id: z.uuid(),
    url: z.string().nullable(),
    mediaId: z.string().nullable(),
    format: z.string().nullable(),
    durationMs: integer.nullable(),
    sizeBytes: integer.nullable(),
    bitrateBps: integer.nullable(),
    width: integer.nullable(),
    height: integer.nullable(),
    streams: z.array(Stream),
  })
  .meta({ id: 'Output' });
export type Output = z.infer<typeof Output>;

const subjobFacts = {
  id: z.uuid(),
  parentId: z.uuid().nullable(),
  path: z.string(),
  kind: z.enum(SUBJOB_KINDS),
  vendorSubjobId: z.string().nullable(),
  name: z.string().nullable(),
  position: integer,
  status: z.enum(SUBJOB_STATUSES),
  vendorStatus: z.string().nullable(),
  error: Fault.nullable(),
  vendorError: Fault.nullable(),
  vendorCreatedAt: time.nullable(),
  vendorFinishedAt: time.nullable(),
};

export const Subjob = z.strictObject({ ...subjobFacts, outputs: z.array(Output) }).meta({ id: 'Subjob' });
export type Subjob = z.infer<typeof Subjob>;

/** A subjob on its own, and whose it is. */
export const SubjobItem = z
  .strictObject({
    ...subjobFacts,
    createdAt: time,
    updatedAt: time,
    jobId: z.uuid(),
    account: z.string(),
    api: z.string(),
    vendorJobId: z.string(),
    jobName: z.string().nullable(),
    jobStatus: z.enum(JOB_STATUSES),
    labels: z.record(z.string(), z.string()),
  })
  .meta({ id: 'SubjobItem' });
export type SubjobItem = z.infer<typeof SubjobItem>;

const count = z.int().min(0);

export const SubjobCounts = z
  .strictObject({
    total: count,
    succeeded: count,
    failed: count,
    skipped: count,
    queued: count.optional(),
    running: count.optional(),
    canceled: count.optional(),
  })
  .meta({
    id: 'SubjobCounts',
    description: 'Every subjob row, groups included. `queued`, `running` and `canceled` only while there are any.',
    example: { total: 3, succeeded: 1, failed: 1, skipped: 1 },
  });
export type SubjobCounts = z.infer<typeof SubjobCounts>;

export const JobItem = z
  .strictObject({
    id: z.uuid(),
    account: z.string(),
    api: z.string(),
    vendorJobId: z.string(),
    status: z.enum(JOB_STATUSES),
    vendorStatus: z.string().nullable(),
    confirmed: z.boolean().meta({ description: 'false: only a callback has said so, no answer of the vendor yet.' }),
    outcomeKnown: z.boolean(),
    contradicted: z.boolean().meta({ description: 'A callback said what the vendor’s own answers deny.' }),
    via: z.enum(VIAS),
    progress: integer.nullable(),
    name: z.string().nullable(),
    pipelineId: z.string().nullable(),
    templateId: z.string().nullable(),
    labels: z.record(z.string(), z.string()),
    error: Fault.nullable(),
    vendorError: Fault.nullable(),
    userData: anyJson,
    userDataRaw: z.string().nullable(),
    parentJobId: z.uuid().nullable().meta({ description: 'The batch that this job is a part of.' }),
    registered: z.boolean(),
    callbackExpected: z.boolean(),
    vendorCreatedAt: time.nullable(),
    vendorFinishedAt: time.nullable(),
    createdAt: time,
    updatedAt: time,
    terminalAt: time.nullable(),
    closedAt: time.nullable(),
    nextPollAt: time.nullable(),
    subjobCounts: SubjobCounts,
  })
  .meta({ id: 'JobItem', description: 'A job as lists show it: without outputs and subjobs.' });
export type JobItem = z.infer<typeof JobItem>;

export const Job = JobItem.extend({
  outputs: z.array(Output),
  subjobs: z.array(Subjob),
  notes: z.array(z.string()).meta({
    description: "What could not be read in the vendor's newest document of this job, and so is null here.",
    example: ['Job.OutputDetails[0].Result.OutFileMeta.AudioStreamInfoList[0].Bitrate: "0.f" is not a number'],
  }),
}).meta({
  id: 'Job',
  description: 'A job with its files and parts.',
});
export type Job = z.infer<typeof Job>;

const nextCursor = z.string().nullable();

export const JobList = z.strictObject({ data: z.array(JobItem), nextCursor }).meta({ id: 'JobList' });
export const SubjobList = z.strictObject({ data: z.array(SubjobItem), nextCursor }).meta({ id: 'SubjobList' });

export const HistoryEvent = z
  .strictObject({
    sequence: integer,
    kind: z.enum(JOB_EVENT_KINDS),
    subjobId: z.uuid().nullable(),
    from: z.string().nullable(),
    to: z.string().nullable(),
    via: z.enum(VIAS),
    vendorAt: time.nullable(),
    recordedAt: time,
    receiptId: z.uuid().nullable(),
    detail: anyJson,
  })
  .meta({ id: 'HistoryEvent' });
export type HistoryEvent = z.infer<typeof HistoryEvent>;
export const History = z.strictObject({ data: z.array(HistoryEvent), nextCursor }).meta({ id: 'History' });

export const ProblemDocument = z
  .strictObject({
    type: z.string(),
    title: z.string(),
    status: integer,
    detail: z.string(),
    errors: z.array(z.strictObject({ path: z.string(), message: z.string() })).optional(),
  })
  .meta({
    id: 'Problem',
    description: 'RFC 9457.',
    example: {
      type: 'urn:callsheet:problem:invalid_input',
      title: 'Bad Request',
      status: 400,
      detail: 'What was sent cannot be used; see errors',
      errors: [{ path: 'limit', message: 'Too big: expected number to be <=200' }],
    },
  });

export const TrackedJobs = z
  .strictObject({
    results: z.array(
      z.union([
        z.strictObject({ status: z.literal([200, 201]), job: JobItem }),
        z.strictObject({ status: integer, problem: ProblemDocument }),
      ]),
    ),
  })
  .meta({ id: 'TrackedJobs' });
export type TrackedJobs = z.infer<typeof TrackedJobs>;
