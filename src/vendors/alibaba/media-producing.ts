import { NO_JOB_FACTS, type JobSeen } from '../../domain/observation.js';
import { fields, type Contract } from '../contract.js';
import type { Fields } from '../readers.js';
import type { VendorApi } from '../vendor-api.js';
import { fileOf, jobWord, readClaim, readRoot, refsOf } from './ims-fields.js';
import { imsListing } from './ims-listing.js';

const CONTRACT: Contract = {
  shape: {
    ...fields(
      'text',
      'JobId ProjectId MediaId VodMediaId MediaURL TemplateId Timeline ClipsParam UserData SubJobMaterials',
    ),
    ...fields('text', 'Status Code Message CreateTime ModifiedTime CompleteTime'),
    ...fields('number', 'Progress Duration'),
  },
  always: ['JobId', 'Status'],
  onSuccess: ['MediaURL'],
};

/** Editing and producing jobs: one timeline, one file. https://help.aliyun.com/zh/ims/developer-reference/api-ice-2020-11-09-getmediaproducingjob */
export const mediaProducing: VendorApi = {
  name: 'alibaba-ims/media-producing',
  vendor: 'alibaba-ims',
  operation: 'GetMediaProducingJob',
  outcomeInParts: false,
  batch: false,
  callbackExpected: true,
  idsPerCall: 1,
  inputs: ['Timeline', 'ClipsParam', 'SubJobMaterials'],
  contract: CONTRACT,

  query: ([JobId = '']) => ({ action: 'GetMediaProducingJob', parameters: { JobId } }),

  readAnswer: (document, asked) => readRoot(document, asked, 'MediaProducingJob', readJob),

  callback: {
    events: ['ProduceMediaComplete'],
    read(event, vendorJobId) {
      const { fields, seen } = readClaim(event, vendorJobId);
      const output = fileOf(fields);
      const outputs = seen.word === 'succeeded' && (output.url ?? output.mediaId) !== null ? [output] : null;
      return { ...seen, outputs, refs: refsOf(fields.id('ProjectId'), output.mediaId, output.url) };
    },
  },

  listing: imsListing({
    operation: 'ListMediaProducingJobs',
    style: 'nextToken',
    list: 'MediaProducingJobList',
    newestFirst: { SortBy: 'CreationTime:Desc' },
    readJob,
  }),
};

function readJob(job: Fields, vendorJobId: string): JobSeen {
  const vendorStatus = job.text('Status');
  const word = jobWord(vendorStatus);
  const output = fileOf(job);
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
}
