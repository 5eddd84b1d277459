import { UNKNOWN_WORDS } from './content-faults.js';
import { dirtied } from './dirty.js';
import { draw } from './draw.js';
import type { ImsCall } from './ims-operations.js';
import type { EmulatedJob } from './job.js';

/** The job's document with the words and values that this call meets in it. */
export function shownDocument(
  job: EmulatedJob,
  { world, now, met }: Pick<ImsCall, 'world' | 'now' | 'met'>,
): Record<string, unknown> {
  const document = job.document(now);
  if (!job.isFinal(now) && met('unknownWord', job.vendorJobId)) {
    document[job.kind.statusField] = draw(world.seed, 'word', job.vendorJobId, job.asked).pick(UNKNOWN_WORDS);
  }
  if (world.faults.dirtyValues === 0) return document;
  const dirty = (path: string) => draw(world.seed, 'dirty', job.vendorJobId, path).happens(world.faults.dirtyValues);
  return dirtied(document, dirty) as Record<string, unknown>;
}
