import type pg from 'pg';

/** Forgets alerts that have been over since before then, with all that was told of them, and silences that ended before. */
export async function forgetAlerts(client: pg.ClientBase, before: Date): Promise<void> {
  await client.query({ text: `DELETE FROM alerts WHERE status = 'resolved' AND resolved_at < $1`, values: [before] });
  await client.query({ text: 'DELETE FROM silences WHERE ended_at < $1', values: [before] });
}
