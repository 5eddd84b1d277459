import type { Api, FinalStatus } from '../emulator.js';
import type { Seen } from './mirror.js';

/** What the emulator knows of a job's end. */
export type Truth = {
  vendorJobId: string;
  api: Api;
  expectedStatus: FinalStatus;
  endsAt: number;
  /** Nobody registered it and nobody calls back: only a tracker that lists jobs by itself can hear of it. */
  unannounced?: true;
};

export type Verdict = {
  played: number;
  finished: number;
  differing: (Truth & { status: string })[];
  /** Over for longer than the tracker may take to notice. `status` is null when the tracker never heard of it. */
  overdue: (Truth & { status: string | null })[];
};

/** A dropped callback is made up for by the safety look, two minutes after the last. */
const OVERDUE_MS = 5 * 60_000;
/** Until the next listing that is not throttled or met by another fault. */
const UNANNOUNCED_MS = 3 * 60_000;

/** Compares what the tracker made of the jobs with what the emulator played. */
export function verdictOn(
  truths: Iterable<Truth>,
  seenOf: (vendorJobId: string) => Seen | undefined,
  now: number,
): Verdict {
  const verdict: Verdict = { played: 0, finished: 0, differing: [], overdue: [] };
  for (const truth of truths) {
    verdict.played += 1;
    const seen = seenOf(truth.vendorJobId);
    if (seen?.settled) {
      verdict.finished += 1;
      if (seen.status !== truth.expectedStatus) verdict.differing.push({ ...truth, status: seen.status });
    } else if (now - truth.endsAt > OVERDUE_MS + (truth.unannounced ? UNANNOUNCED_MS : 0)) {
      verdict.overdue.push({ ...truth, status: seen?.status ?? null });
    }
  }
  return verdict;
}

export function verdictLines({ played, finished, differing, overdue }: Verdict): string[] {
  const same = finished - differing.length;
  return [
    `jobs: ${played} played, ${finished} finished, ${played - finished} under way`,
    `as the emulator played them: ${same} of ${finished} finished jobs`,
    ...differing.map(
      ({ api, vendorJobId, status, expectedStatus }) =>
        `  differs: ${api} ${vendorJobId} is ${status}, the emulator played ${expectedStatus}`,
    ),
    ...overdue.map(({ api, vendorJobId, status, expectedStatus, unannounced }) =>
      status === null
        ? `  unknown: ${api} ${vendorJobId}: nobody registered it and ${unannounced ? 'no listing has found it' : 'its callbacks were dropped'}`
        : `  overdue: ${api} ${vendorJobId} is still ${status}, the emulator played ${expectedStatus}`,
    ),
  ];
}
