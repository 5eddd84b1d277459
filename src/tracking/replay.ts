import type { SqlPool } from '../database/sql-pool.js';
import { addResults, NOTHING_REPLAYED, type ChunkReplay, type ReplayResult } from './replay-chunk.js';
import { countProblems, findJobsNamed, handOverProblems, planChunks, type ReplayScope } from './replay-statements.js';

/** How much is read at a time, in jobs of the simplest kind: what is locked together is locked for some tenths of a second. */
const CHUNK_WEIGHT = 300;
/** Chunks in hand for each process: one waits for Postgres while the other decides. */
const LANES = 2;

export type ReplaySummary = ReplayResult & {
  totalJobs: number;
  /** Receipts that had gone nowhere and were handed to apply once more, or would be in a dry run. */
  problems: number;
  /** Told to end before the last chunk. */
  stopped: boolean;
};

export type ReplayProgress = Pick<ReplaySummary, 'jobs' | 'totalJobs' | 'receipts' | 'changed'>;

type Options = {
  dryRun: boolean;
  onProgress?: (progress: ReplayProgress) => void;
  /** Ends the replay between two chunks. */
  signal?: AbortSignal;
};

/**
 * Replays the jobs in scope, and what went nowhere of their accounts and APIs. Safe to repeat, and beside appliers. `crewFor`
 * gives those who share the work, once it is known how many jobs there are.
 */
export async function replay(
  sql: SqlPool,
  scope: ReplayScope,
  crewFor: (jobs: number) => ChunkReplay[],
  { dryRun, onProgress, signal }: Options,
): Promise<ReplaySummary> {
  const chunks = await sql.transaction((client) => planChunks(client, scope, CHUNK_WEIGHT));
  const totalJobs = chunks.reduce((sum, { jobs }) => sum + jobs, 0);
  let result = NOTHING_REPLAYED;
  const tell = () => onProgress?.({ ...result, totalJobs });
  tell();

  const failures: unknown[] = [];
  const work = chunks.values();
  const lane = async (replayer: ChunkReplay): Promise<void> => {
    for (const chunk of work) {
      // One that fails stops the others, and nothing goes on behind the back of whoever hears of it.
      if (signal?.aborted || failures.length > 0) return;
      const replayed = await replayer.replay(chunk).catch((error: unknown) => void failures.push(error));
      if (replayed) result = addResults(result, replayed);
      tell();
    }
  };
  await Promise.all(crewFor(totalJobs).flatMap((one) => Array.from({ length: LANES }, () => lane(one))));
  if (failures.length > 0) throw failures[0];
  const stopped = signal?.aborted === true && result.jobs < totalJobs;
  // Whoever names jobs does not mean what belongs to none.
  const again = dryRun ? countProblems : handOverProblems;
  const problems = scope.ids === null && !stopped ? await sql.transaction((client) => again(client, scope)) : 0;
  return { ...result, problems, totalJobs, stopped };
}

/** None of these is the id of a tracked job, ours or a vendor's. */
export class NoSuchJobs extends Error {
  constructor(names: string[]) {
    super(`no such job is tracked: ${names.join(', ')}`);
  }
}

/** Our ids of the jobs that are meant by ids of ours or of vendors. */
export async function jobIdsNamed(sql: SqlPool, names: string[]): Promise<string[]> {
  const found = await sql.transaction((client) => findJobsNamed(client, names));
  const unknown = names.filter((name) => !found.some((job) => job.name === name));
  if (unknown.length > 0) throw new NoSuchJobs(unknown);
  return [...new Set(found.map(({ id }) => id))];
}
