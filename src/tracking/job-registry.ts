import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { SqlPool } from '../database/sql-pool.js';
import { refHash } from '../domain/job-ref.js';
import { POLL_LANES } from '../domain/poll-schedule.js';
import type { JobBasis } from '../domain/transition.js';
import { Wakeups } from '../queue/wakeups.js';
import { CurrentSettings } from '../settings/current-settings.js';
import { apiNamed } from '../vendors/registry.js';
import { keyOf, lockJobs, makeJobs, type NewJob } from './statements.js';

/** A job that somebody wants tracked. */
export type Registration = {
  account: string;
  api: string;
  vendorJobId: string;
  callbackExpected?: boolean;
  labels?: Record<string, string>;
};

/** What people do to tracked jobs: register, label, look again, close. */
@Injectable()
export class JobRegistry {
  constructor(
    private readonly sql: SqlPool,
    private readonly settings: CurrentSettings,
    private readonly wakeups: Wakeups,
  ) {}

  /**
   * Tracks the jobs, due now; answers in the order of the request. A job that is tracked already keeps its state: it counts
   * as registered from now on, takes the labels, is due if it was closed or left to a callback that nobody waits for any more,
   * and is `created: false`.
   */
  async register(registrations: Registration[]): Promise<{ id: string; created: boolean }[]> {
    const wanted = new Map(registrations.map((registration) => [keyOf(registration), registration]));
    const jobs = [...wanted.values()].map((registration) => this.newJob(registration));
    return this.sql.transaction(async (client) => {
      const made = await makeJobs(client, jobs);
      const rows = await lockJobs(client, jobs);
      const byKey = new Map(rows.map((row) => [keyOf({ ...row, vendorJobId: row.vendor_job_id }), row]));
      const known = rows.filter((row) => !made.has(row.id));
      if (known.length > 0) {
        const updates = known.map((row) => {
          const { labels = {}, callbackExpected: expected = null } =
            wanted.get(keyOf({ ...row, vendorJobId: row.vendor_job_id })) ?? {};
          const wasLeftToCallback = row.next_poll_at !== null && row.callback_expected && expected === false;
          const due = (row.closed_at !== null || wasLeftToCallback) && this.settings.canAsk(row.account);
          return { id: row.id, labels, expected, due };
        });
        await client.query({
          name: 'register-known',
          text: `UPDATE jobs j SET registered = true, poll_lane = ${POLL_LANES.known}, labels = j.labels || v.labels, closed_at = NULL,
                   next_poll_at = CASE WHEN v.due THEN now() ELSE j.next_poll_at END,
                   poll_interval_ms = CASE WHEN NOT v.due THEN j.poll_interval_ms END,
                   callback_expected = coalesce(v.expected, j.callback_expected),
                   basis = CASE WHEN v.expected IS NULL THEN j.basis ELSE (j.basis::jsonb || '{"callbackChosen": true}')::json END,
                   updated_at = CASE WHEN j.registered AND v.labels = '{}' THEN j.updated_at ELSE now() END
                 FROM json_to_recordset($1::json) AS v(id uuid, labels jsonb, expected boolean, due boolean)
                 WHERE j.id = v.id`,
          values: [JSON.stringify(updates)],
        });
      }
      const answered = new Set<string>();
      return registrations.map((registration) => {
        const key = keyOf(registration);
        const row = byKey.get(key);
        if (!row) throw new Error(`The job ${registration.vendorJobId} could not be registered`);
        const created = made.has(row.id) && !answered.has(key);
        answered.add(key);
        return { id: row.id, created };
      });
    });
  }

  private newJob(registration: Registration): NewJob {
    const { account, api, vendorJobId, callbackExpected, labels = {} } = registration;
    const basis: JobBasis = callbackExpected === undefined ? {} : { callbackChosen: true };
    return {
      id: uuidv7(),
      account,
      api,
      vendorJobId,
      via: 'manual',
      callbackExpected: callbackExpected ?? apiNamed(api)?.callbackExpected ?? false,
      registered: true,
      labels,
      due: this.settings.canAsk(account),
      lane: POLL_LANES.known,
      ref: refHash(vendorJobId),
      basis,
    };
  }

  /** Sets the given labels and removes those that are null. false: no such job. */
  async setLabels(id: string, labels: Record<string, string | null>): Promise<boolean> {
    const removed = Object.keys(labels).filter((key) => labels[key] === null);
    const set = Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== null));
    const { rowCount } = await this.sql.query({
      text: `UPDATE jobs SET labels = (labels - $3::text[]) || $2::jsonb, updated_at = now() WHERE id = $1`,
      values: [id, JSON.stringify(set), removed],
    });
    return rowCount === 1;
  }

  /** Makes the job due now, also when it has ended. `claim-only`: nobody can ask the vendor. */
  async refresh(id: string): Promise<'due' | 'claim-only' | 'missing'> {
    const { rows } = await this.sql.query<{ account: string }>({
      text: 'SELECT account FROM jobs WHERE id = $1',
      values: [id],
    });
    const [job] = rows;
    if (!job) return 'missing';
    if (!this.settings.canAsk(job.account)) return 'claim-only';
    await this.sql.query({
      text: `UPDATE jobs SET next_poll_at = now(), poll_interval_ms = NULL, poll_lane = ${POLL_LANES.urgent} WHERE id = $1`,
      values: [id],
    });
    return 'due';
  }

  /** Stops watching: no more polls; what still arrives is recorded. false: no such job. */
  async close(id: string): Promise<boolean> {
    return this.sql.transaction(async (client) => {
      const { rows } = await client.query<{ sequence: number | null }>({
        text: `UPDATE jobs SET closed_at = now(), next_poll_at = NULL, updated_at = now(),
                 history_sequence = history_sequence + 1
               WHERE id = $1 AND closed_at IS NULL RETURNING history_sequence AS sequence`,
        values: [id],
      });
      const [closed] = rows;
      if (closed) {
        await client.query({
          text: `INSERT INTO history_events (job_id, sequence, recorded_at, kind, via) VALUES ($1, $2, now(), 'job.closed', 'manual')`,
          values: [id, closed.sequence],
        });
        return true;
      }
      const { rowCount } = await client.query({ text: 'SELECT FROM jobs WHERE id = $1', values: [id] });
      return rowCount === 1;
    });
  }

  /**
   * Hands a stored receipt to apply once more, under the number it had: it takes the place among the others of its job
   * that it would have taken. `expired`: its body is gone.
   */
  async replay(receiptId: string): Promise<'pending' | 'expired' | 'missing'> {
    const outcome = await this.sql.transaction(async (client) => {
      const { rows } = await client.query<{ stored: boolean; known: boolean }>({
        text: `SELECT EXISTS (SELECT FROM receipts WHERE id = $1) AS stored,
                      EXISTS (SELECT FROM receipt_keys WHERE receipt_id = $1) AS known`,
        values: [receiptId],
      });
      if (!rows[0]?.stored) return rows[0]?.known ? 'expired' : 'missing';
      await client.query({
        text: `WITH problem AS (
                 DELETE FROM receipt_problems WHERE receipt_id = $1 RETURNING number, asked_at
               ), last AS (
                 SELECT number, asked_at FROM problem
                 UNION ALL SELECT number, asked_at FROM job_receipts WHERE receipt_id = $1
                 ORDER BY number DESC LIMIT 1
               )
               INSERT INTO pending_receipts (receipt_id, number, asked_at, received_at)
               SELECT id, last.number, last.asked_at, received_at FROM receipts, last WHERE id = $1
               AND NOT EXISTS (SELECT FROM pending_receipts WHERE receipt_id = $1)`,
        values: [receiptId],
      });
      return 'pending';
    });
    if (outcome === 'pending') this.wakeups.wake();
    return outcome;
  }
}
