import { changed } from './content-faults.js';
import { ImsError } from './ims-errors.js';
import { shownDocument } from './ims-document.js';
import type { ImsOperation } from './ims-operations.js';
import type { ImsKind } from './kinds/ims-kind.js';

/** Get<Kind>Job. A job of another account, or of another kind, does not exist here. */
export function getJob(kind: ImsKind): ImsOperation {
  return (call) => {
    const { account, query, world, now } = call;
    // Formally optional (sheet section 5.1), yet nothing can be answered without it.
    const jobId = query.get('JobId')?.trim();
    if (!jobId) throw new ImsError('MissingParameter', 'JobId is mandatory for this action.');

    const job = world.jobs.get(jobId);
    const visible = job && job.kind === kind && job.accessKeyId === account.accessKeyId && job.isKnown(now);
    if (!visible) throw new ImsError('JobNotFound');
    return { [kind.root]: changed(shownDocument(job, call), world.faults.changedFields) };
  };
}
