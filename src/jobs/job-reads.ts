import type pg from 'pg';
import type { SqlPool } from '../database/sql-pool.js';
import { Prisma, type HistoryEvent, type Job, type Subjob } from '../generated/prisma/client.js';
import type { OutputAsRead, StatusCount, StreamAsRead, SubjobOfJob } from './job-view.js';

/**
 * The rows of jobs that people look at all day, by hand: Prisma takes three times as long, most of what a page costs, and its
 * pauses are longer than such a read.
 */

/** Under the names that Prisma gives them. What a state rests on is shown to nobody, and can be large. */
function columnsOf(table: string, fields: Record<string, string>): string {
  return Object.values(fields)
    .filter((name) => name !== 'basis')
    .map((name) => `${table}."${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}" AS "${name}"`)
    .join(', ');
}

const READ_ITEMS = `
SELECT ${columnsOf('j', Prisma.JobScalarFieldEnum)}, ARRAY(
  SELECT json_build_object('status', s.status, 'count', count(*)) FROM subjobs s WHERE s.job_id = j.id GROUP BY s.status
) AS counts
FROM jobs j WHERE j.id = ANY($1::uuid[])`;

/** The jobs with these ids, in any order, and how many subjobs of each status they have. */
export async function readItems(
  sql: Pick<SqlPool, 'query'>,
  ids: readonly string[],
): Promise<{ job: Omit<Job, 'basis'>; counts: StatusCount[] }[]> {
  if (ids.length === 0) return [];
  const { rows } = await sql.query<Omit<Job, 'basis'> & { counts: StatusCount[] }>({
    name: 'read-items',
    text: READ_ITEMS,
    values: [ids],
  });
  return rows.map(({ counts, ...job }) => ({ job, counts }));
}

const READ_SUBJOB_ITEMS = `
SELECT ${columnsOf('s', Prisma.SubjobScalarFieldEnum)}, j.account, j.api, j.vendor_job_id AS "vendorJobId", j.name AS "jobName",
  j.status AS "jobStatus", j.labels
FROM subjobs s JOIN jobs j ON j.id = s.job_id WHERE s.id = ANY($1::uuid[])`;

/** The subjobs with these ids, in any order, and what is shown of their jobs. */
export async function readSubjobItems(sql: SqlPool, ids: readonly string[]): Promise<SubjobOfJob[]> {
  if (ids.length === 0) return [];
  const { rows } = await sql.query<SubjobOfJob>({ name: 'read-subjob-items', text: READ_SUBJOB_ITEMS, values: [ids] });
  return rows;
}

/** A job without what its state rests on, and everything below it. */
export type JobRows = {
  job: Omit<Job, 'basis'>;
  subjobs: Omit<Subjob, 'basis'>[];
  outputs: OutputAsRead[];
  streams: StreamAsRead[];
};

const READ_JOB = {
  job: `SELECT ${columnsOf('j', Prisma.JobScalarFieldEnum)} FROM jobs j WHERE j.id = $1`,
  subjobs: `SELECT ${columnsOf('s', Prisma.SubjobScalarFieldEnum)} FROM subjobs s WHERE s.job_id = $1`,
  outputs: `SELECT ${columnsOf('o', Prisma.OutputScalarFieldEnum)} FROM outputs o WHERE o.job_id = $1`,
  streams: `SELECT ${columnsOf('s', Prisma.StreamScalarFieldEnum)} FROM streams s WHERE s.job_id = $1`,
};

/** One job as of one moment, or it could be shown with the parts of a later one. null: there is none. */
export function readJob(sql: SqlPool, id: string): Promise<JobRows | null> {
  return sql.transaction(async (client) => {
    const read = async <Row extends pg.QueryResultRow>(what: keyof typeof READ_JOB) =>
      (await client.query<Row>({ name: `read-job-${what}`, text: READ_JOB[what], values: [id] })).rows;
    const [, [job], subjobs, outputs, streams] = await Promise.all([
      client.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY'),
      read<JobRows['job']>('job'),
      read<JobRows['subjobs'][number]>('subjobs'),
      read<OutputAsRead>('outputs'),
      read<StreamAsRead>('streams'),
    ]);
    return job ? { job, subjobs, outputs, streams } : null;
  });
}

const READ_HISTORY = `
SELECT ${columnsOf('h', Prisma.HistoryEventScalarFieldEnum)}
FROM history_events h WHERE h.job_id = $1 AND h.sequence > $2 ORDER BY h.sequence LIMIT $3`;

/** Events of a job after the given one, oldest first. */
export async function readHistory(sql: SqlPool, id: string, after: number, limit: number): Promise<HistoryEvent[]> {
  const values = [id, after, limit];
  return (await sql.query<HistoryEvent>({ name: 'read-history', text: READ_HISTORY, values })).rows;
}

const FIND_BY_REF = `
SELECT job_id AS id FROM job_refs WHERE ref = $1 AND ($2::uuid IS NULL OR job_id < $2) ORDER BY job_id DESC LIMIT $3`;

/** The jobs that an id or URL names, the newest first; `before`: the last one of the page before. */
export async function findByRef(sql: SqlPool, ref: string, before: string | null, limit: number): Promise<string[]> {
  const values = [ref, before, limit];
  return (await sql.query<{ id: string }>({ name: 'find-by-ref', text: FIND_BY_REF, values })).rows.map(({ id }) => id);
}
