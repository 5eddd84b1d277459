import { NO_JOB_FACTS, type OutputSeen } from '../../domain/observation.js';
import type { Fields } from '../readers.js';
import type { VendorApi } from '../vendor-api.js';
import { jobWord, readClaim, readRoot, refsOf } from './ims-fields.js';

/** Editing and producing jobs: one timeline, one file. https://help.aliyun.com/zh/ims/developer-reference/api-ice-2020-11-09-getmediaproducingjob */
export const mediaProducing: VendorApi = {
  name: 'alibaba-ims/media-producing',
  vendor: 'alibaba-ims',
  operation: 'GetMediaProducingJob',
  outcomeInParts: false,
  batch: false,
  callbackExpected: true,
  idsPerCall: 1,
  events: ['ProduceMediaComplete'],

  query: ([JobId = '']) => ({ action: 'GetMediaProducingJob', parameters: { JobId } }),

  readAnswer(document) {
    return readRoot(document, 'MediaProducingJob', (job, vendorJobId) => {
      const vendorStatus = job.text('Status');
      const word = jobWord(vendorStatus);
      const output = outputOf(job);
      return {
        vendorJobId,
        found: true,
        word,
        occurredAt: job.time('ModifiedTime'),
        facts: {
          ...NO_JOB_FACTS,
          vendorStatus,
          progress: job.count('Progress', 100),
          templateId: job.text('TemplateId'),
          vendorErrorCode: job.text('Code'),
          vendorErrorMessage: job.text('Message'),
          userDataRaw: job.rawText('UserData'),
          vendorCreatedAt: job.time('CreateTime'),
          vendorModifiedAt: job.time('ModifiedTime'),
          vendorFinishedAt: job.time('CompleteTime'),
        },
        outputs: word === 'succeeded' ? [output] : null,
        subjobs: [],
        refs: refsOf(job.id('ProjectId'), output.mediaId, job.id('VodMediaId'), output.url),
        document: job.value,
        notes: job.notes,
      };
    });
  },

  readCallback(event, vendorJobId) {
    const { fields, seen } = readClaim(event, vendorJobId);
    const output = outputOf(fields);
    const outputs = seen.word === 'succeeded' && (output.url ?? output.mediaId) !== null ? [output] : null;
    return { ...seen, outputs, refs: refsOf(fields.id('ProjectId'), output.mediaId, output.url) };
  },
};

/** The job's one file. The vendor tells its place and length here, and nothing of its streams. */
function outputOf(job: Fields): OutputSeen {
  return {
    url: job.text('MediaURL'),
    mediaId: job.id('MediaId'),
    format: null,
    durationMs: job.scaled('Duration', 1000),
    sizeBytes: null,
    bitrateBps: null,
    width: null,
    height: null,
    streams: [],
  };
}
