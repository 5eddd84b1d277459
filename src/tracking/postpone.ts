import type pg from 'pg';

type Querier = { query<Row extends pg.QueryResultRow>(statement: pg.QueryConfig): Promise<pg.QueryResult<Row>> };

/** Looks at jobs again later, after a look that told nothing: `delayMs` gets how many such looks there were in a row. */
export async function postpone(
  sql: Querier,
  jobIds: readonly string[],
  delayMs: (failures: number) => number,
): Promise<void> {
  const { rows } = await sql.query<{ id: string; poll_failures: number }>({
    text: `UPDATE jobs SET poll_failures = poll_failures + 1 WHERE id = ANY ($1::uuid[]) AND next_poll_at IS NOT NULL
           RETURNING id, poll_failures`,
    values: [jobIds],
  });
  // Spread out, or what failed together would come again together.
  const delays = rows.map(({ poll_failures: failures }) => Math.round(delayMs(failures) * (0.75 + Math.random() / 2)));
  await sql.query({
    text: `UPDATE jobs SET next_poll_at = now() + make_interval(secs => v.delay / 1000.0), poll_interval_ms = v.delay
           FROM unnest($1::uuid[], $2::int[]) AS v(id, delay) WHERE jobs.id = v.id AND next_poll_at IS NOT NULL`,
    values: [rows.map(({ id }) => id), delays],
  });
}
