import type { MessageReason } from './alert-message.js';
import type { AlertTiming } from '../settings/alert-settings.js';

/** A reopened alert waits longer before it is taken for over, the more often it was opened again: twice as long each time. */
const MOST_DOUBLINGS = 10;
/** A repeated message waits a day at most. */
const LONGEST_REPEAT_MS = 86_400_000;

/**
 * Where an alert stands.
 * - `pending`: its rule wants to see it last (`for`); nobody is told.
 * - `open`: told, and told again. Left by hand (acknowledged), by success, by quiet time.
 * - `acknowledged`: somebody is at it; told again only when it is over. Left as `open` is.
 * - `resolved`: over. The same failure opens it again.
 * A silence is no status: whatever it covers goes on, and nobody is told.
 */
export const ALERT_STATUSES = ['pending', 'open', 'acknowledged', 'resolved'] as const;
export type AlertStatus = (typeof ALERT_STATUSES)[number];

export type ResolvedBy = 'success' | 'quiet' | 'hand' | 'figure' | 'rule gone';

/** As much of an alert as its life depends on. */
export type AlertState = {
  status: AlertStatus;
  /** How often it was opened; the number of this opening. */
  opening: number;
  /** Of those, the ones that came soon after the end of the one before. */
  reopenings: number;
  failures: number;
  jobs: number;
  firstSeenAt: Date;
  lastSeenAt: Date;
  /** When this opening, or while it is pending the failures that may make it, began. */
  openedAt: Date;
  acknowledgedAt: Date | null;
  resolvedAt: Date | null;
  resolvedBy: ResolvedBy | null;
  /** When a job of the same account, API and template last succeeded whole. */
  succeededAt: Date | null;
  silenced: boolean;
  silenceExpiredAt: Date | null;
  /** When something last changed that a receiver of every change is told. */
  changedAt: Date;
};

/** What an alert is after more failures, and whether they opened it. */
export type Grown = { alert: AlertState; became: 'pending' | 'opened' | 'reopened' | null };

export type Failures = { failures: number; jobs: number; first: Date; last: Date };

/**
 * More of the same, or the first of it. `forMs`: how long failures must have kept coming before anybody is told. Counts are
 * those of one opening.
 */
export function grow(
  before: AlertState | null,
  seen: Failures,
  { forMs, resolveAfterMs }: { forMs: number; resolveAfterMs: number },
  now: Date,
): Grown {
  if (before === null || before.status === 'resolved') {
    const soon =
      before?.resolvedAt != null && before.opening > 0 && now.getTime() - before.resolvedAt.getTime() < resolveAfterMs;
    const fresh: AlertState = {
      status: 'pending',
      opening: before?.opening ?? 0,
      reopenings: soon ? before.reopenings + 1 : 0,
      failures: seen.failures,
      jobs: seen.jobs,
      firstSeenAt: before?.firstSeenAt ?? seen.first,
      lastSeenAt: seen.last,
      openedAt: seen.first,
      acknowledgedAt: null,
      resolvedAt: null,
      resolvedBy: null,
      succeededAt: null,
      silenced: false,
      silenceExpiredAt: null,
      changedAt: now,
    };
    return opened(fresh, forMs, now, true);
  }
  const alert = {
    ...before,
    failures: before.failures + seen.failures,
    jobs: before.jobs + seen.jobs,
    lastSeenAt: seen.last > before.lastSeenAt ? seen.last : before.lastSeenAt,
    changedAt: now,
  };
  return alert.status === 'pending' ? opened(alert, forMs, now, false) : { alert, became: null };
}

/** What an alert is that a figure still holds for: the figure's counts, as they are now. */
export function hold(
  before: AlertState | null,
  seen: Failures,
  rule: { forMs: number; resolveAfterMs: number },
  now: Date,
): Grown {
  const { alert, became } = grow(before, seen, rule, now);
  const { failures, jobs } = seen;
  const isSame = before !== null && before.status === alert.status && before.failures === failures;
  return { alert: { ...alert, failures, jobs, changedAt: isSame ? before.changedAt : now }, became };
}

function opened(alert: AlertState, forMs: number, now: Date, isNew: boolean): Grown {
  const lastedMs = alert.lastSeenAt.getTime() - alert.openedAt.getTime();
  if (lastedMs < forMs) return { alert, became: isNew ? 'pending' : null };
  const opening = alert.opening + 1;
  const became = alert.reopenings > 0 ? 'reopened' : 'opened';
  return { alert: { ...alert, status: 'open', opening, openedAt: now, changedAt: now }, became };
}

/** Whether an event alert is over, and why. `successCounts`: the rule is about something that a success disproves. */
export function endOf(
  alert: AlertState,
  { forMs, successCounts }: { forMs: number; successCounts: boolean },
  timing: AlertTiming,
  now: Date,
): ResolvedBy | null {
  if (alert.status === 'resolved') return null;
  const quietMs = now.getTime() - alert.lastSeenAt.getTime();
  if (quietMs >= timing.resolveAfterMs) return 'quiet';
  if (alert.status === 'pending') return quietMs >= Math.max(forMs, timing.groupIntervalMs) ? 'quiet' : null;
  const succeeded = successCounts && alert.succeededAt !== null && alert.succeededAt > alert.lastSeenAt;
  const enough = timing.groupIntervalMs * 2 ** Math.min(alert.reopenings, MOST_DOUBLINGS);
  return succeeded && quietMs >= Math.min(enough, timing.resolveAfterMs) ? 'success' : null;
}

export function resolve(alert: AlertState, by: ResolvedBy, now: Date): AlertState {
  return { ...alert, status: 'resolved', resolvedAt: now, resolvedBy: by, changedAt: now };
}

/** What a receiver was last told; null: nothing yet. */
export type Told = {
  at: Date;
  /** Whether that left it thinking that something is wrong. */
  open: boolean;
  /** Its failures then. */
  failures: number;
  /** `changedAt` of the alert then. */
  changedAt: Date;
  /** How often it was told again since this opening began for it. */
  repeats: number;
};

/** Now, later, or not until something changes. */
export type Decision = { tell: MessageReason | null; at: Date | null };

const NOTHING: Decision = { tell: null, at: null };

/**
 * What a receiver is told next, and when: the difference between what it knows and what is. Never two messages within a group
 * interval, however often the alert comes and goes; what did not last that long is not told.
 */
export function nextMessage(alert: AlertState, told: Told | null, timing: AlertTiming, now: Date): Decision {
  if (alert.status === 'pending' || alert.silenced) return NOTHING;
  const earliest = told ? after(told.at, timing.groupIntervalMs) : after(alert.openedAt, timing.groupWaitMs);
  const atLeast = (at: Date) => (at > earliest ? at : earliest);
  if (alert.status === 'resolved') return told?.open ? due('resolved', earliest, now) : NOTHING;

  const expiredAt = alert.status === 'open' ? alert.silenceExpiredAt : null;
  if (expiredAt !== null && (told === null || expiredAt > told.at))
    return due('silence_expired', told ? earliest : now, now);
  if (told === null) return due('opened', earliest, now);
  if (!told.open) return due('reopened', atLeast(after(alert.openedAt, timing.groupWaitMs)), now);
  if (alert.status === 'acknowledged') return NOTHING;
  if (alert.failures >= 2 * told.failures && alert.failures > told.failures) return due('grew', earliest, now);
  const pause = Math.min(timing.repeatIntervalMs * 2 ** Math.min(told.repeats, 20), LONGEST_REPEAT_MS);
  return due('repeated', atLeast(after(told.at, pause)), now);
}

/** The same for a receiver that groups, repeats and routes of its own accord, and forgets what it is not told again. */
export function nextPost(
  alert: AlertState,
  told: Told | null,
  { groupWaitMs, repostMs }: { groupWaitMs: number; repostMs: number },
  now: Date,
): Decision {
  if (alert.status === 'pending' || alert.silenced) return NOTHING;
  if (alert.status === 'resolved') return told?.open ? due('resolved', now, now) : NOTHING;
  if (told === null) return due('opened', now, now);
  if (!told.open) return due('reopened', now, now);
  if (alert.failures > told.failures) return due('grew', after(told.at, groupWaitMs), now);
  if (alert.changedAt > told.changedAt) return due('repeated', after(told.at, groupWaitMs), now);
  return due('repeated', after(told.at, repostMs), now);
}

function due(tell: MessageReason, at: Date, now: Date): Decision {
  return at <= now ? { tell, at: null } : { tell: null, at };
}

function after(at: Date, ms: number): Date {
  return new Date(at.getTime() + ms);
}
