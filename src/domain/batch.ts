import { NO_SUBJOB_FACTS, nothingSeen, type JobSeen } from './observation.js';

/** Where a part of a batch stands: under the vendor's own id of it. */
export function batchItemPath(vendorSubjobId: string): string {
  return `batch_item/${vendorSubjobId}`;
}

/** What the vendor's answer about a batch's part, asked for as a job of its own, says about the batch: that part alone. */
export function asPartOf(batchJobId: string, part: JobSeen): JobSeen {
  const { vendorStatus, name, vendorErrorCode, vendorErrorMessage, vendorCreatedAt, vendorFinishedAt } = part.facts;
  return {
    ...nothingSeen(batchJobId),
    occurredAt: part.occurredAt,
    partsOnly: true,
    subjobs: [
      {
        path: batchItemPath(part.vendorJobId),
        parentPath: null,
        kind: 'batch_item',
        position: null,
        status: part.word,
        facts: {
          ...NO_SUBJOB_FACTS,
          vendorStatus,
          vendorSubjobId: part.vendorJobId,
          name,
          vendorErrorCode,
          vendorErrorMessage,
          vendorCreatedAt,
          vendorFinishedAt,
        },
        outputs: part.outputs,
      },
    ],
  };
}
