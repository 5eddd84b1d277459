import { NO_FILE_FACTS, type JobSeen, type OutputSeen } from '../../domain/observation.js';
import type { Contract } from '../contract.js';
import type { Fields } from '../readers.js';
import type { VendorApi } from '../vendor-api.js';
import { claims, readRoot, refsOf } from './ims-fields.js';
import { imsListing } from './ims-listing.js';
import { PROCESSING_JOB, readProcessingJob } from './processing-job.js';

const CONTRACT: Contract = {
  shape: { ...PROCESSING_JOB, OutputUrl: 'text' },
  always: ['JobId', 'Status'],
  onSuccess: ['OutputUrl'],
};

/** Animated images: one file out of one, with neither a running state nor progress. https://help.aliyun.com/zh/ims/developer-reference/api-ice-2020-11-09-getdynamicimagejob */
export const dynamicImage: VendorApi = {
  name: 'alibaba-ims/dynamic-image',
  vendor: 'alibaba-ims',
  operation: 'GetDynamicImageJob',
  outcomeInParts: false,
  batch: false,
  callbackExpected: false,
  idsPerCall: 1,
  inputs: ['Input'],
  contract: CONTRACT,

  query: ([JobId = '']) => ({ action: 'GetDynamicImageJob', parameters: { JobId } }),

  readAnswer: (document, asked) => readRoot(document, asked, 'DynamicImageJob', readJob),

  callback: claims('DynamicImageComplete'),

  listing: imsListing({
    operation: 'ListDynamicImageJobs',
    style: 'nextPageToken',
    list: 'Jobs',
    newestFirst: { OrderBy: 'CreateTimeDesc' },
    readJob,
  }),
};

function readJob(job: Fields, vendorJobId: string): JobSeen {
  return readProcessingJob(job, vendorJobId, outputOf(job));
}

/** `Media` holds a media id or an `oss://` address, as `Type` says. */
function outputOf(job: Fields): { output: OutputSeen; refs: string[] } {
  const place = job.object('Output');
  const media = place.text('Media');
  const isMediaId = place.text('Type') === 'Media';
  const config = job.jsonObject('TemplateConfig');
  const output: OutputSeen = {
    ...NO_FILE_FACTS,
    url: job.text('OutputUrl') ?? (isMediaId ? null : media),
    mediaId: isMediaId ? place.id('Media') : null,
    format: config.text('Format'),
    width: config.count('Width'),
    height: config.count('Height'),
  };
  return { output, refs: refsOf(output.url, media) };
}
