import type { JobItem, NewJob, TrackedJobs } from '../../src/jobs/job-schemas.js';
import type { Page } from '../../src/jobs/page.js';

/** What came through the two doors since the tracker started. */
export type DoorCounts = { stored: number; repeated: number; refused: number; answered: number; unanswered: number };

export type Registration = Pick<NewJob, 'account' | 'api' | 'vendorJobId' | 'callbackExpected' | 'labels'>;

const PATIENCE_MS = 5_000;

/** The tracker as any program sees it: over HTTP, with the key. */
export class TrackerApi {
  constructor(
    private readonly url: string,
    private readonly key: string,
  ) {}

  async isReady(): Promise<boolean> {
    return (await this.fetch('/health/ready').catch(() => null))?.ok ?? false;
  }

  /** Safe to repeat. */
  async register(jobs: Registration[]): Promise<void> {
    const response = await this.fetch('/v1/jobs/batch', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jobs }),
    });
    const { results } = (await response.json()) as TrackedJobs;
    const refused = results.find((result) => 'problem' in result);
    if (refused && 'problem' in refused) throw new Error(JSON.stringify(refused.problem));
  }

  async newest(limit: number): Promise<JobItem[]> {
    return ((await (await this.fetch(`/v1/jobs?limit=${limit}`)).json()) as Page<JobItem>).data;
  }

  /** Latest change first, page by page. */
  async *changed(pageSize: number): AsyncGenerator<JobItem[]> {
    for (let cursor = ''; ;) {
      const page = (await (
        await this.fetch(`/v1/jobs?sort=-updatedAt&limit=${pageSize}${cursor}`)
      ).json()) as Page<JobItem>;
      yield page.data;
      if (page.nextCursor === null) return;
      cursor = `&cursor=${page.nextCursor}`;
    }
  }

  /** From one scrape. */
  async counts(): Promise<{ doors: DoorCounts; openAlerts: number }> {
    const metrics = await (await this.fetch('/metrics')).text();
    return { doors: doorCounts(metrics), openAlerts: openAlerts(metrics) };
  }

  private async fetch(path: string, request: RequestInit = {}): Promise<Response> {
    const response = await fetch(this.url + path, {
      ...request,
      headers: { ...request.headers, authorization: `Bearer ${this.key}` },
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (!response.ok)
      throw new Error(`${request.method ?? 'GET'} ${path}: ${response.status} ${await response.text()}`);
    return response;
  }
}

/** From the lines of /metrics, such as `callsheet_vendor_calls_total{account="a",api="b",result="ok"} 12`. */
export function doorCounts(metrics: string): DoorCounts {
  const sum = (name: string, wanted: (result: string) => boolean) =>
    [...metrics.matchAll(new RegExp(`^${name}\\{.*result="(\\w+)".*\\} (\\d+)$`, 'gm'))]
      .filter(([, result = '']) => wanted(result))
      .reduce((total, [, , value]) => total + Number(value), 0);
  const callbacks = 'callsheet_callbacks_received_total';
  const polls = 'callsheet_vendor_calls_total';
  return {
    stored: sum(callbacks, (result) => result === 'stored'),
    repeated: sum(callbacks, (result) => result === 'duplicate'),
    refused: sum(callbacks, (result) => result === 'refused' || result === 'failed'),
    answered: sum(polls, (result) => result === 'ok'),
    unanswered: sum(polls, (result) => result !== 'ok'),
  };
}

/** Of all rules; those that somebody acknowledged or silenced are no longer open. */
export function openAlerts(metrics: string): number {
  const counts = [...metrics.matchAll(/^callsheet_alerts_open\{.*status="open".*\} (\d+)$/gm)];
  return counts.reduce((total, [, value]) => total + Number(value), 0);
}
