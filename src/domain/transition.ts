import { digestOf } from './digest.js';
import type { JobFacts, Observation, OutputSeen, SubjobFacts, SubjobKind, SubjobSeen, Via } from './observation.js';
import { NO_JOB_FACTS, NO_SUBJOB_FACTS } from './observation.js';
import { outcome, partStatus } from './outcome.js';
import { compareRanks, merge, type Rank, type Ranks } from './registers.js';
import {
  isFinal,
  isFinalWord,
  isForward,
  type FinalWord,
  type JobStatus,
  type JobWord,
  type SubjobStatus,
} from './status.js';

/** How long a vendor may answer "no such job" about a job that was just registered, in ms. */
export const NOT_FOUND_GRACE_MS = 15 * 60_000;
/** How long a vendor's answer may lag behind its own final callback before that is a contradiction, in ms. */
export const CLAIM_LAG_MS = 60_000;
/** A batch that ended this long ago is taken with the parts it has, in ms. */
export const SETTLE_MS = 24 * 3_600_000;
const UNKNOWN_WORDS_KEPT = 20;

/** A vendor's final word that only a callback has said. */
type FinalClaim = { receiptId: string; number: number; receivedAt: number };

/**
 * What a job's status rests on, and nothing else: the newest evidence and the greatest claim, enough to decide the same
 * for every order in which observations are applied. Stored as JSON on the job row; times in ms since 1970.
 */
export type JobBasis = {
  /** The highest-ranked answer with a word we know; `lost`: the vendor no longer knew the job. */
  evidence?: { rank: Rank; number: number; word: JobWord | 'lost'; via: Via; askedAt: number };
  /** The greatest claim, by vendor time, finality and number. */
  claim?: { rank: Rank; number: number; word: JobWord; vendorStatus: string | null; via: Via };
  finalClaims?: Partial<Record<FinalWord, FinalClaim>>;
  /** When the newest answer that was not final was asked for. */
  openAskedAt?: number;
  /** When a batch was first said to have ended. */
  endedAt?: number;
  ranks?: Ranks<keyof JobFacts & string>;
  files?: Files;
  /** The newest answer that listed parts; what a part's own fields are ranked by where they do not say otherwise. */
  partsRank?: Rank;
  batchError?: { rank: Rank; value: boolean };
  unknownWords?: string[];
  /** Contradictions that history tells already. */
  contradictions?: string[];
  /** Whoever registered the job said whether a callback is expected. */
  callbackChosen?: boolean;
  /** What the writer stored last, so that it writes only what is new. */
  refsDigest?: string;
};

/** A file as far as deciding needs it; `output` is there while the document that described it is at hand. */
export type FileMark = { name: string | null; digest: string; output?: OutputSeen };
export type Files = { rank: Rank; marks: FileMark[] };

export type SubjobRegisters = SubjobFacts & { word: SubjobStatus | null };

export type SubjobState = {
  path: string;
  parentPath: string | null;
  kind: SubjobKind;
  position: number;
  status: SubjobStatus;
  registers: SubjobRegisters;
  ranks: Ranks<keyof SubjobRegisters & string> | null;
  files: Files | null;
};

export type JobState = {
  createdAt: Date;
  status: JobStatus;
  vendorStatus: string | null;
  confirmed: boolean;
  outcomeKnown: boolean;
  contradicted: boolean;
  via: Via;
  facts: JobFacts;
  subjobs: ReadonlyMap<string, SubjobState>;
  basis: JobBasis;
  /** Who brought the newest of the vendor's own objects, and what could not be read in it; where an observation at hand did. */
  document?: { receiptId: string; notes: string[] };
};

/** What the API and the account of a job decide about reading its observations. */
export type TrackingRules = {
  /** Success of the job says only that it ended; its parts say how. */
  outcomeInParts: boolean;
  batch: boolean;
  /** The account has no credentials: callbacks are all there will ever be. */
  claimOnly: boolean;
};

export const JOB_EVENT_KINDS = [
  'job.registered',
  'job.status',
  'job.contradiction',
  'job.unknown_status',
  'job.lost',
  'job.closed',
  'subjob.added',
  'subjob.status',
  'output.added',
  'output.changed',
  'contract.changed',
] as const;

/** One thing that changed; becomes one row of history. */
export type JobEvent = {
  kind: (typeof JOB_EVENT_KINDS)[number];
  subjobPath: string | null;
  from: string | null;
  to: string | null;
  detail: Record<string, string | number | boolean | null> | null;
};

/** A job nobody has said anything about yet. */
export function newJob(createdAt: Date, via: Via, basis: JobBasis = {}): JobState {
  return {
    createdAt,
    status: 'queued',
    vendorStatus: null,
    confirmed: false,
    outcomeKnown: true,
    contradicted: false,
    via,
    facts: NO_JOB_FACTS,
    subjobs: new Map(),
    basis,
  };
}

/**
 * What a job is after one more observation, and what changed. The state is a function of the set of observations
 * (docs/architecture.md, "A callback is a claim, a Get answer is evidence"); the events tell how it got there.
 */
export function transition(
  before: JobState,
  observation: Observation,
  rules: TrackingRules,
): { job: JobState; events: JobEvent[] } {
  const learned =
    observation.kind === 'evidence' ? learnEvidence(before, observation) : learnClaim(before, observation);
  const job = decide(learned, rules);
  const events = [
    ...unknownWordEvents(before, job),
    ...subjobEvents(before, job),
    ...outputEvents(before, job),
    ...statusEvents(before, job),
    ...contradictionEvents(before, job),
  ];
  const told = contradictionsOf(job.basis).map(({ claimed }) => claimed);
  const contradictions = [...new Set([...(before.basis.contradictions ?? []), ...told])];
  return { job: contradictions.length > 0 ? { ...job, basis: { ...job.basis, contradictions } } : job, events };
}

// What was learned

function learnEvidence(job: JobState, observation: Observation): JobState {
  const { seen, number, via, receivedAt } = observation;
  const askedAt = observation.askedAt.getTime();
  if (!seen.found) {
    const inGrace = askedAt - job.createdAt.getTime() < NOT_FOUND_GRACE_MS;
    return inGrace ? job : withEvidence(job, { rank: [1, number], number, word: 'lost', via, askedAt });
  }

  if (seen.partsOnly) return withPartsOnly(job, observation);
  const final = seen.word !== null && isFinalWord(seen.word);
  const rank: Rank = [final ? 2 : 1, number];
  let next = withFacts(isEvidenceBased(job) ? job : withoutClaimedFacts(job), observation, rank);
  next = withParts(next, seen.subjobs, rank);
  if (seen.batchError !== undefined) {
    const held = next.basis.batchError;
    if (!held || compareRanks(rank, held.rank) >= 0) {
      next = withBasis(next, { batchError: { rank, value: seen.batchError } });
    }
  }
  if (seen.word === null) return withUnknownWord(next, seen.facts.vendorStatus);
  if (seen.word === 'succeeded') {
    const ended = (seen.facts.vendorFinishedAt ?? receivedAt).getTime();
    next = withBasis(next, { endedAt: Math.min(ended, next.basis.endedAt ?? ended) });
  }
  return withEvidence(next, { rank, number, word: seen.word, via, askedAt });
}

function learnClaim(job: JobState, observation: Observation): JobState {
  const { seen, number, via, receiptId } = observation;
  const receivedAt = observation.receivedAt.getTime();
  // A callback cannot tell of the future: a wrong clock, or a forger's, must not outrank all that follows.
  const at = Math.min(seen.occurredAt?.getTime() ?? receivedAt, receivedAt);
  const final = seen.word !== null && isFinalWord(seen.word);
  const rank: Rank = [0, at, final ? 1 : 0, number];

  let next = isEvidenceBased(job) ? job : withFacts(job, observation, rank);
  if (seen.word === null) return withUnknownWord(next, seen.facts.vendorStatus);
  const held = next.basis.claim;
  if (!held || compareRanks(rank, held.rank) > 0) {
    next = withBasis(next, { claim: { rank, number, word: seen.word, vendorStatus: seen.facts.vendorStatus, via } });
  }
  if (isFinalWord(seen.word)) {
    const earlier = next.basis.finalClaims?.[seen.word];
    // Many arrive in one millisecond; the number says which came first.
    if (!earlier || compareRanks([receivedAt, number], [earlier.receivedAt, earlier.number]) < 0) {
      next = withBasis(next, {
        finalClaims: { ...next.basis.finalClaims, [seen.word]: { receiptId, number, receivedAt } },
      });
    }
  }
  return next;
}

function withBasis(job: JobState, change: Partial<JobBasis>): JobState {
  return { ...job, basis: { ...job.basis, ...change } };
}

function withEvidence(job: JobState, evidence: NonNullable<JobBasis['evidence']>): JobState {
  const { basis } = job;
  const open = evidence.rank[0] === 1;
  const openAskedAt = open ? Math.max(evidence.askedAt, basis.openAskedAt ?? 0) : basis.openAskedAt;
  const newer = !basis.evidence || compareRanks(evidence.rank, basis.evidence.rank) > 0;
  return withBasis(job, {
    ...(openAskedAt === undefined ? {} : { openAskedAt }),
    ...(newer ? { evidence } : {}),
  });
}

function withUnknownWord(job: JobState, word: string | null): JobState {
  const known = job.basis.unknownWords ?? [];
  if (word === null || known.includes(word) || known.length >= UNKNOWN_WORDS_KEPT) return job;
  return withBasis(job, { unknownWords: [...known, word].sort() });
}

/** Whether an answer of the vendor has told us about this job; from then on callbacks add no facts. */
export function isEvidenceBased(job: Pick<JobState, 'basis'>): boolean {
  return (job.basis.ranks?.rank[0] ?? 0) >= 1;
}

function withoutClaimedFacts(job: JobState): JobState {
  const { ranks: _ranks, files: _files, ...basis } = job.basis;
  return { ...job, facts: NO_JOB_FACTS, basis };
}

function withFacts(job: JobState, { seen, receiptId }: Observation, rank: Rank): JobState {
  const merged = merge({ values: job.facts, ranks: job.basis.ranks ?? null }, seen.facts, rank);
  const newest = merged.ranks !== null && compareRanks(merged.ranks.rank, rank) === 0;
  const next = withBasis(
    { ...job, facts: merged.values, ...(newest ? { document: { receiptId, notes: seen.notes } } : {}) },
    { ranks: merged.ranks ?? undefined },
  );
  const files = newerFiles(job.basis.files ?? null, seen.outputs, rank);
  return files ? withBasis(next, { files }) : next;
}

/** Only a document that says its owner succeeded speaks of files; the newest of those is believed whole. */
function newerFiles(held: Files | null, outputs: OutputSeen[] | null, rank: Rank): Files | null {
  if (outputs === null || (held && compareRanks(rank, held.rank) < 0)) return held;
  return {
    rank,
    marks: outputs.map((output) => ({ name: output.url ?? output.mediaId, digest: digestOf(output), output })),
  };
}

function withParts(job: JobState, seen: SubjobSeen[], rank: Rank): JobState {
  if (seen.length === 0) return job;
  const merged = new Map(job.subjobs);
  for (const subjob of seen) merged.set(subjob.path, mergeSubjob(merged.get(subjob.path), subjob, rank));
  const held = job.basis.partsRank;
  const partsRank = held && compareRanks(held, rank) > 0 ? held : rank;
  const subjobs = merged.size === job.subjobs.size ? merged : new Map([...merged].sort(byPath));
  return withBasis({ ...job, subjobs }, { partsRank });
}

/**
 * A part's own answer. It ranks by its own finality, so that it can end a part which the batch's last word left open, and
 * it is no listing of parts, so all others keep their ranks.
 */
function withPartsOnly(job: JobState, { seen, number }: Observation): JobState {
  const subjobs = new Map(job.subjobs);
  for (const subjob of seen.subjobs) {
    const final = subjob.status !== null && isFinal(subjob.status);
    subjobs.set(subjob.path, mergeSubjob(subjobs.get(subjob.path), subjob, [final ? 2 : 1, number]));
  }
  return { ...job, subjobs: subjobs.size === job.subjobs.size ? subjobs : new Map([...subjobs].sort(byPath)) };
}

/** Parts stand in the order of their places, not in the order in which they were heard of. */
function byPath([a]: [string, SubjobState], [b]: [string, SubjobState]): number {
  return a < b ? -1 : 1;
}

function mergeSubjob(known: SubjobState | undefined, seen: SubjobSeen, rank: Rank): SubjobState {
  const { values, ranks } = merge<SubjobRegisters>(
    { values: known?.registers ?? { ...NO_SUBJOB_FACTS, word: null }, ranks: known?.ranks ?? null },
    { ...seen.facts, word: seen.status },
    rank,
  );
  return {
    path: seen.path,
    parentPath: seen.parentPath,
    kind: seen.kind,
    position: seen.position ?? known?.position ?? 0,
    status: known?.status ?? 'queued',
    registers: values,
    ranks,
    files: newerFiles(known?.files ?? null, seen.outputs, rank),
  };
}

// What it comes to

function decide(job: JobState, rules: TrackingRules): JobState {
  const decision = decidedBy(job.basis);
  const word = decision?.word ?? null;
  const subjobs = withPartStatuses(job.subjobs, word === 'lost' ? null : word);
  const { endedAt, evidence } = job.basis;
  const settled = rules.batch && endedAt !== undefined && (evidence?.askedAt ?? 0) - endedAt >= SETTLE_MS;
  const contradicted = contradictionsOf(job.basis).length > 0;
  const base = { ...job, subjobs, contradicted, outcomeKnown: true };

  if (!decision) return { ...base, status: 'queued', vendorStatus: job.facts.vendorStatus, confirmed: false };
  const { confirmed, via } = decision;
  const vendorStatus = confirmed ? job.facts.vendorStatus : (decision.vendorStatus ?? job.facts.vendorStatus);
  if (decision.word === 'lost') return { ...base, status: 'lost', vendorStatus, confirmed, via };

  const blind = !confirmed && rules.outcomeInParts && decision.word === 'succeeded';
  if (blind && !rules.claimOnly) return { ...base, status: 'running', vendorStatus, confirmed, via };
  const status = outcome({
    word: decision.word,
    parts: partsOf(subjobs),
    batch: rules.batch,
    batchError: job.basis.batchError?.value ?? false,
    settled,
  });
  return { ...base, status, vendorStatus, confirmed, via, outcomeKnown: !blind };
}

type Decision = { word: JobWord | 'lost'; vendorStatus: string | null; via: Via; confirmed: boolean };

/** Evidence, or a claim that came after the newest open evidence was asked for and moves the job forward. */
function decidedBy({ evidence, claim }: JobBasis): Decision | null {
  if (evidence && evidence.rank[0] === 2) return { ...evidence, vendorStatus: null, confirmed: true };
  if (claim && (!evidence || overtakes(claim, evidence))) return { ...claim, confirmed: false };
  return evidence ? { ...evidence, vendorStatus: null, confirmed: true } : null;
}

function overtakes(claim: NonNullable<JobBasis['claim']>, evidence: NonNullable<JobBasis['evidence']>): boolean {
  if (claim.number <= evidence.number) return false;
  return isForward(evidence.word === 'lost' ? null : evidence.word, claim.word);
}

function withPartStatuses(
  subjobs: ReadonlyMap<string, SubjobState>,
  word: JobWord | null,
): ReadonlyMap<string, SubjobState> {
  const decided = new Map<string, SubjobState>();
  for (const [path, subjob] of subjobs) {
    const status = partStatus(subjob.registers.word ?? 'queued', word);
    decided.set(path, status === subjob.status ? subjob : { ...subjob, status });
  }
  return decided;
}

function partsOf(subjobs: ReadonlyMap<string, SubjobState>) {
  const parents = new Set([...subjobs.values()].map((subjob) => subjob.parentPath));
  return [...subjobs.values()].map(({ path, status }) => ({ status, leaf: !parents.has(path) }));
}

type Contradiction = { claimed: string; evidence: string; receiptId: string | null };

/** Where a callback and the vendor's own answers cannot both be right. */
function contradictionsOf(basis: JobBasis): Contradiction[] {
  const { evidence, claim, finalClaims, openAskedAt } = basis;
  const contradictions: Contradiction[] = [];
  for (const [claimed, { receiptId, receivedAt }] of Object.entries(finalClaims ?? {}) as [FinalWord, FinalClaim][]) {
    const refuted = evidence?.rank[0] === 2 && evidence.word !== claimed;
    const stayedOpen = openAskedAt !== undefined && openAskedAt - receivedAt >= CLAIM_LAG_MS;
    if (evidence && (refuted || stayedOpen)) contradictions.push({ claimed, evidence: evidence.word, receiptId });
  }
  const neverKnown = evidence?.word === 'lost' && !isEvidenceBased({ basis });
  if (claim && neverKnown && contradictions.length === 0) {
    contradictions.push({ claimed: claim.word, evidence: 'lost', receiptId: null });
  }
  return contradictions;
}

// What changed

function event(kind: JobEvent['kind'], change: Partial<JobEvent>): JobEvent {
  return { kind, subjobPath: null, from: null, to: null, detail: null, ...change };
}

function statusEvents(before: JobState, after: JobState): JobEvent[] {
  const moved = before.status !== after.status;
  const nowConfirmed = after.confirmed && !before.confirmed && isFinal(after.status);
  if (!moved && !nowConfirmed) return [];
  const detail = {
    confirmed: after.confirmed,
    vendorStatus: after.vendorStatus,
    ...(after.facts.vendorErrorCode === null ? {} : { errorCode: after.facts.vendorErrorCode }),
  };
  const kind = moved && after.status === 'lost' ? 'job.lost' : 'job.status';
  return [event(kind, { from: before.status, to: after.status, detail })];
}

function contradictionEvents(before: JobState, after: JobState): JobEvent[] {
  const told = new Set(before.basis.contradictions ?? []);
  return contradictionsOf(after.basis)
    .filter(({ claimed }) => !told.has(claimed))
    .map(({ claimed, evidence, receiptId }) =>
      event('job.contradiction', { from: claimed, to: evidence, detail: { claimReceiptId: receiptId } }),
    );
}

function unknownWordEvents(before: JobState, after: JobState): JobEvent[] {
  const told = new Set(before.basis.unknownWords ?? []);
  return (after.basis.unknownWords ?? [])
    .filter((word) => !told.has(word))
    .map((word) => event('job.unknown_status', { from: before.status, to: word }));
}

function subjobEvents(before: JobState, after: JobState): JobEvent[] {
  return [...after.subjobs.values()].flatMap((subjob) => {
    const known = before.subjobs.get(subjob.path);
    if (known?.status === subjob.status) return [];
    const { vendorErrorCode, vendorStatus } = subjob.registers;
    const detail = { vendorStatus, ...(vendorErrorCode === null ? {} : { errorCode: vendorErrorCode }) };
    return [
      event(known ? 'subjob.status' : 'subjob.added', {
        subjobPath: subjob.path,
        from: known?.status ?? null,
        to: subjob.status,
        detail,
      }),
    ];
  });
}

/** A file and its place: an output row is made only under a job or subjob that succeeded. */
export type PlacedFile = { slot: string; subjobPath: string | null; file: FileMark };

export function visibleFiles(job: JobState): PlacedFile[] {
  const own = job.status === 'succeeded' ? placed(null, job.basis.files) : [];
  const parts = [...job.subjobs.values()].filter((subjob) => subjob.status === 'succeeded');
  return [...own, ...parts.flatMap((subjob) => placed(subjob.path, subjob.files))];
}

function placed(subjobPath: string | null, files: Files | null | undefined): PlacedFile[] {
  return (files?.marks ?? []).map((file, index) => ({ slot: `${subjobPath ?? ''}#${index}`, subjobPath, file }));
}

function outputEvents(before: JobState, after: JobState): JobEvent[] {
  const known = new Map(visibleFiles(before).map((placed) => [placed.slot, placed]));
  const changed = visibleFiles(after).flatMap(({ slot, subjobPath, file }) => {
    const earlier = known.get(slot)?.file;
    known.delete(slot);
    if (!earlier) return [event('output.added', { subjobPath, to: file.name })];
    if (earlier.digest === file.digest) return [];
    return [event('output.changed', { subjobPath, from: earlier.name, to: file.name })];
  });
  const withdrawn = [...known.values()].map(({ subjobPath, file }) =>
    event('output.changed', { subjobPath, from: file.name, detail: { withdrawn: true } }),
  );
  return [...changed, ...withdrawn];
}

/** The error a person is shown: only where something failed; the first failed part's where the job itself names none. */
export function errorOf(job: JobState): { code: string | null; message: string | null } | null {
  if (job.status !== 'failed' && job.status !== 'partially_failed') return null;
  const { vendorErrorCode, vendorErrorMessage } = job.facts;
  if (vendorErrorCode !== null || vendorErrorMessage !== null)
    return { code: vendorErrorCode, message: vendorErrorMessage };
  const failed = [...job.subjobs.values()].find((subjob) => subjob.status === 'failed');
  if (!failed) return null;
  return { code: failed.registers.vendorErrorCode, message: failed.registers.vendorErrorMessage };
}
