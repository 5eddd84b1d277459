import type { SqlPool } from '../database/sql-pool.js';
import type { JobFilter, SubjobFilter } from '../domain/job-filter.js';
import { refHash } from '../domain/job-ref.js';
import type { SortColumn } from './job-schemas.js';
import type { ReceiptState } from './receipt-schemas.js';

/**
 * The lists, by hand. Prisma cannot say what they need to stay on an index: one ordered branch per status, account or API
 * instead of `= ANY`, which loses the order before PostgreSQL 17; `(sort, id) < (…)` as one comparison of rows; labels by
 * `@>`; ids by hash. They answer ids in order; Prisma reads the rows.
 */

/** The place after a row in a list: its sort value (null: among the rows without one) and its id. */
export type Place = { at: string | null; id: string };
export type Listed = { id: string; at: Date | null };

const COLUMNS: Record<SortColumn, string> = {
  createdAt: 'created_at',
  updatedAt: 'updated_at',
  terminalAt: 'terminal_at',
  vendorCreatedAt: 'vendor_created_at',
};
const NULLABLE = new Set<SortColumn>(['terminalAt', 'vendorCreatedAt']);
const NAME_IN_INDEX = 200;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

type Sort = { column: SortColumn; descending: boolean };

export function sortOf(text: string): Sort {
  const descending = text.startsWith('-');
  return { column: (descending ? text.slice(1) : text) as SortColumn, descending };
}

/** Collects the values of a statement and hands out their `$n`. */
class Values {
  readonly list: unknown[] = [];

  add(value: unknown): string {
    return `$${this.list.push(value)}`;
  }
}

export async function listJobIds(
  sql: SqlPool,
  filter: JobFilter,
  sort: Sort,
  after: Place | null,
  limit: number,
): Promise<Listed[]> {
  const rows: Listed[] = [];
  // Rows with a value first, then those without: two walks of one index, since neither direction of it ends with nulls.
  if (after === null || after.at !== null) rows.push(...(await walk('with', after)));
  if (NULLABLE.has(sort.column) && rows.length < limit) {
    rows.push(...(await walk('without', after?.at === null ? after : null)));
  }
  return rows;

  async function walk(values: 'with' | 'without', from: Place | null): Promise<Listed[]> {
    const bound = new Values();
    const column = COLUMNS[sort.column];
    const conditions = [
      '(j.parent_job_id IS NULL OR j.registered)',
      ...jobConditions(filter, bound),
      ...createdConditions('j', filter, bound),
    ];
    if (NULLABLE.has(sort.column)) conditions.push(`j.${column} IS ${values === 'with' ? 'NOT NULL' : 'NULL'}`);
    conditions.push(...placeCondition('j', column, sort, from, bound));
    const filters = [
      ['j.status', filter.status],
      ['j.account', filter.account],
      ['j.api', filter.api],
    ] as const;
    const { rows: found } = await sql.query<Listed>({
      text: branches(filters, sort.column === 'createdAt', bound, (branch) => {
        const where = [...conditions, ...branch].join(' AND ');
        return `SELECT j.id, j.${column} AS at FROM jobs j WHERE ${where}`;
      })(ordered(sort), limit - rows.length),
      values: bound.list,
    });
    return found;
  }
}

export async function listSubjobIds(
  sql: SqlPool,
  filter: SubjobFilter,
  descending: boolean,
  after: Place | null,
  limit: number,
): Promise<Listed[]> {
  const bound = new Values();
  const sort: Sort = { column: 'createdAt', descending };
  const conditions = [
    '(j.parent_job_id IS NULL OR j.registered)',
    ...jobConditions(filter, bound),
    ...createdConditions('s', filter, bound),
    ...placeCondition('s', 'created_at', sort, after, bound),
    ...(filter.account ? [`j.account = ANY(${bound.add(filter.account)})`] : []),
    ...(filter.api ? [`j.api = ANY(${bound.add(filter.api)})`] : []),
  ];
  const { rows } = await sql.query<Listed>({
    text: branches([['s.status', filter.status]], true, bound, (branch) => {
      const where = [...conditions, ...branch].join(' AND ');
      return `SELECT s.id, s.created_at AS at FROM subjobs s JOIN jobs j ON j.id = s.job_id WHERE ${where}`;
    })(ordered(sort), limit),
    values: bound.list,
  });
  return rows;
}

/** What is asked of the job itself, but for lists of values. */
function jobConditions({ label = [], q }: Pick<JobFilter, 'label' | 'q'>, bound: Values): string[] {
  // One condition a label: asking for two values of one key must find nothing.
  const conditions = label.map(([key, value]) => `j.labels @> ${bound.add(JSON.stringify({ [key]: value }))}::jsonb`);
  if (q !== undefined) {
    const beginning = (text: string) => bound.add(`${text.replace(/[\\%_]/g, '\\$&')}%`);
    const name = [`left(j.name, ${NAME_IN_INDEX}) LIKE ${beginning(q.slice(0, NAME_IN_INDEX))}`];
    if (q.length > NAME_IN_INDEX) name.push(`j.name LIKE ${beginning(q)}`);
    // One OR over indexed conditions: a rare beginning is found by its indexes, a common one by walking the order.
    const matches = [
      `j.id = ANY(ARRAY(SELECT job_id FROM job_refs WHERE ref = ${bound.add(refHash(q))}::uuid))`,
      `(${name.join(' AND ')})`,
      `j.vendor_job_id LIKE ${beginning(q)}`,
      ...(UUID.test(q) ? [`j.id = ${bound.add(q)}::uuid`] : []),
    ];
    conditions.push(`(${matches.join(' OR ')})`);
  }
  return conditions;
}

function createdConditions(
  table: string,
  { createdAfter, createdBefore }: Pick<JobFilter, 'createdAfter' | 'createdBefore'>,
  bound: Values,
): string[] {
  return [
    ...(createdAfter ? [`${table}.created_at >= ${bound.add(createdAfter)}::timestamptz`] : []),
    ...(createdBefore ? [`${table}.created_at < ${bound.add(createdBefore)}::timestamptz`] : []),
  ];
}

function placeCondition(
  table: string,
  column: string,
  { descending }: Sort,
  after: Place | null,
  bound: Values,
): string[] {
  if (after === null) return [];
  const beyond = descending ? '<' : '>';
  if (after.at === null) return [`${table}.id ${beyond} ${bound.add(after.id)}::uuid`];
  return [
    `(${table}.${column}, ${table}.id) ${beyond} (${bound.add(after.at)}::timestamptz, ${bound.add(after.id)}::uuid)`,
  ];
}

/** Spelled so that an index (column, id) serves both ways, with its nulls where they lie in it. */
function ordered({ descending }: Sort): string {
  return descending ? 'at DESC NULLS FIRST, id DESC' : 'at, id';
}

/**
 * One branch per value of the first list, each ordered by its own index, merged; the other lists are conditions. Where the
 * sort has no index by these columns, one walk in sort order with all of them as conditions.
 */
function branches(
  lists: readonly (readonly [column: string, values: readonly string[] | undefined])[],
  indexed: boolean,
  bound: Values,
  select: (conditions: string[]) => string,
): (order: string, limit: number) => string {
  const given = lists.flatMap(([column, values]) => (values ? [{ column, values: [...new Set(values)] }] : []));
  const [first, ...others] = indexed ? given : [undefined, ...given];
  const rest = others.flatMap((list) => (list ? [`${list.column} = ANY(${bound.add(list.values)}::text[])`] : []));
  const selects = first
    ? first.values.map((value) => select([`${first.column} = ${bound.add(value)}`, ...rest]))
    : [select(rest)];
  return (order, limit) => {
    const take = `ORDER BY ${order} LIMIT ${bound.add(limit)}`;
    return `SELECT * FROM (${selects.map((text) => `(${text} ${take})`).join(' UNION ALL ')}) AS page ${take}`;
  };
}

export type ReceiptRow = {
  id: string;
  account: string | null;
  via: string | null;
  api: string | null;
  asked: string[] | null;
  verified: string | null;
  httpStatus: number | null;
  contentType: string | null;
  receivedAt: Date | null;
  sizeBytes: number | null;
  pending: boolean;
  problem: string | null;
  reason: string | null;
};

const RECEIPT_COLUMNS = `x.id, r.account, r.via, r.api, r.asked, r.verified, r.http_status AS "httpStatus",
  r.content_type AS "contentType", r.received_at AS "receivedAt", octet_length(r.body) AS "sizeBytes",
  x.id IN (SELECT receipt_id FROM pending_receipts) AS pending, p.state AS problem, p.reason`;

/** Receipts by id, with what became of each; also those whose body is gone. Read without their bodies. */
export async function readReceipts(sql: SqlPool, ids: readonly string[]): Promise<ReceiptRow[]> {
  if (ids.length === 0) return [];
  const { rows } = await sql.query<ReceiptRow>({
    text: `SELECT ${RECEIPT_COLUMNS} FROM unnest($1::uuid[]) WITH ORDINALITY AS x(id, place)
           LEFT JOIN receipts r ON r.id = x.id LEFT JOIN receipt_problems p ON p.receipt_id = x.id ORDER BY x.place`,
    values: [ids],
  });
  return rows;
}

/**
 * Ids of receipts, newest first. Nothing says "applied" of a receipt: it is in none of the tables that say otherwise.
 * `NOT IN` on purpose: one hash of the waiting ones for the whole walk, where NOT EXISTS may look through them per row.
 */
export async function listReceiptIds(
  sql: SqlPool,
  states: readonly ReceiptState[] | undefined,
  accounts: readonly string[] | undefined,
  after: string | null,
  limit: number,
): Promise<string[]> {
  const bound = new Values();
  const waiting = `(SELECT receipt_id FROM pending_receipts)`;
  const before = after === null ? null : `${bound.add(after)}::uuid`;
  const take = `ORDER BY id DESC LIMIT ${bound.add(limit)}`;
  const where = (...conditions: (string | false | null | undefined)[]) =>
    `WHERE ${conditions.filter(Boolean).join(' AND ') || 'true'}`;

  // One branch per account keeps the order of the index (account, id).
  const stored = (...conditions: string[]) =>
    (accounts ? [...new Set(accounts)] : [null]).map((account) => {
      const own = account === null ? null : `r.account = ${bound.add(account)}`;
      return `(SELECT r.id FROM receipts r ${where(own, before && `r.id < ${before}`, ...conditions)} ${take})`;
    });
  const selects = states
    ? [...new Set(states)].flatMap((state) => {
        if (state === 'applied') {
          return stored(
            `r.id NOT IN ${waiting}`,
            'NOT EXISTS (SELECT FROM receipt_problems p WHERE p.receipt_id = r.id)',
          );
        }
        if (state === 'pending') {
          const own = accounts && `r.account = ANY(${bound.add(accounts)}::text[])`;
          return [
            `(SELECT DISTINCT w.receipt_id AS id FROM pending_receipts w JOIN receipts r ON r.id = w.receipt_id
              ${where(own, before && `w.receipt_id < ${before}`)} ${take})`,
          ];
        }
        const own = accounts && `p.account = ANY(${bound.add(accounts)}::text[])`;
        return [
          `(SELECT p.receipt_id AS id FROM receipt_problems p ${where(
            `p.state = ${bound.add(state)}`,
            own,
            before && `p.receipt_id < ${before}`,
            `p.receipt_id NOT IN ${waiting}`,
          )} ${take})`,
        ];
      })
    : stored();
  const { rows } = await sql.query<{ id: string }>({
    text: `SELECT id FROM (${selects.join(' UNION ALL ')}) AS page ${take}`,
    values: bound.list,
  });
  return rows.map(({ id }) => id);
}
