import { dirtied } from './dirty.js';
import { draw } from './draw.js';
import { ImsError } from './ims-errors.js';
import type { ImsOperation } from './ims-operations.js';
import type { JobKind } from './kinds/kind.js';

/** Words that no page of the vendor and no table of ours knows (sheet section 5.6). */
const UNKNOWN_WORDS = ['Rebalancing', 'Preempted', 'Provisioning'] as const;

/** Get<Kind>Job. A job of another account, or of another kind, does not exist here. */
export function getJob(kind: JobKind): ImsOperation {
  return ({ account, query, world, now, met }) => {
    // Formally optional (sheet section 5.1), yet nothing can be answered without it.
    const jobId = query.get('JobId')?.trim();
    if (!jobId) throw new ImsError('MissingParameter', 'JobId is mandatory for this action.');

    const job = world.jobs.get(jobId);
    const visible = job && job.kind === kind && job.accessKeyId === account.accessKeyId && job.isKnown(now);
    if (!visible) throw new ImsError('JobNotFound');

    const document = job.document(now);
    if (!job.isFinal(now) && met('unknownWord')) {
      document[kind.statusField] = draw(world.seed, 'word', jobId, job.asked).pick(UNKNOWN_WORDS);
    }
    const dirty = (path: string) => draw(world.seed, 'dirty', jobId, path).happens(world.faults.dirtyValues);
    return { [kind.root]: world.faults.dirtyValues > 0 ? dirtied(document, dirty) : document };
  };
}
