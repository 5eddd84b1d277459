import { randomUUID } from 'node:crypto';
import type { JobKind } from './kind.js';

/** What one Get operation of IMS asks, and what the List operation about the same jobs does (sheet sections 5 and 6). */
export interface ImsKind extends JobKind {
  vendor: 'alibaba-ims';
  getAction: string;
  /** Where the document stands in the Get answer. */
  root: string;
  list: ImsListing;
}

export type ImsListing = {
  action: string;
  /** Where the jobs stand in the answer. */
  key: string;
  /** `MaxResults` with `NextToken`, or `PageSize` with `NextPageToken`: each style has its own names for times and order. */
  style: 'results' | 'pages';
  /** Fields of the Get answer that are missing here, on every level. */
  without: readonly string[];
  /** Parameters beside the status and the time, and what of a job must be equal to them. */
  filters: Record<string, (job: ListedJob) => unknown>;
  /** The longest time between the beginning and the end that are asked for. */
  widestMs?: number;
  /** The answer repeats the page size as text. */
  sizeAsText?: true;
};

export type ListedJob = { vendorJobId: string; parent?: string; document: () => Record<string, unknown> };

/** An IMS answer holds one document under a name of its own. */
export function imsAnswers(root: string): Pick<ImsKind, 'vendor' | 'root' | 'answer' | 'documentIn'> {
  return {
    vendor: 'alibaba-ims',
    root,
    answer: (document) => ({ RequestId: randomUUID().toUpperCase(), [root]: document }),
    documentIn: (answer) => answer[root] as Record<string, unknown> | undefined,
  };
}

/** UTC, second resolution, as in every sample (sheet sections 1.3 and 5). */
export function vendorTime(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}
