import { shownDocument } from './ims-document.js';
import { ImsError } from './ims-errors.js';
import type { ImsCall, ImsOperation } from './ims-operations.js';
import type { EmulatedJob } from './job.js';
import type { ImsKind, ImsListing } from './kinds/ims-kind.js';

/** The two styles of sheet section 6, each with its own names for the same things. */
const STYLES = {
  results: {
    size: 'MaxResults',
    usual: 10,
    token: 'NextToken',
    from: 'StartTime',
    to: 'EndTime',
    order: 'SortBy',
    oldestFirst: ['CreationTime:Asc', 'asc'],
  },
  pages: {
    size: 'PageSize',
    usual: 20,
    token: 'NextPageToken',
    from: 'StartOfCreateTime',
    to: 'EndOfCreateTime',
    order: 'OrderBy',
    oldestFirst: ['CreateTimeAsc'],
  },
} as const;
type Style = (typeof STYLES)[ImsListing['style']];

const LARGEST_PAGE = 100;

/** List<Kind>Jobs, newest first. Subjobs of batches are producing jobs like any other. */
export function listJobs(kind: ImsKind): ImsOperation {
  const { list } = kind;
  const style = STYLES[list.style];
  return (call) => {
    const { query, now, world } = call;
    const size = pageSize(query, style);
    const most = Math.min(size, world.faults.largestPage ?? size);
    const { from, to } = range(query, style, list.widestMs, now);
    const oldestFirst = (style.oldestFirst as readonly string[]).includes(query.get(style.order) ?? '');
    const status = query.get('Status');
    const begin = placeIn(query.get(style.token), style);

    const found = visibleJobs(kind, call)
      .filter((job) => created(job) >= from && created(job) <= to && passes(job, list, call))
      .filter((job) => !status || job.word(now) === status)
      .sort(oldestFirst ? byAge : (a, b) => byAge(b, a));
    const after = begin === null ? 0 : found.findIndex((job) => isBeyond(job, begin, oldestFirst));
    const rest = after < 0 ? [] : found.slice(after);
    const page = rest.slice(0, most);
    const last = page.at(-1);
    return {
      [list.key]: page.map((job) => without(shownDocument(job, call), list.without)),
      [style.token]: last && rest.length > most ? tokenOf(last) : '',
      ...(list.style === 'results' && { MaxResults: list.sizeAsText ? String(size) : size }),
    };
  };
}

function visibleJobs(kind: ImsKind, { account, world, now }: ImsCall): EmulatedJob[] {
  const jobs: EmulatedJob[] = [];
  for (const job of world.jobs.values()) {
    if (job.kind === kind && job.accessKeyId === account.accessKeyId && job.isKnown(now)) jobs.push(job);
  }
  return jobs;
}

function passes(job: EmulatedJob, { filters }: ImsListing, { query, now }: ImsCall): boolean {
  const { vendorJobId, parent } = job;
  const listed = { vendorJobId, parent, document: () => job.document(now) };
  return Object.entries(filters).every(([name, valueOf]) => {
    const wanted = query.get(name);
    return !wanted || valueOf(listed) === wanted;
  });
}

function pageSize(query: URLSearchParams, style: Style): number {
  const text = query.get(style.size);
  if (!text) return style.usual;
  const size = /^\d+$/.test(text) ? Number(text) : 0;
  if (size < 1 || size > LARGEST_PAGE) {
    throw new ImsError('InvalidParameter', `${style.size} must be between 1 and ${LARGEST_PAGE}.`);
  }
  return size;
}

function range(query: URLSearchParams, style: Style, widestMs = Infinity, now: Date) {
  const from = timeIn(query, style.from) ?? -Infinity;
  const to = timeIn(query, style.to) ?? Infinity;
  // Without a beginning the vendor chooses one; without an end it is now.
  const end = to === Infinity ? now.getTime() : to;
  if (from !== -Infinity && end - from > widestMs) {
    throw new ImsError('InvalidParameter', `${style.from} and ${style.to} are too far apart.`);
  }
  return { from, to };
}

function timeIn(query: URLSearchParams, name: string): number | null {
  const text = query.get(name);
  if (!text) return null;
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(time)) throw new ImsError('InvalidParameter', `${name} is not a UTC time.`);
  return time;
}

/** As the document has it: whole seconds. */
function created({ life }: EmulatedJob): number {
  return Math.floor(life.submittedAt / 1_000) * 1_000;
}

type Place = { at: number; id: string };

const placeOf = ({ life, vendorJobId }: EmulatedJob): Place => ({ at: life.submittedAt, id: vendorJobId });

function byPlace(a: Place, b: Place): number {
  return a.at - b.at || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

function byAge(a: EmulatedJob, b: EmulatedJob): number {
  return byPlace(placeOf(a), placeOf(b));
}

/** The last job of a page, so that jobs submitted between two pages shift nothing. */
function tokenOf(job: EmulatedJob): string {
  return Buffer.from(JSON.stringify(placeOf(job))).toString('base64url');
}

function placeIn(token: string | null, style: Style): Place | null {
  if (!token) return null;
  try {
    const { at, id } = JSON.parse(Buffer.from(token, 'base64url').toString()) as Partial<Place>;
    if (typeof at === 'number' && typeof id === 'string') return { at, id };
  } catch {
    // Refused below.
  }
  throw new ImsError('InvalidParameter', `${style.token} is not one of ours.`);
}

function isBeyond(job: EmulatedJob, place: Place, oldestFirst: boolean): boolean {
  const difference = byPlace(placeOf(job), place);
  return oldestFirst ? difference > 0 : difference < 0;
}

function without(value: unknown, names: readonly string[]): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const kept = Object.entries(value).filter(([name]) => !names.includes(name));
  return Object.fromEntries(kept.map(([name, field]) => [name, without(field, names)]));
}
