import { NO_JOB_FACTS, type JobSeen, type OutputSeen } from '../../domain/observation.js';
import { fields, type ObjectShape } from '../contract.js';
import type { Fields } from '../readers.js';
import { jobWord } from './ims-fields.js';

/** What animated images and snapshots have in common: one input, one output, `Init` until they end, and no progress. */

const PLACE: ObjectShape = { ...fields('text', 'Type Media'), OssFile: fields('text', 'Bucket Location Object') };

export const PROCESSING_JOB: ObjectShape = {
  ...fields('text', 'JobId Name Status Code Message TriggerSource TemplateId TemplateConfig PipelineId'),
  ...fields('text', 'UserData SubmitTime CreateTime ModifiedTime FinishTime'),
  Input: PLACE,
  Output: PLACE,
};

export function readProcessingJob(
  job: Fields,
  vendorJobId: string,
  { output, refs }: { output: OutputSeen; refs: string[] },
): JobSeen {
  const vendorStatus = job.text('Status');
  const word = jobWord(vendorStatus);
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
}
