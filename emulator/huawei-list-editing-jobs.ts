import { changed, UNKNOWN_WORDS } from './content-faults.js';
import { draw } from './draw.js';
import { includes } from './gate.js';
import { loosened } from './huawei-dirty.js';
import { HuaweiError } from './huawei-errors.js';
import type { EmulatedJob } from './job.js';
import { huaweiEditing } from './kinds/huawei-editing.js';
import type { Met } from './vendor-face.js';
import type { Account, World } from './world.js';

const MOST_IDS = 10;

type Call = { account: Account; jobIds: string[]; world: World; now: Date; met: Met };

/**
 * ListEditingJobs. What the vendor does about an unknown id is not known (sheet section 1.4): it is left out here, or comes
 * back as other families of its API do it (`noTask`). One bad id spoils the call for all.
 */
export function listEditingJobs({ account, jobIds, world, now, met }: Call): Record<string, unknown> {
  if (jobIds.length === 0 || jobIds.length > MOST_IDS) {
    throw new HuaweiError('MPC.10202', `Invalid request parameter: job_id must be given 1 to ${MOST_IDS} times.`);
  }
  const illegal = jobIds.find((jobId) => !/^\d+$/.test(jobId) || includes(world.faults.illegalIds, jobId));
  if (illegal !== undefined) throw new HuaweiError('MPC.10202', `Invalid request parameter: job_id ${illegal}.`);

  const asked = [...new Set(jobIds)];
  const documents = asked.flatMap((jobId): Record<string, unknown>[] => {
    const job = world.jobs.get(jobId);
    const known = job?.kind === huaweiEditing && job.accessKeyId === account.accessKeyId && job.isKnown(now);
    if (known) return [changed(shown(job, world, now, met), world.faults.changedFields)];
    return met('noTask', jobId) ? [{ job_id: jobId, status: 'NO_TASK' }] : [];
  });
  return { job_array: reordered(documents, draw(world.seed, 'order', ...asked).next()) };
}

function shown(job: EmulatedJob, world: World, now: Date, met: Met): Record<string, unknown> {
  const document = job.document(now);
  if (!job.isFinal(now) && met('unknownWord', job.vendorJobId)) {
    document[job.kind.statusField] = draw(world.seed, 'word', job.vendorJobId).pick(UNKNOWN_WORDS).toUpperCase();
  }
  const dirty = (path: string) => draw(world.seed, 'dirty', job.vendorJobId, path).happens(world.faults.dirtyValues);
  return world.faults.dirtyValues > 0 ? loosened(document, dirty) : document;
}

/** Never the order that was asked for: turned round, and cut somewhere. */
function reordered<T>(items: T[], share: number): T[] {
  const turned = items.toReversed();
  if (turned.length < 3) return turned;
  const cut = Math.floor(share * turned.length);
  return [...turned.slice(cut), ...turned.slice(0, cut)];
}
