/** Everything that can go wrong on purpose. Rates are 0 (never) to 1 (always) and may change while the emulator runs. */
export type Faults = {
  /** Callbacks: lost on the way, sent twice, sent `delayMs` late (scaled), overtaken by the next one to the same address. */
  dropped: number;
  doubled: number;
  delayed: number;
  delayMs: number;
  reordered: number;
  /** An extra callback, correctly addressed and signed, that claims the opposite result while the job still runs. */
  forged: number;
  /** Requests: Throttling.User, 500 or 503 in JSON, a 502 HTML page, an answer after `slowMs` (not scaled), a cut socket. */
  throttled: number;
  serverError: number;
  htmlPage: number;
  slow: number;
  slowMs: number;
  reset: number;
  /** Content: a status word nobody documented while the job is not final; values as untidy as in the vendor's samples. */
  unknownWord: number;
  dirtyValues: number;
  /** A job is not found for so long after its submission (scaled), as after a lagging replica. */
  jobNotFoundForMs: number;
  /** Keys answered with InvalidAccessKeyId.NotFound, actions answered with Forbidden.RAM. */
  refuseKeys: Iterable<string>;
  forbiddenActions: Iterable<string>;
  /** Requests allowed per second for each account and action; the burst defaults to one second's worth. */
  limitPerSecond: number | undefined;
  limitBurst: number | undefined;
};

export const NO_FAULTS: Faults = {
  dropped: 0,
  doubled: 0,
  delayed: 0,
  delayMs: 30_000,
  reordered: 0,
  forged: 0,
  throttled: 0,
  serverError: 0,
  htmlPage: 0,
  slow: 0,
  slowMs: 10_000,
  reset: 0,
  unknownWord: 0,
  dirtyValues: 0,
  jobNotFoundForMs: 0,
  refuseKeys: [],
  forbiddenActions: [],
  limitPerSecond: undefined,
  limitBurst: undefined,
};

const RATES = [
  'dropped',
  'doubled',
  'delayed',
  'reordered',
  'forged',
  'throttled',
  'serverError',
  'htmlPage',
  'slow',
  'reset',
  'unknownWord',
  'dirtyValues',
] as const satisfies (keyof Faults)[];

export type Rate = (typeof RATES)[number];

/** A misspelt fault or a rate in percent would make a test pass for the wrong reason: both are refused. */
export function withFaults(current: Faults, change: Partial<Faults>): Faults {
  const unknown = Object.keys(change).filter((name) => !(name in NO_FAULTS));
  if (unknown.length > 0) throw new RangeError(`no such fault: ${unknown.join(', ')}`);

  const next = { ...current, ...change };
  const wrong = RATES.filter((name) => !(next[name] >= 0 && next[name] <= 1));
  if (wrong.length > 0) throw new RangeError(`not a rate between 0 and 1: ${wrong.join(', ')}`);
  return next;
}
