import type { Draw } from '../draw.js';
import type { SubmitOptions } from '../emulator.js';

/** One cause at one customer, by which many jobs fail for a while, and what goes into each of them. */
type Trouble = Required<Pick<SubmitOptions, 'api' | 'name' | 'error'>> & { account: string; input?: string };

/** A job of a customer, to be submitted so long after the trouble began. */
export type TroubledOrder = { afterMs: number; account: string; order: SubmitOptions };

const FIRST_AFTER_MS = 1_000;
const EVERY_MS = 180_000;
/** Jobs that fail, one after the other; then, the cause mended, some that do not. */
const FAILING = { jobs: 14, apartMs: 4_000 };
const MENDED = { jobs: 4, afterMs: 75_000, apartMs: 4_000 };
const LASTS_MS = { least: 5_000, most: 12_000 };
const QUEUE_MS = 1_000;
const SUBJOBS = { least: 4, most: 8 };

const LOST_CLIP = '30d0b5e871eebb2ff7f6c75a0001c1f4';

const TROUBLES: readonly [Trouble, ...Trouble[]] = [
  {
    account: 'media-sg',
    api: 'alibaba-ims/batch-media-producing',
    name: 'goal-tv-final',
    error: { code: 'InvalidMaterial.NotFound', message: `The specified clips id not found:["${LOST_CLIP}"]` },
    input: LOST_CLIP,
  },
  {
    account: 'media-cn',
    api: 'alibaba-ims/media-convert',
    name: 'travel-log-trailer',
    error: {
      code: 'InvalidParameter.ResourceNotFound',
      message: 'The resource operated "InputFile" cannot be found',
    },
    input: 'http://archive-2019.oss-cn-shanghai.aliyuncs.com/in/opening-title.mp4',
  },
  {
    account: 'clips-cn-north',
    api: 'huawei-mpc/editing',
    name: 'daily-news-clip',
    error: { code: 'MPC.10210', message: 'Failed to read the file from OBS.' },
  },
];

/** What customers submit while something is wrong with one of them, and after it was mended. `number` counts from 0. */
export function troubledOrders(number: number, drawn: Draw): TroubledOrder[] {
  const { account, input, ...trouble } = TROUBLES[number % TROUBLES.length] ?? TROUBLES[0];
  const { api } = trouble;
  const ofBatch = api === 'alibaba-ims/batch-media-producing';
  const job = (place: number): SubmitOptions => ({
    ...trouble,
    name: `${trouble.name}-${String(place + 1).padStart(2, '0')}`,
    queueMs: QUEUE_MS,
    durationMs: drawn.between(LASTS_MS.least, LASTS_MS.most),
    // A part that is heard of before its batch is taken for a job, and its failure for another alert: so none calls back, and
    // it is not the account whose jobs are listed.
    ...(ofBatch && { subjobs: drawn.int(SUBJOBS.least, SUBJOBS.most), subjobCallbacks: false }),
  });
  const failing = Array.from({ length: FAILING.jobs }, (_, place): TroubledOrder => ({
    afterMs: place * FAILING.apartMs,
    account,
    order: { ...job(place), input, outcome: api === 'huawei-mpc/editing' ? 'failed' : 'partially_failed' },
  }));
  const mended = Array.from({ length: MENDED.jobs }, (_, place): TroubledOrder => ({
    afterMs: MENDED.afterMs + place * MENDED.apartMs,
    account,
    order: { ...job(FAILING.jobs + place), outcome: 'succeeded' },
  }));
  return [...failing, ...mended];
}

/** One trouble after the other, from now on. Answers how to stop them. */
export function startTroubles(submit: (account: string, order: SubmitOptions) => void, drawn: Draw): () => void {
  const timers = new Set<NodeJS.Timeout>();
  const after = (ms: number, work: () => void) => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      work();
    }, ms);
    timers.add(timer);
  };
  const begin = (number: number) => {
    for (const { afterMs, account, order } of troubledOrders(number, drawn)) {
      after(afterMs, () => submit(account, order));
    }
    after(EVERY_MS, () => begin(number + 1));
  };
  after(FIRST_AFTER_MS, () => begin(0));
  return () => timers.forEach((timer) => clearTimeout(timer));
}
