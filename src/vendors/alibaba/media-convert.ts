import {
  NO_JOB_FACTS,
  NO_STREAM_FACTS,
  type JobSeen,
  type OutputSeen,
  type StreamSeen,
  type SubjobKind,
  type SubjobSeen,
} from '../../domain/observation.js';
import { fields, type Contract, type ObjectShape } from '../contract.js';
import type { Fields } from '../readers.js';
import type { VendorApi } from '../vendor-api.js';
import { jobWord, partWord, readClaim, readRoot, refsOf } from './ims-fields.js';
import { imsListing } from './ims-listing.js';

const FILE_META: ObjectShape = {
  VideoStreamInfoList: [
    {
      ...fields('number', 'Index Bit_rate Duration Start_time Fps Avg_fps Width Height NumFrames Has_b_frames Rotate'),
      ...fields('text', 'Codec_name Codec_long_name Codec_tag Codec_tag_string Codec_time_base Time_base'),
      ...fields('text', 'Profile Level PixFmt Sar Dar Lang'),
    },
  ],
  AudioStreamInfoList: [
    {
      ...fields('number', 'Index Duration StartTime SampleRate Channels'),
      // "0.f" in the vendor's own sample.
      ...fields('text', 'Bitrate CodecName CodecLongName CodecTag CodecTagString CodecTimeBase Timebase'),
      ...fields('text', 'ChannelLayout SampleFmt Lang'),
    },
  ],
  FileBasicInfo: {
    ...fields('text', 'MediaId FileName FileUrl FileType FileStatus FormatName Region'),
    ...fields('number', 'FileSize Duration Bitrate Width Height'),
  },
};
const PART: ObjectShape = fields('text', 'TaskId Name Status Code Message CreateTime FinishTime');
const OUTPUT: ObjectShape = {
  ...PART,
  Result: { OutputFile: fields('text', 'Type Media Url'), OutFileMeta: FILE_META },
};
const CONTRACT: Contract = {
  shape: {
    ...fields('text', 'RequestId ClientToken JobId PipelineId UserData State Code Message CreateTime FinishTime'),
    ...fields('number', 'Percent'),
    // What the customer submitted.
    Config: 'any',
    OutputDetails: [OUTPUT],
    OutputGroupDetails: [{ ...PART, Outputs: [OUTPUT] }],
  },
  always: [
    'JobId',
    'State',
    'OutputDetails[].Status',
    'OutputGroupDetails[].Status',
    'OutputGroupDetails[].Outputs[].Status',
  ],
  onSuccess: [],
};

/** Transcoding jobs: outputs, and groups of outputs. https://help.aliyun.com/zh/ims/developer-reference/api-ice-2020-11-09-getmediaconvertjob */
export const mediaConvert: VendorApi = {
  name: 'alibaba-ims/media-convert',
  vendor: 'alibaba-ims',
  operation: 'GetMediaConvertJob',
  outcomeInParts: true,
  batch: false,
  callbackExpected: false,
  idsPerCall: 1,
  inputs: ['Config.Inputs'],
  contract: CONTRACT,

  query: ([JobId = '']) => ({ action: 'GetMediaConvertJob', parameters: { JobId } }),

  readAnswer: (document, asked) => readRoot(document, asked, 'Job', readJob),

  callback: {
    events: ['MediaConvertComplete', 'MediaConvertOutputGroupComplete', 'MediaConvertOutputComplete'],
    /**
     * The bodies of these events are not documented. An output's or a group's own state is not the job's, so such an event
     * only tells that there is something to look at.
     */
    read(event, vendorJobId) {
      const { seen } = readClaim(event, vendorJobId);
      if (event.type === 'MediaConvertComplete') return seen;
      return { ...seen, word: null, facts: { ...NO_JOB_FACTS, userDataRaw: seen.facts.userDataRaw } };
    },
  },

  listing: imsListing({
    operation: 'ListMediaConvertJobs',
    style: 'nextPageToken',
    list: 'Jobs',
    newestFirst: { OrderBy: 'CreateTimeDesc' },
    readJob,
  }),
};

function readJob(job: Fields, vendorJobId: string): JobSeen {
  const vendorStatus = job.text('State');
  const subjobs = [
    ...job.objects('OutputDetails').map((output, i) => partOf(output, `output/${i}`, null, 'output', i)),
    ...job.objects('OutputGroupDetails').flatMap((group, i) => {
      const path = `output_group/${i}`;
      return [
        partOf(group, path, null, 'output_group', i),
        ...group.objects('Outputs').map((output, k) => partOf(output, `${path}/output/${k}`, path, 'output', k)),
      ];
    }),
  ];
  return {
    vendorJobId,
    found: true,
    word: jobWord(vendorStatus),
    occurredAt: job.time('FinishTime') ?? job.time('CreateTime'),
    facts: {
      ...NO_JOB_FACTS,
      vendorStatus,
      name: job.object('Config').text('JobName'),
      progress: job.count('Percent', 100),
      pipelineId: job.text('PipelineId'),
      vendorErrorCode: job.text('Code'),
      vendorErrorMessage: job.text('Message'),
      userDataRaw: job.rawText('UserData'),
      vendorCreatedAt: job.time('CreateTime'),
      vendorFinishedAt: job.time('FinishTime'),
    },
    outputs: null,
    subjobs: subjobs.map(({ subjob }) => subjob),
    refs: refsOf(job.id('RequestId'), ...subjobs.flatMap(({ refs }) => refs)),
    document: job.value,
    notes: job.notes,
  };
}

function partOf(
  part: Fields,
  path: string,
  parentPath: string | null,
  kind: SubjobKind,
  position: number,
): { subjob: SubjobSeen; refs: string[] } {
  const vendorStatus = part.text('Status');
  const status = partWord(vendorStatus);
  // Several parts of one job may carry one TaskId, so it is an attribute, and the place is the identity.
  const vendorSubjobId = part.id('TaskId');
  const file = kind === 'output' && part.has('Result') ? outputOf(part.object('Result')) : null;
  return {
    subjob: {
      path,
      parentPath,
      kind,
      position,
      status,
      facts: {
        vendorStatus,
        vendorSubjobId,
        name: part.text('Name'),
        vendorErrorCode: part.text('Code'),
        vendorErrorMessage: part.text('Message'),
        vendorCreatedAt: part.time('CreateTime'),
        vendorFinishedAt: part.time('FinishTime'),
      },
      outputs: status === 'succeeded' ? (file ? [file.output] : []) : null,
    },
    refs: refsOf(vendorSubjobId, ...(file?.refs ?? [])),
  };
}

function outputOf(result: Fields): { output: OutputSeen; refs: string[] } {
  const place = result.object('OutputFile');
  const meta = result.object('OutFileMeta');
  const file = meta.object('FileBasicInfo');
  const media = place.text('Media');
  const fileUrl = file.text('FileUrl');
  const output: OutputSeen = {
    url: place.text('Url') ?? media ?? fileUrl,
    mediaId: file.id('MediaId'),
    format: file.text('FormatName'),
    durationMs: file.scaled('Duration', 1000),
    sizeBytes: file.count('FileSize', Number.MAX_SAFE_INTEGER),
    // The vendor's bitrates are kbit/s in text.
    bitrateBps: file.scaled('Bitrate', 1000),
    width: file.count('Width'),
    height: file.count('Height'),
    streams: [...meta.objects('VideoStreamInfoList').map(videoOf), ...meta.objects('AudioStreamInfoList').map(audioOf)],
  };
  return { output, refs: refsOf(output.url, media, fileUrl, output.mediaId) };
}

/** Video streams spell their keys `Bit_rate`, `Codec_name`. */
function videoOf(stream: Fields): StreamSeen {
  return {
    ...NO_STREAM_FACTS,
    type: 'video',
    index: stream.count('Index'),
    codec: stream.text('Codec_name'),
    profile: stream.text('Profile'),
    width: stream.count('Width'),
    height: stream.count('Height'),
    fps: stream.decimal('Fps') ?? stream.decimal('Avg_fps'),
    durationMs: stream.scaled('Duration', 1000),
    bitrateBps: stream.scaled('Bit_rate', 1000),
    pixelFormat: stream.text('PixFmt'),
    rotateDegrees: stream.integer('Rotate'),
    frames: stream.count('NumFrames', Number.MAX_SAFE_INTEGER),
    language: stream.text('Lang'),
    raw: stream.inOrder(),
  };
}

/** Audio streams spell the same keys `Bitrate`, `CodecName`. */
function audioOf(stream: Fields): StreamSeen {
  return {
    ...NO_STREAM_FACTS,
    type: 'audio',
    index: stream.count('Index'),
    codec: stream.text('CodecName'),
    durationMs: stream.scaled('Duration', 1000),
    bitrateBps: stream.scaled('Bitrate', 1000),
    sampleFormat: stream.text('SampleFmt'),
    sampleRateHz: stream.count('SampleRate'),
    channels: stream.count('Channels'),
    channelLayout: stream.text('ChannelLayout'),
    language: stream.text('Lang'),
    raw: stream.inOrder(),
  };
}
