import type { SqlPool } from '../database/sql-pool.js';
import type { JobFilter, SubjobFilter } from '../domain/job-filter.js';
import { refHash } from '../domain/job-ref.js';
import { JOB_STATUSES, type SubjobStatus } from '../domain/status.js';
import type { SortColumn } from './job-schemas.js';
import { Values } from './values.js';

/**
 * The lists, by hand, since a page must cost the same at a million jobs as at a thousand, whatever it is filtered and sorted
 * by, and indexes are what apply pays for most. One index a sort and one by account, API and status are all there are, so
 * a page is found in one of three ways:
 *
 * - **merged**: the default sort with these filters, along the index by them, one ordered branch per combination;
 * - **walked**: along the index of the sort, looking at no more than `LOOKED_AT` rows;
 * - **gathered**: where that found too few, everything that one of the filters matches, if that is no more than `GATHERED`,
 *   as the rows walked along let expect.
 *
 * A filter that matches too much to gather and too little to be met on the way gives a page with fewer rows than asked for,
 * and the place where looking stopped. The answers are ids in order.
 */

/**
 * Measured at a million jobs: either takes 2 to 4 ms, and a page has 10 for both and its rows. Subjobs take their jobs along, and
 * those that have not succeeded lie far apart.
 */
const LOOKED_AT = { jobs: 1000, subjobs: 1000, unsuccessfulSubjobs: 500 };
const GATHERED = 500;
/**
 * What is sought by name is gathered before looking along an index, unless it is so short that many have it: to find that there is
 * more than this must cost next to nothing.
 */
const SOUGHT = 100;
const SHORT_NAME = 2;

/** The place after a row in a list: its sort value (null: among the rows without one) and its id. */
export type Place = { at: string | null; id: string };
export type Listed = { id: string; at: Date | null };
/** A page in order, and the place where the next one begins; null at the end of the list. */
export type ListedPage = { ids: string[]; next: Place | null };

const COLUMNS: Record<SortColumn, string> = {
  createdAt: 'created_at',
  updatedAt: 'updated_at',
  terminalAt: 'terminal_at',
  vendorCreatedAt: 'vendor_created_at',
};
const NULLABLE = new Set<SortColumn>(['terminalAt', 'vendorCreatedAt']);
const NAME_IN_INDEX = 200;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** As the partial indexes have it: parts of batches that nobody registered are in no list. */
const IS_LISTED = '(j.parent_job_id IS NULL OR j.registered)';

type Sort = { column: SortColumn; descending: boolean };

export function sortOf(text: string): Sort {
  const descending = text.startsWith('-');
  return { column: (descending ? text.slice(1) : text) as SortColumn, descending };
}

export async function listJobIds(
  sql: SqlPool,
  filter: JobFilter,
  sort: Sort,
  after: Place | null,
  limit: number,
): Promise<ListedPage> {
  // One more than is shown, to know whether there are more.
  const wanted = limit + 1;
  const { status, account, api, label, q } = filter;
  if (sort.column === 'createdAt' && (status ?? account ?? api) && !(label ?? q)) {
    return pageOf(await mergeJobs(sql, filter, sort, after, wanted), limit);
  }

  const page = { filter, sort, after, wanted };
  const sources = candidatesOf(filter);
  // What people look for by name is hardly ever met on the way.
  const byName = q !== undefined && q.length > SHORT_NAME ? sources.slice(0, 1) : [];
  const named = await gatherJobs(sql, byName, SOUGHT, page);
  if (named) return pageOf(named, limit);

  const rows: Listed[] = [];
  for (const section of sectionsOf(sort, after)) {
    const from = section === sectionOf(after) ? after : null;
    const walk = { filter, sort, section, after: from, sources };
    const { met, stoppedAt, few } = await walkJobs(sql, walk, wanted - rows.length);
    rows.push(...met);
    if (rows.length === wanted) break;
    if (stoppedAt === null) continue;
    const gathered = await gatherJobs(sql, few, GATHERED, page);
    return gathered ? pageOf(gathered, limit) : { ids: rows.map(({ id }) => id), next: stoppedAt };
  }
  return pageOf(rows, limit);
}

export async function listSubjobIds(
  sql: SqlPool,
  filter: SubjobFilter,
  descending: boolean,
  after: Place | null,
  limit: number,
): Promise<ListedPage> {
  const sort: Sort = { column: 'createdAt', descending };
  const { met, stoppedAt, few } = await walkSubjobs(sql, filter, sort, after, limit + 1);
  if (met.length > limit || stoppedAt === null) return pageOf(met, limit);
  const gathered = await gatherSubjobs(sql, few, filter, sort, after, limit + 1);
  return gathered ? pageOf(gathered, limit) : { ids: met.map(({ id }) => id), next: stoppedAt };
}

function pageOf(rows: readonly Listed[], limit: number): ListedPage {
  const shown = rows.slice(0, limit);
  return { ids: shown.map(({ id }) => id), next: rows.length > limit ? placeOf(shown.at(-1)) : null };
}

function placeOf(row: Listed | undefined): Place | null {
  return row ? { at: row.at?.toISOString() ?? null, id: row.id } : null;
}

/** Rows with a value of the sort come first, then those without: two walks of one index, which neither way ends with nulls. */
type Section = 'with' | 'without';

function sectionOf(place: Place | null): Section {
  return place?.at === null ? 'without' : 'with';
}

function sectionsOf({ column }: Sort, after: Place | null): Section[] {
  if (!NULLABLE.has(column)) return ['with'];
  return sectionOf(after) === 'with' ? ['with', 'without'] : ['without'];
}

/** Along the index by account, API and status: flat, however rare the combination. */
async function mergeJobs(sql: SqlPool, filter: JobFilter, sort: Sort, after: Place | null, limit: number) {
  const bound = new Values();
  const conditions = [IS_LISTED, ...createdConditions('j', filter, bound), ...placeCondition('j', sort, after, bound)];
  const take = `ORDER BY ${ordered(sort)} LIMIT ${bound.add(limit)}`;
  return read(
    sql,
    `WITH RECURSIVE ${KINDS} SELECT page.id, page.at FROM ${kindsIn(filter, bound)}, LATERAL (
       SELECT j.id, j.created_at AS at FROM jobs j
       WHERE j.account = kind.account AND j.api = kind.api AND j.status = kind.status AND ${conditions.join(' AND ')} ${take}
     ) AS page ${take}`,
    bound,
  );
}

async function walkJobs(
  sql: SqlPool,
  walk: { filter: JobFilter; sort: Sort; section: Section; after: Place | null; sources: readonly Source[] },
  wanted: number,
): Promise<Walked> {
  const { filter, sort, section, after, sources } = walk;
  const bound = new Values();
  const conditions = [...listConditions(filter, bound), ...jobConditions(filter, bound)];
  const columns = `j.id, j.${COLUMNS[sort.column]} AS at, ${verdicts(conditions, sources, bound)}`;
  const looked = `SELECT ${columns} ${lookedAt(filter, sort, section, after, bound)} LIMIT ${LOOKED_AT.jobs}`;
  return walked(sql, { looked, most: LOOKED_AT.jobs, sources, wanted }, bound);
}

/** Whether a job is wanted, and which of the sources it is in. */
function verdicts(conditions: readonly string[], sources: readonly Source[], bound: Values): string {
  const matches = sources.map(({ matches }, i) => `, ${all(...matches(bound))} AS m${i}`);
  return `${all(...conditions)} AS met${matches.join('')}`;
}

/**
 * Of the rows of `looked`, which are in order and no more than `most`: the first `wanted` of those that are met; the last one
 * looked at, null when the end came before; and the sources that may be worth gathering, going by how many of the rows each
 * matches: to find that a label has too many jobs costs as much as all the rest.
 */
async function walked(
  sql: SqlPool,
  { looked, most, sources, wanted }: { looked: string; most: number; sources: readonly Source[]; wanted: number },
  bound: Values,
): Promise<Walked> {
  const counts = sources.map((_, i) => `, count(*) FILTER (WHERE m${i})::int`);
  const unlessWhole = (text: string) => `CASE WHEN (SELECT count(*) FROM met) < ${wanted} THEN (${text}) END`;
  const last = (column: 'id' | 'at') => `SELECT ${column} FROM looked OFFSET ${most - 1}`;
  // Postgres makes the rows of `looked` as they are asked for: none but those that it takes to fill the page.
  const { rows } = await sql.query<WalkedRow>({
    text: `WITH looked AS MATERIALIZED (${looked}),
      met AS MATERIALIZED (SELECT id, at FROM looked WHERE met LIMIT ${wanted})
      SELECT ARRAY(SELECT id FROM met) AS ids, ARRAY(SELECT at FROM met) AS ats,
        ${unlessWhole(last('id'))} AS id, ${unlessWhole(last('at'))} AS at,
        ${unlessWhole(`SELECT ARRAY[count(*)::int${counts.join('')}] FROM looked`)} AS matched,
        (SELECT reltuples::float8 FROM pg_class WHERE oid = 'jobs'::regclass) AS jobs`,
    values: bound.list,
  });
  const { ids = [], ats = [], id, at, matched, jobs = 0 } = rows[0] ?? {};
  const [seen = 0, ...each] = matched ?? [];
  return {
    met: ids.map((id, i) => ({ id, at: ats[i] ?? null })),
    stoppedAt: id ? placeOf({ id, at: at ?? null }) : null,
    few: sources.filter((_, i) => ((each[i] ?? 0) / Math.max(1, seen)) * jobs <= 2 * GATHERED),
  };
}

type Walked = { met: Listed[]; stoppedAt: Place | null; few: Source[] };

/** One row: which rows were met; unless they fill the page, the last one looked at, how many were, and how many each source matches. */
type WalkedRow = {
  ids: string[];
  ats: (Date | null)[];
  id: string | null;
  at: Date | null;
  matched: number[] | null;
  jobs: number;
};

/** What the index of the sort can say of a row, in its order. */
function lookedAt(filter: JobFilter, sort: Sort, section: Section, after: Place | null, bound: Values): string {
  const column = COLUMNS[sort.column];
  const conditions = [
    IS_LISTED,
    ...(NULLABLE.has(sort.column) ? [`j.${column} IS ${section === 'with' ? 'NOT NULL' : 'NULL'}`] : []),
    ...(sort.column === 'createdAt' ? createdConditions('j', filter, bound) : []),
    ...placeCondition('j', sort, after, bound),
  ];
  return `FROM jobs j WHERE ${all(...conditions)} ORDER BY ${ordered(sort, `j.${column}`, 'j.id')}`;
}

/** All that the first of the sources with no more than `most` jobs has, filtered and sorted; null when each has more. */
async function gatherJobs(
  sql: SqlPool,
  sources: readonly Source[],
  most: number,
  { filter, sort, after, wanted }: { filter: JobFilter; sort: Sort; after: Place | null; wanted: number },
) {
  const column = `j.${COLUMNS[sort.column]}`;
  for (const source of sources) {
    const bound = new Values();
    const [place = 'true'] = placeCondition('j', sort, after, bound);
    const matches = all(
      IS_LISTED,
      ...listConditions(filter, bound),
      ...jobConditions(filter, bound),
      // After a row that has a value come those without as well.
      after?.at === null ? `${column} IS NULL AND ${place}` : `(${place} OR ${column} IS NULL)`,
    );
    const candidates = source.select(`j.id, ${column} AS at, ${matches} AS matches`, bound, most);
    const page = `SELECT id, at FROM candidates WHERE matches ORDER BY at IS NULL, ${ordered(sort)}`;
    const found = await gather(sql, { candidates, most, page, sort, limit: wanted }, bound);
    if (found) return found;
  }
  return null;
}

async function walkSubjobs(
  sql: SqlPool,
  filter: SubjobFilter,
  sort: Sort,
  after: Place | null,
  wanted: number,
): Promise<Walked> {
  const bound = new Values();
  const { createdAfter: _after, createdBefore: _before, status, ...ofJob } = filter;
  const sources = candidatesOf(ofJob);
  const conditions = [...listConditions(ofJob, bound), ...jobConditions(ofJob, bound)];
  if (status) conditions.push(`s.status = ANY(${bound.add(status)}::text[])`);
  const most = isScattered(filter) ? LOOKED_AT.unsuccessfulSubjobs : LOOKED_AT.subjobs;
  const subjobs = subjobsLookedAt(filter, sort, after, most, bound);
  // One job after the other, as the subjobs come, and each remembered for the next of its subjobs: a join of another kind would read
  // them all first.
  const looked = `SELECT s.id, s.at, v.* FROM (${subjobs} LIMIT ${most}) AS s,
    LATERAL (SELECT ${verdicts([IS_LISTED, ...conditions], sources, bound)} FROM jobs j WHERE j.id = s.job_id LIMIT 1) AS v`;
  return walked(sql, { looked, most, sources, wanted }, bound);
}

function isScattered({ status = [] }: SubjobFilter): boolean {
  return status.length > 0 && !status.includes('succeeded');
}

/** Most subjobs have succeeded: those that have not are in an index of their own, an ordered branch a status. */
function subjobsLookedAt(filter: SubjobFilter, sort: Sort, after: Place | null, most: number, bound: Values): string {
  const conditions = [...createdConditions('s', filter, bound), ...placeCondition('s', sort, after, bound)];
  const columns = 's.id, s.job_id, s.status, s.created_at AS at';
  const order = `ORDER BY ${ordered(sort, 's.created_at', 's.id')}`;
  if (!isScattered(filter)) return `SELECT ${columns} FROM subjobs s WHERE ${all(...conditions)} ${order}`;
  const branch = (status: SubjobStatus) => {
    const own = [`s.status = ${bound.add(status)}`, `s.status <> 'succeeded'`, ...conditions];
    return `(SELECT ${columns} FROM subjobs s WHERE ${all(...own)} ${order} LIMIT ${most})`;
  };
  const branches = [...new Set(filter.status)].map(branch);
  return `SELECT * FROM (${branches.join(' UNION ALL ')}) AS s ORDER BY ${ordered(sort)}`;
}

/** The subjobs of all jobs that one of the filters matches; null when each matches too many. */
async function gatherSubjobs(
  sql: SqlPool,
  sources: readonly Source[],
  filter: SubjobFilter,
  sort: Sort,
  after: Place | null,
  limit: number,
) {
  const { createdAfter: _after, createdBefore: _before, status, ...ofJob } = filter;
  for (const source of sources) {
    const bound = new Values();
    const matches = all(IS_LISTED, ...listConditions(ofJob, bound), ...jobConditions(ofJob, bound));
    const candidates = source.select(`j.id, ${matches} AS matches`, bound, GATHERED);
    const conditions = [
      ...createdConditions('s', filter, bound),
      ...placeCondition('s', sort, after, bound),
      ...(status ? [`s.status = ANY(${bound.add(status)}::text[])`] : []),
    ];
    // Job after job, behind a fence: to read all subjobs there are looks cheap to the planner where there are few jobs.
    const page = `SELECT s.id, s.at FROM candidates c, LATERAL (
        SELECT s.id, s.created_at AS at FROM subjobs s WHERE ${all('s.job_id = c.id', ...conditions)} OFFSET 0
      ) AS s WHERE c.matches ORDER BY ${ordered(sort, 's.at', 's.id')}`;
    const found = await gather(sql, { candidates, most: GATHERED, page, sort, limit }, bound);
    if (found) return found;
  }
  return null;
}

/** Where all jobs that a filter matches come from: a statement for the given columns, of one more than `most`. */
type Source = {
  matches: (bound: Values) => string[];
  select: (columns: string, bound: Values, most: number) => string;
};

/** One source a filter; those that match the fewest come first. In an index's order, or all of its entries would be read for a few. */
function candidatesOf(filter: JobFilter): Source[] {
  const { status, account, api, label, q, createdAfter, createdBefore } = filter;
  const sources: Source[] = [];
  if (q !== undefined) {
    sources.push({
      matches: (bound) => jobConditions({ q }, bound),
      select: (columns, bound, most) => matching(q, columns, bound, most),
    });
  }
  if (label) {
    const matches = (bound: Values) => [`j.labels <> '{}'`, ...labelConditions(label, bound)];
    const select = (columns: string, bound: Values, most: number) =>
      `SELECT ${columns} FROM jobs j WHERE ${all(...matches(bound))} LIMIT ${most + 1}`;
    sources.push({ matches, select });
  }
  if (status ?? account ?? api) {
    sources.push({
      matches: (bound) => listConditions({ status, account, api }, bound),
      select: (columns, bound, most) => `SELECT c.* FROM ${kindsIn(filter, bound)}, LATERAL (
        SELECT ${columns} FROM jobs j
        WHERE j.account = kind.account AND j.api = kind.api AND j.status = kind.status AND ${IS_LISTED}
        ORDER BY j.created_at, j.id LIMIT ${most + 1}
      ) AS c LIMIT ${most + 1}`,
    });
  }
  if (createdAfter ?? createdBefore) {
    const matches = (bound: Values) => [IS_LISTED, ...createdConditions('j', filter, bound)];
    const select = (columns: string, bound: Values, most: number) =>
      `SELECT ${columns} FROM jobs j WHERE ${all(...matches(bound))} ORDER BY j.created_at LIMIT ${most + 1}`;
    sources.push({ matches, select });
  }
  return sources;
}

/**
 * By ref, by id, by the beginnings of names and of the vendor's ids; the latter one API of one account after the other, as the
 * key has them. Sorted as their indexes are, or the planner would rather read the table until there are enough.
 */
function matching(q: string, columns: string, bound: Values, most: number): string {
  const limit = `LIMIT ${most + 1}`;
  const ids = [
    `SELECT job_id AS id FROM job_refs WHERE ref = ${bound.add(refHash(q))}::uuid ${limit}`,
    ...(UUID.test(q) ? [`SELECT ${bound.add(q)}::uuid`] : []),
    `SELECT j.id FROM jobs j WHERE ${all('j.name IS NOT NULL', ...nameConditions(q, bound))}
     ORDER BY left(j.name, ${NAME_IN_INDEX}) USING ~<~ ${limit}`,
    `SELECT found.id FROM kinds, LATERAL (
       SELECT j.id FROM jobs j
       WHERE j.account = kinds.account AND j.api = kinds.api AND j.vendor_job_id LIKE ${beginning(q, bound)}
       ORDER BY j.account, j.api, j.vendor_job_id USING ~<~ ${limit}
     ) AS found ${limit}`,
  ];
  const found = `SELECT id FROM (${ids.map((text) => `(${text})`).join(' UNION ALL ')}) AS found ${limit}`;
  return `SELECT ${columns} FROM jobs j WHERE j.id = ANY(ARRAY(${found})) ${limit}`;
}

const KINDS = `kinds AS (
  (SELECT account, api FROM jobs ORDER BY account, api LIMIT 1)
  UNION ALL
  SELECT next.account, next.api FROM kinds, LATERAL (
    SELECT j.account, j.api FROM jobs j WHERE (j.account, j.api) > (kinds.account, kinds.api)
    ORDER BY j.account, j.api LIMIT 1
  ) AS next
)`;

/** Every combination of account, API and status that the filter allows: those that have jobs, by jumping from one to the next. */
function kindsIn({ status, account, api }: JobFilter, bound: Values): string {
  const values = (list: readonly string[]) => `unnest(${bound.add([...new Set(list)])}::text[])`;
  const statuses = `${values(status ?? JOB_STATUSES)} AS s(status)`;
  if (account && api) {
    return `(SELECT account, api, status FROM ${values(account)} AS a(account), ${values(api)} AS b(api), ${statuses}) AS kind`;
  }
  const conditions = [
    ...(account ? [`account = ANY(${bound.add(account)}::text[])`] : []),
    ...(api ? [`api = ANY(${bound.add(api)}::text[])`] : []),
  ];
  return `(SELECT account, api, status FROM kinds, ${statuses} WHERE ${all(...conditions)}) AS kind`;
}

/** `page`, of the candidates, unless there are too many of them: then null. */
async function gather(
  sql: SqlPool,
  {
    candidates,
    most,
    page,
    sort,
    limit,
  }: { candidates: string; most: number; page: string; sort: Sort; limit: number },
  bound: Values,
) {
  const { rows } = await sql.query<{ tooMany: boolean; id: string | null; at: Date | null }>({
    text: `WITH RECURSIVE ${KINDS}, candidates AS MATERIALIZED (${candidates}),
      size AS MATERIALIZED (SELECT count(*) > ${most} AS too_many FROM candidates)
      SELECT size.too_many AS "tooMany", page.id, page.at FROM size LEFT JOIN (
        SELECT * FROM (${page}) AS page WHERE NOT (SELECT too_many FROM size) LIMIT ${bound.add(limit)}
      ) AS page ON true ORDER BY page.at IS NULL, ${ordered(sort, 'page.at', 'page.id')}`,
    values: bound.list,
  });
  if (rows[0]?.tooMany) return null;
  return rows.flatMap(({ id, at }) => (id === null ? [] : [{ id, at }]));
}

async function read(sql: SqlPool, text: string, { list }: Values): Promise<Listed[]> {
  return (await sql.query<Listed>({ text, values: list })).rows;
}

function listConditions(filter: JobFilter, bound: Values): string[] {
  const lists = [
    ['j.status', filter.status],
    ['j.account', filter.account],
    ['j.api', filter.api],
  ] as const;
  return [
    ...lists.flatMap(([column, values]) => (values ? [`${column} = ANY(${bound.add(values)}::text[])`] : [])),
    ...createdConditions('j', filter, bound),
  ];
}

/** What is asked of the job itself and no ordered index can say. */
function jobConditions({ label = [], q }: Pick<JobFilter, 'label' | 'q'>, bound: Values): string[] {
  const conditions = labelConditions(label, bound);
  if (q !== undefined) {
    const matches = [
      `j.id = ANY(ARRAY(SELECT job_id FROM job_refs WHERE ref = ${bound.add(refHash(q))}::uuid))`,
      `(${all(...nameConditions(q, bound))})`,
      `j.vendor_job_id LIKE ${beginning(q, bound)}`,
      ...(UUID.test(q) ? [`j.id = ${bound.add(q)}::uuid`] : []),
    ];
    conditions.push(`(${matches.join(' OR ')})`);
  }
  return conditions;
}

/** One condition a label: asking for two values of one key must find nothing. */
function labelConditions(labels: NonNullable<JobFilter['label']>, bound: Values): string[] {
  return labels.map(([key, value]) => `j.labels @> ${bound.add(JSON.stringify({ [key]: value }))}::jsonb`);
}

function nameConditions(q: string, bound: Values): string[] {
  const indexed = `left(j.name, ${NAME_IN_INDEX}) LIKE ${beginning(q.slice(0, NAME_IN_INDEX), bound)}`;
  return q.length > NAME_IN_INDEX ? [indexed, `j.name LIKE ${beginning(q, bound)}`] : [indexed];
}

function beginning(text: string, bound: Values): string {
  return bound.add(`${text.replace(/[\\%_]/g, '\\$&')}%`);
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

/** Beyond the place within its section. */
function placeCondition(table: string, sort: Sort, after: Place | null, bound: Values): string[] {
  if (after === null) return [];
  const beyond = sort.descending ? '<' : '>';
  const id = `${bound.add(after.id)}::uuid`;
  if (after.at === null) return [`${table}.id ${beyond} ${id}`];
  return [`(${table}.${COLUMNS[sort.column]}, ${table}.id) ${beyond} (${bound.add(after.at)}::timestamptz, ${id})`];
}

/** Spelled so that an index (sort, id) serves both ways, with its nulls where they lie in it. */
function ordered({ descending }: Sort, at = 'at', id = 'id'): string {
  return descending ? `${at} DESC NULLS FIRST, ${id} DESC` : `${at}, ${id}`;
}

function all(...conditions: readonly string[]): string {
  return conditions.length > 0 ? conditions.join(' AND ') : 'true';
}
