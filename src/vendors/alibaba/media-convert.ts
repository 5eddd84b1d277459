import {
  NO_JOB_FACTS,
  type OutputSeen,
  type StreamSeen,
  type SubjobKind,
  type SubjobSeen,
} from '../../domain/observation.js';
import type { Fields } from '../readers.js';
import type { VendorApi } from '../vendor-api.js';
import { jobWord, partWord, readClaim, readRoot, refsOf } from './ims-fields.js';

/** Transcoding jobs: outputs, and groups of outputs. https://help.aliyun.com/zh/ims/developer-reference/api-ice-2020-11-09-getmediaconvertjob */
export const mediaConvert: VendorApi = {
  name: 'alibaba-ims/media-convert',
  vendor: 'alibaba-ims',
  operation: 'GetMediaConvertJob',
  outcomeInParts: true,
  batch: false,
  callbackExpected: false,
  idsPerCall: 1,
  events: ['MediaConvertComplete', 'MediaConvertOutputGroupComplete', 'MediaConvertOutputComplete'],

  query: ([JobId = '']) => ({ action: 'GetMediaConvertJob', parameters: { JobId } }),

  readAnswer(document) {
    return readRoot(document, 'Job', (job, vendorJobId) => {
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
    });
  },

  /**
   * The bodies of these events are not documented. An output's or a group's own state is not the job's, so such an event
   * only tells that there is something to look at.
   */
  readCallback(event, vendorJobId) {
    const { seen } = readClaim(event, vendorJobId);
    if (event.type === 'MediaConvertComplete') return seen;
    return { ...seen, word: null, facts: { ...NO_JOB_FACTS, userDataRaw: seen.facts.userDataRaw } };
  },
};

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

const NO_STREAM_FACTS: Omit<StreamSeen, 'type' | 'raw'> = {
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
    raw: stream.value,
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
    raw: stream.value,
  };
}
