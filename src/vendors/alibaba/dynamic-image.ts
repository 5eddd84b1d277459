import { NO_JOB_FACTS, type OutputSeen } from '../../domain/observation.js';
import type { Fields } from '../readers.js';
import type { VendorApi } from '../vendor-api.js';
import { jobWord, readClaim, readRoot, refsOf } from './ims-fields.js';

/** Animated images: one file out of one, with neither a running state nor progress. https://help.aliyun.com/zh/ims/developer-reference/api-ice-2020-11-09-getdynamicimagejob */
export const dynamicImage: VendorApi = {
  name: 'alibaba-ims/dynamic-image',
  vendor: 'alibaba-ims',
  operation: 'GetDynamicImageJob',
  outcomeInParts: false,
  batch: false,
  callbackExpected: false,
  idsPerCall: 1,
  events: ['DynamicImageComplete'],

  query: ([JobId = '']) => ({ action: 'GetDynamicImageJob', parameters: { JobId } }),

  readAnswer(document) {
    return readRoot(document, 'DynamicImageJob', (job, vendorJobId) => {
      const vendorStatus = job.text('Status');
      const word = jobWord(vendorStatus);
      const { output, refs } = outputOf(job);
      return {
        vendorJobId,
        found: true,
        word,
        occurredAt: job.time('ModifiedTime'),
        facts: {
          ...NO_JOB_FACTS,
          vendorStatus,
          name: job.text('Name'),
          pipelineId: job.text('PipelineId'),
          templateId: job.text('TemplateId'),
          vendorErrorCode: job.text('Code'),
          vendorErrorMessage: job.text('Message'),
          userDataRaw: job.rawText('UserData'),
          vendorCreatedAt: job.time('CreateTime') ?? job.time('SubmitTime'),
          vendorModifiedAt: job.time('ModifiedTime'),
          vendorFinishedAt: job.time('FinishTime'),
        },
        outputs: word === 'succeeded' ? [output] : null,
        subjobs: [],
        refs,
        document: job.value,
        notes: job.notes,
      };
    });
  },

  /** The body of this event is not documented; what it says of the state is a claim like any other. */
  readCallback(event, vendorJobId) {
    return readClaim(event, vendorJobId).seen;
  },
};

/** `Media` holds a media id or an `oss://` address, as `Type` says. */
function outputOf(job: Fields): { output: OutputSeen; refs: string[] } {
  const place = job.object('Output');
  const media = place.id('Media');
  const isMediaId = place.text('Type') === 'Media';
  const config = job.jsonObject('TemplateConfig');
  const output: OutputSeen = {
    url: job.text('OutputUrl') ?? (isMediaId ? null : media),
    mediaId: isMediaId ? media : null,
    format: config.text('Format'),
    durationMs: null,
    sizeBytes: null,
    bitrateBps: null,
    width: config.count('Width'),
    height: config.count('Height'),
    streams: [],
  };
  return { output, refs: refsOf(output.url, media) };
}
