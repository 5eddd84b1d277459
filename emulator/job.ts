import { randomUUID } from 'node:crypto';
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
};

/** One job at the vendor. Nothing in it moves: its state is computed from the time of asking. */
export class EmulatedJob {
  readonly vendorJobId: string;
  readonly api: Api;
  readonly accessKeyId: string;
  readonly userData: string;
  readonly notifyAddress: string | undefined;
  readonly name: string | undefined;
  readonly submittedAt: Date;
  readonly startsAt: Date;
  readonly endsAt: Date;
  /** What Callsheet must say once it has seen everything. */
  readonly expectedStatus: FinalStatus;
  readonly expectedSubjobs: PlannedJob['expectedSubjobs'];
  readonly expectedError: PlannedJob['expectedError'];
  /** While true the vendor answers JobNotFound. */
  hidden = false;
  /** How often it was asked for: names the draws of the request faults. */
  asked = 0;
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
    this.name = plan.name;
    this.submittedAt = new Date(life.submittedAt);
    this.startsAt = new Date(life.startsAt);
    this.endsAt = new Date(life.endsAt);
    this.expectedStatus = plan.expectedStatus;
    this.expectedSubjobs = plan.expectedSubjobs;
    this.expectedError = plan.expectedError;
    this.foundFrom = life.submittedAt + facts.jobNotFoundForMs;
  }

  isFinal(now: Date = new Date()): boolean {
    return now >= this.endsAt;
  }

  isKnown(now: Date = new Date()): boolean {
    return !this.hidden && now.getTime() >= this.foundFrom;
  }

  /** The status in Callsheet's words at one moment. */
  statusAt(now: Date = new Date()): 'queued' | 'running' | FinalStatus {
    if (this.isFinal(now)) return this.expectedStatus;
    return now < this.startsAt ? 'queued' : 'running';
  }

  /** What the Get operation answers without faults. */
  answer(now: Date = new Date()): Record<string, unknown> {
    return { RequestId: randomUUID().toUpperCase(), [this.kind.root]: this.document(now) };
  }

  document(now: Date): Record<string, unknown> {
    return this.plan.document(this.life, now.getTime());
  }
}
