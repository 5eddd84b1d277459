import { NO_FILE_FACTS, type JobSeen, type OutputSeen } from '../../domain/observation.js';
import { fields, type Contract } from '../contract.js';
import type { Fields } from '../readers.js';
import type { VendorApi } from '../vendor-api.js';
import { claims, readRoot, refsOf } from './ims-fields.js';
import { imsListing } from './ims-listing.js';
import { PROCESSING_JOB, readProcessingJob } from './processing-job.js';

const CONTRACT: Contract = {
  shape: {
    ...PROCESSING_JOB,
    ...fields('text', 'Type'),
    ...fields('number', 'Count'),
    // True or false, for which a contract has no word.
    ...fields('any', 'Async'),
  },
  always: ['JobId', 'Status'],
  onSuccess: ['Output.Media'],
};

/** Images out of a video: stills, sprites, or a WebVTT track of them. Neither a running state nor progress. https://alibabacloud.com/help/en/ims/developer-reference/api-ice-2020-11-09-getsnapshotjob */
export const snapshot: VendorApi = {
  name: 'alibaba-ims/snapshot',
  vendor: 'alibaba-ims',
  operation: 'GetSnapshotJob',
  outcomeInParts: false,
  batch: false,
  callbackExpected: false,
  idsPerCall: 1,
  inputs: ['Input'],
  contract: CONTRACT,

  query: ([JobId = '']) => ({ action: 'GetSnapshotJob', parameters: { JobId } }),

  readAnswer: (document, asked) => readRoot(document, asked, 'SnapshotJob', readJob),

  callback: claims('SnapshotComplete'),

  listing: imsListing({
    operation: 'ListSnapshotJobs',
    style: 'nextPageToken',
    list: 'Jobs',
    newestFirst: { OrderBy: 'CreateTimeDesc' },
    readJob,
  }),
};

function readJob(job: Fields, vendorJobId: string): JobSeen {
  return readProcessingJob(job, vendorJobId, outputOf(job));
}

/**
 * One output for however many images there are: the vendor gives their place as one pattern, with `{Count}` or `{TileCount}`
 * where each has its number. `Media` holds a media id or an address, as `Type` says.
 */
function outputOf(job: Fields): { output: OutputSeen; refs: string[] } {
  const place = job.object('Output');
  const isMediaId = place.text('Type') === 'Media';
  const output: OutputSeen = {
    ...NO_FILE_FACTS,
    url: isMediaId ? null : place.text('Media'),
    mediaId: isMediaId ? place.id('Media') : null,
  };
  return { output, refs: refsOf(output.url, output.mediaId) };
}
