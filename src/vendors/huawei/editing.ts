import {
  NO_JOB_FACTS,
  NO_STREAM_FACTS,
  notFound,
  type JobSeen,
  type Json,
  type OutputSeen,
  type StreamSeen,
} from '../../domain/observation.js';
import { withoutTrailing } from '../../domain/text.js';
import { fields, type Contract } from '../contract.js';
import { Fields, isObject } from '../readers.js';
import type { VendorApi } from '../vendor-api.js';
import { isNoTask, mpcWord } from './mpc-words.js';

const CONTRACT: Contract = {
  shape: {
    ...fields('text', 'job_id status create_time start_time end_time'),
    progress: 'number',
    metadata: [fields('text', 'name value')],
    output: fields('text', 'bucket location object file_name'),
    editing_output: {
      ...fields('number', 'duration duration_ms size size_byte'),
      ...fields('text', 'format md5'),
      video_info: {
        ...fields('number', 'width height bitrate bitrate_bps frame_rate rotate'),
        ...fields('text', 'codec dynamic_range duration duration_ms'),
      },
      audio_info: [
        {
          ...fields('number', 'sample channels bitrate bitrate_bps'),
          ...fields('text', 'codec duration duration_ms'),
        },
      ],
    },
    // In the vendor's SDKs for a while, never on its page.
    ...fields('text', 'error_code exec_description description user_data'),
  },
  // The page promises nothing about what an unfinished job has.
  always: ['job_id', 'status'],
  onSuccess: ['output'],
};

/** Clipping jobs: one file each. https://support.huaweicloud.com/api-mpc/ListEditingJobs.html */
export const editing: VendorApi = {
  name: 'huawei-mpc/editing',
  vendor: 'huawei-mpc',
  operation: 'ListEditingJobs',
  outcomeInParts: false,
  batch: false,
  callbackExpected: false,
  idsPerCall: 10,
  contract: CONTRACT,

  query: (job_id) => ({ action: '/v2/{project_id}/editing/jobs', parameters: { job_id } }),

  /** By id, never by position or number: what the vendor does about an id it does not know is not documented. */
  readAnswer(document, asked) {
    const list = isObject(document) ? document['job_array'] : null;
    if (!Array.isArray(list)) return [];
    const jobs = list.map((item) => ({ item, vendorJobId: idIn(item) }));
    const seen = new Map<string, JobSeen>();
    for (const { item, vendorJobId } of jobs) {
      if (vendorJobId !== null && !seen.has(vendorJobId)) seen.set(vendorJobId, jobIn(item, vendorJobId));
    }
    // One that cannot be told may be any of those that seem to be missing.
    const absent = jobs.some(({ vendorJobId }) => vendorJobId === null) ? [] : asked.filter((id) => !seen.has(id));
    return [...seen.values(), ...absent.map(notFound)];
  },
};

/** The same family of APIs has answered ids as numbers; one that JSON has bent is no id. */
function idIn(item: Json): string | null {
  const job = Fields.of(item);
  const { job_id: id } = job.value;
  return typeof id === 'number' && !Number.isSafeInteger(id) ? null : job.id('job_id');
}

function jobIn(item: Json, vendorJobId: string): JobSeen {
  const job = Fields.of(item);
  const vendorStatus = job.text('status');
  if (isNoTask(vendorStatus)) return { ...notFound(vendorJobId), document: job.value };
  const word = mpcWord(vendorStatus);
  const createdAt = job.time('create_time');
  const startedAt = job.time('start_time');
  const finishedAt = job.time('end_time');
  const output = word === 'succeeded' ? outputOf(job) : null;
  return {
    vendorJobId,
    found: true,
    word,
    occurredAt: finishedAt ?? startedAt ?? createdAt,
    facts: {
      ...NO_JOB_FACTS,
      vendorStatus,
      name: titleIn(job),
      progress: job.count('progress', 100),
      // A code alone is no failure: another API of this family says MPC.10218 beside SUCCEED.
      vendorErrorCode: job.text('error_code'),
      vendorErrorMessage: job.text('description') ?? job.text('exec_description'),
      userDataRaw: job.rawText('user_data'),
      vendorCreatedAt: createdAt,
      vendorFinishedAt: finishedAt,
    },
    outputs: output && [output],
    subjobs: [],
    refs: output?.url == null ? [] : [output.url],
    document: job.value,
    notes: job.notes,
  };
}

function titleIn(job: Fields): string | null {
  return (
    job
      .objects('metadata')
      .find((pair) => pair.text('name')?.toLowerCase() === 'title')
      ?.text('value') ?? null
  );
}

/** `duration` is a number of the file and text of a stream; where a finer unit is given as well, it is the one to take. */
function outputOf(job: Fields): OutputSeen {
  const file = job.object('editing_output');
  const info = file.object('video_info');
  const video = Object.keys(info.value).length > 0 ? videoOf(info) : null;
  return {
    url: addressIn(job.object('output')),
    mediaId: null,
    format: file.text('format'),
    durationMs: durationOf(file),
    sizeBytes: file.scaled('size_byte', 1) ?? file.scaled('size', 1024),
    bitrateBps: null,
    width: video?.width ?? null,
    height: video?.height ?? null,
    streams: [...(video ? [video] : []), ...file.objects('audio_info').map(audioOf)],
  };
}

/** `object` is the folder; should it already be the whole key, the name is not put after it once more. */
function addressIn(output: Fields): string | null {
  const bucket = output.text('bucket');
  const folder = output.text('object')?.replace(/^\/+/, '') ?? '';
  const name = output.text('file_name')?.replace(/^\/+/, '') ?? '';
  const isWhole = name === '' || folder === name || folder.endsWith(`/${name}`);
  const key = isWhole ? folder : `${folder === '' ? '' : `${withoutTrailing(folder, '/')}/`}${name}`;
  // A folder is not a file.
  return bucket === null || key === '' || key.endsWith('/') ? null : `obs://${bucket}/${key}`;
}

function videoOf(stream: Fields): StreamSeen {
  return {
    ...NO_STREAM_FACTS,
    type: 'video',
    codec: stream.text('codec'),
    width: stream.count('width'),
    height: stream.count('height'),
    fps: stream.decimal('frame_rate'),
    durationMs: durationOf(stream),
    bitrateBps: bitrateOf(stream),
    rotateDegrees: stream.integer('rotate'),
    raw: stream.inOrder(),
  };
}

function audioOf(stream: Fields): StreamSeen {
  return {
    ...NO_STREAM_FACTS,
    type: 'audio',
    codec: stream.text('codec'),
    durationMs: durationOf(stream),
    bitrateBps: bitrateOf(stream),
    sampleRateHz: stream.count('sample'),
    channels: stream.count('channels'),
    raw: stream.inOrder(),
  };
}

function durationOf(fields: Fields): number | null {
  return fields.scaled('duration_ms', 1) ?? fields.scaled('duration', 1000);
}

/** `bitrate` is kbit/s here; the vendor has changed its unit before. */
function bitrateOf(stream: Fields): number | null {
  return stream.scaled('bitrate_bps', 1) ?? stream.scaled('bitrate', 1000);
}
