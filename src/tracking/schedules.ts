import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { durationsOf, startOf, type DurationProfile } from '../domain/duration-profile.js';
import { nextLookMs, planLooks, type Plan } from '../domain/inspection-plan.js';
import type { JobFacts } from '../domain/observation.js';
import { pollIntervalMs } from '../domain/poll-schedule.js';
import type { JobBasis, JobState } from '../domain/transition.js';
import { SqlPool } from '../database/sql-pool.js';
import { CallbackLoss } from './callback-loss.js';
import { readProfiles } from './durations.js';

/** Profiles held in memory, 2 KB each; a job of any other recipe goes by those of its API. */
const MOST_PROFILES = 5000;
/** Plans are made for losses a factor of about 1.4 apart. */
const STEPS_PER_OCTAVE = 2;
const LOWEST_LOSS = 0.00001;

/** A job that was just seen unfinished, as far as its next look depends on it. */
export type WatchedJob = Pick<JobState, 'createdAt' | 'basis'> & {
  account: string;
  api: string;
  facts: Pick<JobFacts, 'vendorStatus' | 'templateId' | 'pipelineId' | 'vendorCreatedAt'>;
  callbackExpected: boolean;
};

/** When to look at jobs next, by what their like have taken. Profiles and plans are at hand: apply asks for every job. */
@Injectable()
export class Schedules implements OnModuleInit {
  private readonly logger = new Logger(Schedules.name);
  private readonly profiles = new Map<string, DurationProfile>();
  private readonly plans = new Map<string, Plan | null>();
  private learnedUntil: Date | null = null;

  constructor(
    private readonly sql: SqlPool,
    private readonly callbackLoss: CallbackLoss,
  ) {}

  async onModuleInit(): Promise<void> {
    await this.refresh();
  }

  /** Takes over what has been learned since the last time. */
  async refresh(): Promise<void> {
    try {
      const rows = await readProfiles(this.sql, { since: this.learnedUntil, most: MOST_PROFILES });
      for (const { account, api, recipe, learnedUntil, ...profile } of rows) {
        const key = keyOf(account, api, recipe);
        // The longest untouched stand first.
        this.profiles.delete(key);
        this.profiles.set(key, profile);
        this.learnedUntil = learnedUntil;
      }
      for (const key of this.profiles.keys()) {
        if (this.profiles.size <= MOST_PROFILES) break;
        this.profiles.delete(key);
      }
      if (rows.length > 0) this.plans.clear();
    } catch (error) {
      this.logger.warn(`schedules stay as they were: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** Until the next look, in ms. */
  nextLookMs(job: WatchedJob, now: Date): number {
    const since = (start: number) => Math.max(0, now.getTime() - start);
    const { createdAt, facts, basis, callbackExpected } = job;
    const saidToEndAt = saidToEnd(basis);
    // The callback came, and the vendor's answers lag behind it.
    if (saidToEndAt !== null) return pollIntervalMs({ ageMs: since(saidToEndAt), callbackExpected: false });
    const ageMs = since(startOf({ createdAt, vendorCreatedAt: facts.vendorCreatedAt }).getTime());
    // A job that the vendor has never shown does not go the way of the others.
    const plan = facts.vendorStatus === null ? null : this.planFor(job);
    return plan ? nextLookMs(plan, ageMs) : pollIntervalMs({ ageMs, callbackExpected });
  }

  /** null while nothing is known about jobs of this API. */
  private planFor({ account, api, facts, callbackExpected }: WatchedJob): Plan | null {
    const recipe = facts.templateId ?? facts.pipelineId ?? '';
    const loss = callbackExpected ? roundedLoss(this.callbackLoss.of(account, api)) : 1;
    const key = `${keyOf(account, api, recipe)}\n${loss}`;
    let plan = this.plans.get(key);
    if (plan === undefined) {
      const broadestFirst = new Set([keyOf('', api, ''), keyOf(account, api, ''), keyOf(account, api, recipe)]);
      const durations = durationsOf([...broadestFirst].flatMap((name) => this.profiles.get(name) ?? []));
      plan = durations && planLooks(durations, loss);
      this.plans.set(key, plan);
    }
    return plan;
  }
}

/** When somebody first said that the job had ended, in ms since 1970; null: nobody has. */
function saidToEnd({ endedAt, finalClaims }: JobBasis): number | null {
  const claims = Object.values(finalClaims ?? {}).map(({ receivedAt }) => receivedAt);
  const earliest = Math.min(endedAt ?? Infinity, ...claims);
  return earliest === Infinity ? null : earliest;
}

function keyOf(account: string, api: string, recipe: string): string {
  return `${account}\n${api}\n${recipe}`;
}

function roundedLoss(loss: number): number {
  return 2 ** (Math.round(Math.log2(Math.max(LOWEST_LOSS, loss)) * STEPS_PER_OCTAVE) / STEPS_PER_OCTAVE);
}
