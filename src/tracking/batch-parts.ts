import { asPartOf } from '../domain/batch.js';
import type { Observation } from '../domain/observation.js';
import { isFinal } from '../domain/status.js';
import type { JobState } from '../domain/transition.js';
import { apiNamed, batchApiOf } from '../vendors/registry.js';
import { keyOf, type JobKey, type PartOfBatch } from './statements.js';

/**
 * The parts of a batch are jobs of their own at the vendor, with callbacks and answers of their own. Here is what follows
 * from that: which parts a batch's answer names, which batch a part's answer also speaks about, and which parts to look at.
 */

/** An observation on its way to a job. */
export type Addressed = { key: string; jobKey: JobKey; observation: Observation };

/** A part that a batch's answer lists. */
export type ListedPart = { batchKey: string; jobKey: JobKey; path: string; failed: boolean };

/** The jobs among those spoken of that could be parts of a batch. */
export function possibleParts(addressed: Addressed[]): PartOfBatch[] {
  const parts = new Map<string, PartOfBatch>();
  for (const { key, jobKey } of addressed) {
    const batchApi = batchApiOf(jobKey.api);
    if (batchApi) parts.set(key, { ...jobKey, batchApi: batchApi.name });
  }
  return [...parts.values()];
}

/** What the vendor's answers about parts say about their batches. */
export function aboutBatches(addressed: Addressed[], batches: ReadonlyMap<string, JobKey>): Addressed[] {
  return addressed.flatMap(({ key, observation }) => {
    const batch = batches.get(key);
    if (!batch || observation.kind !== 'evidence' || !observation.seen.found) return [];
    const { account, api, vendorJobId } = batch;
    const seen = asPartOf(vendorJobId, observation.seen);
    return [{ key: keyOf(batch), jobKey: { account, api, vendorJobId }, observation: { ...observation, seen } }];
  });
}

/** The parts that batches' answers list, each once. */
export function listedParts(addressed: Addressed[]): ListedPart[] {
  const parts = new Map<string, ListedPart>();
  for (const { key: batchKey, jobKey, observation } of addressed) {
    const api = apiNamed(jobKey.api)?.subjobApi;
    if (api === undefined || observation.kind !== 'evidence' || observation.seen.partsOnly) continue;
    for (const { path, status, facts } of observation.seen.subjobs) {
      if (facts.vendorSubjobId === null) continue;
      const partKey = { account: jobKey.account, api, vendorJobId: facts.vendorSubjobId };
      const failed = status === 'failed' || (parts.get(keyOf(partKey))?.failed ?? false);
      parts.set(keyOf(partKey), { batchKey, jobKey: partKey, path, failed });
    }
  }
  return [...parts.values()];
}

/** Whether a part of a batch has ended just now: then its own answer has more to tell. */
export function hasEnded(path: string, before: JobState, after: JobState): boolean {
  const was = before.subjobs.get(path)?.status;
  const is = after.subjobs.get(path)?.status;
  return is !== undefined && isFinal(is) && (was === undefined || !isFinal(was));
}
