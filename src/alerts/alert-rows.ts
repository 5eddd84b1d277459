import type pg from 'pg';
import type { AlertKind, Severity } from './alert-message.js';
import type { AlertState } from './lifecycle.js';
import type { Tallied } from './shared-values.js';

/**
 * The rows of alerts, by hand: the relay writes all alerts of a batch in one statement. Whoever writes them holds `lockAlerts`, so
 * reading, deciding and writing needs no other lock, and nobody waits in a ring.
 */

type Client = pg.ClientBase;

/** A failure that stands for the others. */
export type Sample = {
  jobId: string;
  vendorJobId: string;
  name: string | null;
  subjobPath: string | null;
  error: string | null;
};

export type AlertRow = AlertState & {
  id: string;
  fingerprint: string;
  rule: string;
  kind: AlertKind;
  severity: Severity;
  labels: Record<string, string>;
  account: string | null;
  api: string | null;
  template: string | null;
  errorCode: string | null;
  errorMessage: string | null;
  reason: string;
  silenceId: string | null;
  /** Newest first. */
  sample: Sample[];
  shared: Tallied[];
  /** The jobs that were counted last, so that one that fails on is counted once. */
  recentJobs: string[];
};

const COLUMNS: [key: keyof AlertRow, column: string, type: string][] = [
  ['id', 'id', 'uuid'],
  ['fingerprint', 'fingerprint', 'uuid'],
  ['rule', 'rule', 'text'],
  ['kind', 'kind', 'text'],
  ['severity', 'severity', 'text'],
  ['labels', 'labels', 'json'],
  ['account', 'account', 'text'],
  ['api', 'api', 'text'],
  ['template', 'template', 'text'],
  ['errorCode', 'error_code', 'text'],
  ['errorMessage', 'error_message', 'text'],
  ['reason', 'reason', 'text'],
  ['status', 'status', 'text'],
  ['opening', 'opening', 'integer'],
  ['reopenings', 'reopenings', 'integer'],
  ['failures', 'failures', 'integer'],
  ['jobs', 'jobs', 'integer'],
  ['firstSeenAt', 'first_seen_at', 'timestamptz'],
  ['lastSeenAt', 'last_seen_at', 'timestamptz'],
  ['openedAt', 'opened_at', 'timestamptz'],
  ['acknowledgedAt', 'acknowledged_at', 'timestamptz'],
  ['resolvedAt', 'resolved_at', 'timestamptz'],
  ['resolvedBy', 'resolved_by', 'text'],
  ['succeededAt', 'succeeded_at', 'timestamptz'],
  ['silenceId', 'silence_id', 'uuid'],
  ['silenceExpiredAt', 'silence_expired_at', 'timestamptz'],
  ['changedAt', 'changed_at', 'timestamptz'],
  ['sample', 'sample', 'json'],
  ['shared', 'shared', 'json'],
  ['recentJobs', 'recent_jobs', 'json'],
];

const SELECTED = COLUMNS.map(([key, column]) => `a.${column} AS "${key}"`).join(', ');
const SELECT = `SELECT ${SELECTED}, a.silence_id IS NOT NULL AS silenced FROM alerts a`;

const WRITE = `
INSERT INTO alerts (${COLUMNS.map(([, column]) => column).join(', ')})
SELECT ${COLUMNS.map(([key]) => `"${key}"`).join(', ')}
FROM json_to_recordset($1::json) AS v(${COLUMNS.map(([key, , type]) => `"${key}" ${type}`).join(', ')})
ON CONFLICT (id) DO UPDATE SET ${COLUMNS.slice(2)
  .map(([, column]) => `${column} = excluded.${column}`)
  .join(', ')}`;

/** One writer of alerts at a time, for the rest of the transaction. Answers Postgres' time. */
export async function lockAlerts(client: Client): Promise<Date> {
  await client.query({
    name: 'lock-alerts',
    text: `SELECT pg_advisory_xact_lock(hashtextextended('callsheet.alerts', 0))`,
  });
  // A statement of its own: the time after the wait.
  const { rows } = await client.query<{ now: Date }>({
    name: 'alerts-now',
    text: `SELECT clock_timestamp()::timestamptz(3) AS now`,
  });
  return rows[0]?.now ?? new Date();
}

export async function readByFingerprint(client: Client, fingerprints: readonly string[]): Promise<AlertRow[]> {
  if (fingerprints.length === 0) return [];
  const text = `${SELECT} WHERE a.fingerprint = ANY ($1::uuid[])`;
  return (await client.query<AlertRow>({ name: 'alerts-by-fingerprint', text, values: [fingerprints] })).rows;
}

/** Everything that is not over, whole. */
export async function readUnresolved(client: Client): Promise<AlertRow[]> {
  const text = `${SELECT} WHERE a.status <> 'resolved' ORDER BY a.id`;
  return (await client.query<AlertRow>({ name: 'alerts-unresolved', text })).rows;
}

export async function readAlerts(client: Client, ids: readonly string[]): Promise<AlertRow[]> {
  if (ids.length === 0) return [];
  const text = `${SELECT} WHERE a.id = ANY ($1::uuid[])`;
  return (await client.query<AlertRow>({ name: 'alerts-by-id', text, values: [ids] })).rows;
}

export async function writeAlerts(client: Client, alerts: readonly AlertRow[]): Promise<void> {
  if (alerts.length > 0) await client.query({ name: 'write-alerts', text: WRITE, values: [JSON.stringify(alerts)] });
}

/** How many groups each rule has unresolved, by account and API. */
export async function countGroups(client: Client): Promise<Map<string, number>> {
  const { rows } = await client.query<{ rule: string; account: string | null; api: string | null; groups: number }>({
    name: 'count-alerts',
    text: `SELECT rule, account, api, count(*)::int AS groups FROM alerts WHERE status <> 'resolved' GROUP BY rule, account, api`,
  });
  return new Map(rows.map(({ groups, ...owner }) => [ownerKey(owner), groups]));
}

export function ownerKey({ rule, account, api }: { rule: string; account: string | null; api: string | null }): string {
  return `${rule}\n${account ?? ''}\n${api ?? ''}`;
}

export type Success = { account: string; api: string; template: string | null; at: Date };

/** Notes the first success after the last failure of alerts that are not over. */
export async function writeSuccesses(client: Client, successes: readonly Success[]): Promise<void> {
  if (successes.length === 0) return;
  await client.query({
    name: 'alert-successes',
    text: `UPDATE alerts a SET succeeded_at = v.at
           FROM json_to_recordset($1::json) AS v(account text, api text, template text, at timestamptz)
           WHERE a.status <> 'resolved' AND a.account = v.account AND a.api = v.api
             AND a.template IS NOT DISTINCT FROM v.template AND v.at > a.last_seen_at
             AND (a.succeeded_at IS NULL OR a.succeeded_at <= a.last_seen_at)`,
    values: [JSON.stringify(successes)],
  });
}

export type AlertEventWrite = {
  alertId: string;
  kind: string;
  actor?: string | null;
  receiver?: string | null;
  detail?: string | null;
};

/** What became of alerts, and who was told: their history. `at`: null for now. */
export async function writeAlertEvents(
  client: Client,
  events: readonly AlertEventWrite[],
  at: Date | null = null,
): Promise<void> {
  if (events.length === 0) return;
  await client.query({
    name: 'alert-events',
    text: `INSERT INTO alert_events (alert_id, at, kind, actor, receiver, detail)
           SELECT "alertId", coalesce($2::timestamptz, clock_timestamp()), kind, actor, receiver, detail
           FROM json_to_recordset($1::json) AS v("alertId" uuid, kind text, actor text, receiver text, detail text)`,
    values: [JSON.stringify(events), at],
  });
}

/** Lets the dispatcher think of these alerts again, for these receivers and those who know of them. */
export async function thinkOf(
  client: Client,
  pairs: readonly { alertId: string; receiver: string }[],
  at: Date,
): Promise<void> {
  if (pairs.length === 0) return;
  await client.query({
    name: 'alert-receivers-due',
    text: `INSERT INTO alert_receivers AS r (alert_id, receiver, due_at)
           SELECT "alertId", receiver, $2 FROM json_to_recordset($1::json) AS v("alertId" uuid, receiver text)
           ON CONFLICT (alert_id, receiver) DO UPDATE SET due_at = least(r.due_at, excluded.due_at)`,
    values: [JSON.stringify(pairs), at],
  });
}
