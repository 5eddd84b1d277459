import type { FinalStatus } from './outcome.js';
import type { JobKind, Life, PlannedJob } from './kinds/kind.js';
import type { Api } from './kinds/kinds.js';

export type JobFacts = {
  vendorJobId: string;
  api: Api;
  accessKeyId: string;
  userData: string;
  notifyAddress?: string;
  jobNotFoundForMs: number;
  /** The batch that began this job. */
  owner?: EmulatedJob;
};

/** One job at the vendor. Nothing in it moves: its state is computed from the time of asking. */
export class EmulatedJob {
  readonly vendorJobId: string;
  readonly api: Api;
  readonly accessKeyId: string;
  readonly userData: string;
  readonly notifyAddress: string | undefined;
  readonly name: string | undefined;
  /** The vendorJobId of the batch whose subjob this is. */
  readonly parent: string | undefined;
  readonly submittedAt: Date;
  readonly startsAt: Date;
  /** When the job and every part of it are over. */
  readonly endsAt: Date;
  /** When the vendor calls it over: earlier than `endsAt` for a batch with open subjobs. */
  readonly lastWordAt: Date;
  /** What Callsheet must say once it has seen everything. */
  readonly expectedStatus: FinalStatus;
  readonly expectedSubjobs: PlannedJob['expectedSubjobs'];
  readonly expectedError: PlannedJob['expectedError'];
  /** While true the vendor does not know the job, nor its subjobs. */
  hidden = false;
  /** How often it alone was asked for: names the draws of the request faults. */
  asked = 0;
  private readonly owner: EmulatedJob | undefined;
  private readonly foundFrom: number;

  constructor(
    facts: JobFacts,
    readonly kind: JobKind,
    readonly plan: PlannedJob,
    readonly life: Life,
  ) {
    this.vendorJobId = facts.vendorJobId;
    this.api = facts.api;
    this.accessKeyId = facts.accessKeyId;
    this.userData = facts.userData;
    this.notifyAddress = facts.notifyAddress;
    this.owner = facts.owner;
    this.parent = facts.owner?.vendorJobId;
    this.name = plan.name;
    this.submittedAt = new Date(life.submittedAt);
    this.startsAt = new Date(life.startsAt);
    this.endsAt = new Date(life.endsAt);
    this.lastWordAt = new Date(plan.lastWordAt?.(life) ?? life.endsAt);
    this.expectedStatus = plan.expectedStatus;
    this.expectedSubjobs = plan.expectedSubjobs;
    this.expectedError = plan.expectedError;
    this.foundFrom = life.submittedAt + facts.jobNotFoundForMs;
  }

  isFinal(now: Date = new Date()): boolean {
    return now >= this.endsAt;
  }

  isKnown(now: Date = new Date()): boolean {
    return !this.hidden && !this.owner?.hidden && now.getTime() >= this.foundFrom;
  }

  /** The status in Callsheet's words at one moment. */
  statusAt(now: Date = new Date()): 'queued' | 'running' | FinalStatus {
    if (this.isFinal(now)) return this.expectedStatus;
    return now < this.startsAt ? 'queued' : 'running';
  }

  /** What the vendor answers about it without faults, asked for it alone. */
  answer(now: Date = new Date()): Record<string, unknown> {
    return this.kind.answer(this.document(now));
  }

  document(now: Date): Record<string, unknown> {
    return this.plan.document(this.life, now.getTime());
  }

  /** The vendor's word for its status. */
  word(now: Date): string {
    return this.plan.word(this.life, now.getTime());
  }
}
