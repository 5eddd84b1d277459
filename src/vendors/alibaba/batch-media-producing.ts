import { batchItemPath } from '../../domain/batch.js';
import { NO_JOB_FACTS, NO_SUBJOB_FACTS, type JobSeen, type SubjobSeen } from '../../domain/observation.js';
import { fields, type Contract } from '../contract.js';
import type { Fields } from '../readers.js';
import type { VendorApi } from '../vendor-api.js';
import { claims, fileOf, jobWord, partWord, readRoot, refsOf } from './ims-fields.js';
import { imsListing } from './ims-listing.js';

const CONTRACT: Contract = {
  shape: {
    ...fields('text', 'JobId JobType Status InputConfig EditingConfig OutputConfig UserData'),
    ...fields('text', 'Extend ExtendInput ExtendOutput CreateTime ModifiedTime CompleteTime'),
    SubJobList: [
      {
        ...fields('text', 'JobId MediaId MediaURL ProjectId Status ErrorCode ErrorMessage'),
        ...fields('number', 'Duration'),
      },
    ],
  },
  always: ['JobId', 'Status', 'SubJobList[].JobId', 'SubJobList[].Status'],
  onSuccess: [],
};

/** Quick video batches: many producing jobs under one. https://help.aliyun.com/zh/ims/developer-reference/api-ice-2020-11-09-getbatchmediaproducingjob */
export const batchMediaProducing: VendorApi = {
  name: 'alibaba-ims/batch-media-producing',
  vendor: 'alibaba-ims',
  operation: 'GetBatchMediaProducingJob',
  outcomeInParts: true,
  batch: true,
  subjobApi: 'alibaba-ims/media-producing',
  callbackExpected: true,
  idsPerCall: 1,
  inputs: ['InputConfig', 'ExtendInput'],
  contract: CONTRACT,

  query: ([JobId = '']) => ({ action: 'GetBatchMediaProducingJob', parameters: { JobId } }),

  readAnswer: (document, asked) => readRoot(document, asked, 'EditingBatchJob', readJob),

  callback: claims('BatchProduceMediaComplete'),

  listing: imsListing({
    operation: 'ListBatchMediaProducingJobs',
    style: 'nextToken',
    list: 'EditingBatchJobList',
    newestFirst: { SortBy: 'desc' },
    readJob,
  }),
};

function readJob(job: Fields, vendorJobId: string): JobSeen {
  const vendorStatus = job.text('Status');
  const parts = job.objects('SubJobList').map(partOf);
  // The batch's own error, apart from its parts'; `{}` when there is none.
  const extend = job.jsonObject('Extend');
  const error = { code: extend.text('ErrorCode'), message: extend.text('ErrorMessage') };
  return {
    vendorJobId,
    found: true,
    word: jobWord(vendorStatus),
    occurredAt: job.time('ModifiedTime'),
    facts: {
      ...NO_JOB_FACTS,
      vendorStatus,
      vendorErrorCode: error.code,
      vendorErrorMessage: error.message,
      userDataRaw: job.rawText('UserData'),
      vendorCreatedAt: job.time('CreateTime'),
      vendorModifiedAt: job.time('ModifiedTime'),
      vendorFinishedAt: job.time('CompleteTime'),
    },
    outputs: null,
    subjobs: parts.map(({ subjob }) => subjob),
    refs: refsOf(...parts.flatMap(({ refs }) => refs)),
    batchError: error.code !== null || error.message !== null,
    document: job.value,
    notes: job.notes,
  };
}

function partOf(part: Fields, position: number): { subjob: SubjobSeen; refs: string[] } {
  const vendorStatus = part.text('Status');
  const status = partWord(vendorStatus);
  const vendorSubjobId = part.id('JobId');
  const file = fileOf(part);
  return {
    subjob: {
      // The list's order is nowhere promised, so the vendor's id is the place.
      path: batchItemPath(vendorSubjobId ?? `#${position}`),
      parentPath: null,
      kind: 'batch_item',
      position,
      status,
      facts: {
        ...NO_SUBJOB_FACTS,
        vendorStatus,
        vendorSubjobId,
        vendorErrorCode: part.text('ErrorCode'),
        vendorErrorMessage: part.text('ErrorMessage'),
      },
      outputs: status === 'succeeded' ? [file] : null,
    },
    refs: refsOf(vendorSubjobId, part.id('ProjectId'), file.mediaId, file.url),
  };
}
