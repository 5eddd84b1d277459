import { v7 as uuidv7 } from 'uuid';
import type { Json } from '../domain/observation.js';
import type { AlertRow, Sample } from './alert-rows.js';
import type { Rule } from '../settings/alert-settings.js';
import type { FigureSignal } from './figures.js';
import { grow, hold, type AlertState, type Grown } from './lifecycle.js';
import { fingerprintOf, normalizeError } from './normalize-error.js';
import type { Signal } from './rules.js';
import { namedBy, tally } from './shared-values.js';

/** Kept of an alert; a message shows 5. */
const SAMPLES = 10;
/** A job whose parts fail one after the other is one job, unless so many others fail in between. */
const RECENT_JOBS = 100;
/** Groups of one rule, account and API that are unresolved at once. A vendor whose every message is new would make any number. */
export const MOST_GROUPS = 100;
export const MANY_ERRORS = 'many different errors';

/** Signals of one kind: one alert. */
export type Group = { fingerprint: string; message: string | null; signals: Signal[] };

/** Signals by what makes them the same, in the order of the first of each. */
export function groupsOf(signals: readonly Signal[]): Group[] {
  const groups = new Map<string, Group>();
  for (const signal of signals) {
    const message = normalizeError(signal.message);
    const fingerprint = fingerprintOf({ ...signal, rule: signal.rule.name, message });
    const group = groups.get(fingerprint);
    if (group) group.signals.push(signal);
    else groups.set(fingerprint, { fingerprint, message, signals: [signal] });
  }
  return [...groups.values()];
}

/**
 * Groups that would be new where there are too many already go into one. `room`: how many new groups the rule may make for the
 * account and API, asked once a new group.
 */
export function withinBounds(
  groups: readonly Group[],
  isKnown: (group: Group) => boolean,
  hasRoom: (group: Group) => boolean,
): Group[] {
  const rest: Signal[] = [];
  const bounded = groups.filter((group) => {
    if (isKnown(group) || hasRoom(group)) return true;
    rest.push(...group.signals.map((signal) => ({ ...signal, template: null, code: null, message: MANY_ERRORS })));
    return false;
  });
  return [...bounded, ...groupsOf(rest)];
}

/** What an alert is after the signals of its group. `inputs`: what went into a job, by its id. */
export function grown(
  before: AlertRow | null,
  group: Group,
  { inputs, resolveAfterMs, now }: { inputs: ReadonlyMap<string, Json[]>; resolveAfterMs: number; now: Date },
): { alert: AlertRow; became: Grown['became'] } {
  const { signals } = group;
  const [first] = signals;
  if (!first) throw new Error('a group without signals');
  const { rule } = first;
  const counted = before && before.status !== 'resolved' ? before : null;
  const recent = new Set(counted?.recentJobs ?? []);
  const fresh = new Set(signals.map(({ job }) => job.id).filter((id) => !recent.has(id)));
  const times = signals.map(({ at }) => at.getTime());
  const seen = {
    failures: signals.length,
    jobs: fresh.size,
    first: new Date(Math.min(...times)),
    last: new Date(Math.max(...times)),
  };
  const { alert: state, became } = grow(before, seen, { forMs: rule.for, resolveAfterMs }, now);
  const shared = signals.reduce(
    (known, { job, message }) => tally(known, namedBy(message, inputs.get(job.id) ?? [])),
    counted?.shared ?? [],
  );
  const sample = [...signals.slice(-SAMPLES).reverse().map(sampleOf), ...(counted?.sample ?? [])].slice(0, SAMPLES);
  const recentJobs = [...(counted?.recentJobs ?? []), ...fresh].slice(-RECENT_JOBS);
  return { alert: alertOf(before, group, first, state, { sample, shared, recentJobs }), became };
}

/** What an alert is while its figure holds: counts and sample are the figure's. */
export function held(
  before: AlertRow | null,
  { fingerprint, rule, signal }: { fingerprint: string; rule: Rule; signal: FigureSignal },
  { resolveAfterMs, now }: { resolveAfterMs: number; now: Date },
): { alert: AlertRow; became: Grown['became'] } {
  const { count, sample: jobs } = signal;
  const seen = { failures: count, jobs: jobs.length === 0 ? 0 : count, first: now, last: now };
  const { alert, became } = hold(before, seen, { forMs: rule.for, resolveAfterMs }, now);
  const sample = jobs
    .slice(0, SAMPLES)
    .map(({ id, vendorJobId, name }) => ({ jobId: id, vendorJobId, name, subjobPath: null, error: null }));
  const kept = { sample, shared: [], recentJobs: [] };
  return { alert: alertOf(before, { fingerprint, message: signal.message }, { rule, ...signal }, alert, kept), became };
}

function alertOf(
  before: AlertRow | null,
  { fingerprint, message }: Pick<Group, 'fingerprint' | 'message'>,
  { rule, account, api, template, code, reason }: Omit<Signal, 'message' | 'at' | 'job' | 'subjobPath'>,
  state: AlertState,
  kept: Pick<AlertRow, 'sample' | 'shared' | 'recentJobs'>,
): AlertRow {
  return {
    id: before?.id ?? uuidv7(),
    fingerprint,
    rule: rule.name,
    kind: rule.on,
    severity: rule.severity,
    labels: rule.labels,
    account,
    api,
    template,
    errorCode: code,
    errorMessage: message,
    reason,
    silenceId: state.silenced ? (before?.silenceId ?? null) : null,
    ...state,
    ...kept,
  };
}

function sampleOf({ job, subjobPath, code, message }: Signal): Sample {
  const error = message ?? code;
  return {
    jobId: job.id,
    vendorJobId: job.vendorJobId,
    name: job.name,
    subjobPath,
    error: error?.slice(0, 500).toWellFormed() ?? null,
  };
}
