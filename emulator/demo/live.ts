import { setTimeout as sleep } from 'node:timers/promises';
import type { JobItem } from '../../src/jobs/job-schemas.js';
import type { Clouds } from './clouds.js';
import { plainFace, tableFace } from './faces.js';
import { Mirror } from './mirror.js';
import type { ReceiverPage } from './receiver-page.js';
import type { Tracker } from './tracker-process.js';
import { type Verdict, verdictOn } from './verdict.js';
import type { View } from './view.js';

const REFRESH_MS = 1_000;
/** More than any screen shows of them. */
const NEWEST = 30;
const TROUBLE_STAYS_MS = 10_000;

type Options = {
  clouds: Clouds;
  tracker: Tracker;
  page: ReceiverPage;
  say: (line: string) => void;
  /** There is something to see, for the first time. */
  onShown: () => void;
  signal: AbortSignal;
};

/** Lets the customers in and shows what the tracker makes of their jobs, until the signal or the tracker's own end. */
export async function live({ clouds, tracker, page, say, onShown, signal }: Options): Promise<Verdict> {
  const startedAt = Date.now();
  const mirror = new Mirror((vendorJobId) => clouds.isSubjob(vendorJobId));
  let trouble: { text: string; at: number } | null = null;
  const onTrouble = (text: string) => void (trouble = { text, at: Date.now() });

  const takeIn = async (): Promise<JobItem[]> => {
    const settled = await mirror.refresh(tracker.api);
    settled.forEach(({ vendorJobId }) => clouds.settled(vendorJobId));
    return settled;
  };
  const viewNow = async (): Promise<View> => {
    const [jobs, { doors, openAlerts }] = await Promise.all([tracker.api.newest(NEWEST), tracker.api.counts()]);
    tracker.log.read();
    const now = Date.now();
    return {
      url: tracker.url,
      key: tracker.key,
      now,
      startedAt,
      counts: mirror.counts(),
      doors,
      alerts: { page: page.url, open: openAlerts, newest: page.board.newest },
      log: tracker.log,
      jobs,
      exampleId: mirror.example?.id ?? jobs[0]?.id ?? null,
      trouble: trouble && now - trouble.at < TROUBLE_STAYS_MS ? trouble.text : null,
    };
  };

  // What is there from earlier runs is no news.
  await takeIn();
  clouds.openTo(tracker, onTrouble);
  const face = process.stdout.isTTY ? tableFace(process.stdout) : plainFace(say);
  let view: View | null = null;
  let shown = false;
  try {
    while (!signal.aborted) {
      const began = Date.now();
      let news: JobItem[] = [];
      try {
        news = await takeIn();
        view = await viewNow();
      } catch (error) {
        if (view) view = { ...view, now: began, trouble: `the tracker does not answer: ${String(error)}` };
      }
      if (view && !signal.aborted) {
        face.show(view, news);
        if (!shown) onShown();
        shown = true;
      }
      await sleep(Math.max(0, began + REFRESH_MS - Date.now()), undefined, { signal }).catch(() => undefined);
    }
  } finally {
    face.close();
  }
  await takeIn().catch(() => undefined);
  return verdictOn(clouds.truths.values(), (vendorJobId) => mirror.get(vendorJobId), Date.now());
}
