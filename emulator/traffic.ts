import { draw } from './draw.js';
import type { EmulatedJob, Emulator } from './emulator.js';
import { type Api, APIS, KINDS } from './kinds/kinds.js';

export type TrafficOptions = {
  /** By the wall clock, whatever the emulator's time scale. */
  jobsPerMinute: number;
  /** One address, or one per account. */
  notifyAddress: string | ((accessKeyId: string) => string);
  /** Whose jobs; the first account that may have one by default. A job goes to an account of its own vendor. */
  accessKeyIds?: string[];
  apis?: Api[];
  /** The share of jobs that carry a NotifyAddress, 0 to 1. The others are found by polling only. */
  callbackShare?: number;
  seed?: number;
  /** Told about each job; the place to register what no callback will announce. */
  onSubmit?: (job: EmulatedJob) => void;
};

const TENANTS = ['daily-news', 'goal-tv', 'kidsplanet', 'live-shop', 'travel-log'] as const;
const SUBJECTS = ['match-day', 'morning-brief', 'unboxing', 'trailer', 'episode', 'recap', 'product-clip'] as const;
const QUIETEST_MS = 60_000;

/** Submits jobs as independent customers do: at random moments, in small bursts, of mixed kinds and sizes. */
export function startTraffic(
  emulator: Emulator,
  options: TrafficOptions,
): { readonly submitted: number; stop(): void } {
  const { jobsPerMinute, notifyAddress, callbackShare = 0.7, onSubmit } = options;
  const keysFor = (api: Api) => {
    const keys = emulator.accountsFor(api).map(({ accessKeyId }) => accessKeyId);
    return options.accessKeyIds ? keys.filter((key) => options.accessKeyIds?.includes(key)) : keys.slice(0, 1);
  };
  const apis = (options.apis ?? APIS).filter((api) => keysFor(api).length > 0);
  const drawn = draw(options.seed ?? 1, 'traffic');
  const pick = <T>(list: readonly T[]): T | undefined => list[drawn.int(0, list.length - 1)];
  let submitted = 0;
  let timer: NodeJS.Timeout;

  const submitOne = () => {
    const api = pick(apis) ?? APIS[0];
    const accessKeyId = pick(keysFor(api));
    const tenant = drawn.pick(TENANTS);
    const name = `${tenant}-${drawn.pick(SUBJECTS)}-${String(drawn.int(1, 9_999)).padStart(4, '0')}`;
    // Nobody calls back about Huawei's jobs.
    const mayCallBack = drawn.happens(callbackShare) && KINDS[api].vendor === 'alibaba-ims';
    const address = () => (typeof notifyAddress === 'string' ? notifyAddress : notifyAddress(accessKeyId ?? ''));
    const job = emulator.submit({
      api,
      accessKeyId,
      name,
      notifyAddress: mayCallBack ? address() : undefined,
      userData: { tenant, videoId: drawn.hex(8), ...(drawn.happens(0.3) && { priority: drawn.pick(['high', 'low']) }) },
    });
    submitted += 1;
    onSubmit?.(job);
  };

  const arm = () => {
    // Arrivals of independent customers: exponential gaps. A fifth of them bring a burst, so gaps are stretched to keep the rate.
    const burst = drawn.happens(0.2) ? drawn.int(2, 5) : 1;
    const gap = -Math.log(1 - drawn.next()) * (60_000 / jobsPerMinute) * 1.5;
    timer = setTimeout(
      () => {
        for (let count = 0; count < burst; count++) submitOne();
        arm();
      },
      Math.min(gap, QUIETEST_MS),
    );
  };
  if (jobsPerMinute > 0) arm();

  return {
    get submitted() {
      return submitted;
    },
    stop: () => clearTimeout(timer),
  };
}
