import type { JobSeen, Json } from '../../domain/observation.js';
import { Fields, isObject } from '../readers.js';
import type { Listing } from '../vendor-api.js';

/** The vendor's most for one page; its default is 10 or 20. */
const PAGE_SIZE = '100';
/** Documented for ListMediaProducingJobs; the others do not say, and lose nothing by it. */
const LONGEST_SPAN_MS = 30 * 86_400_000;

/** What the list operations of IMS call the same things; there are two ways (protocol sheet, section 6). */
const STYLES = {
  nextToken: { from: 'StartTime', to: 'EndTime', size: 'MaxResults', token: 'NextToken' },
  nextPageToken: { from: 'StartOfCreateTime', to: 'EndOfCreateTime', size: 'PageSize', token: 'NextPageToken' },
} as const;

/** What a page may hold beside its list. A page of nothing but these is an empty one. */
const ENVELOPE = new Set(['RequestId', 'MaxResults', 'NextToken', 'PageSize', 'NextPageToken', 'TotalCount']);

/** The list operation of one IMS API. Its items are what `readJob` reads, without parts and files. */
export function imsListing(of: {
  operation: string;
  style: keyof typeof STYLES;
  /** The key of the page's list. */
  list: string;
  /** The parameter, and its value, that puts the newest first. */
  newestFirst: Record<string, string>;
  readJob: (job: Fields, vendorJobId: string) => JobSeen;
}): Listing {
  const style = STYLES[of.style];
  return {
    operation: of.operation,
    longestSpanMs: LONGEST_SPAN_MS,

    query: ({ from, to, token }) => ({
      action: of.operation,
      parameters: {
        [style.from]: vendorTime(from),
        [style.to]: vendorTime(to),
        [style.size]: PAGE_SIZE,
        ...of.newestFirst,
        ...(token === null ? {} : { [style.token]: token }),
      },
    }),

    readPage(document) {
      const items = itemsOf(document, of.list);
      if (items === null) return null;
      const jobs = items.flatMap((item) => {
        // Read one by one, or each job would get the notes of all.
        const job = Fields.of(item, of.list);
        const vendorJobId = job.id('JobId');
        return vendorJobId === null ? [] : [{ ...of.readJob(job, vendorJobId), outputs: null, subjobs: [] }];
      });
      return { jobs, nextToken: Fields.of(document).rawText(style.token) };
    },
  };
}

/** The listed objects; null for what is no page. An empty list may be left out. */
function itemsOf(document: Json, list: string): Json[] | null {
  if (!isObject(document)) return null;
  const items = document[list];
  if (Array.isArray(items)) return items;
  const others = Object.keys(document).filter((key) => key !== list);
  const isEmptyPage = (items ?? null) === null && 'RequestId' in document && others.every((key) => ENVELOPE.has(key));
  return isEmptyPage ? [] : null;
}

/** `yyyy-MM-ddTHH:mm:ssZ`: the vendor takes whole seconds. */
function vendorTime(moment: Date): string {
  return `${moment.toISOString().slice(0, 19)}Z`;
}
