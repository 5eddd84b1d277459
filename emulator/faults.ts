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
  /** Requests: throttling, 500 or 503 in JSON, a 502 HTML page, an answer after `slowMs` (not scaled), a cut socket. */
  throttled: number;
  serverError: number;
  htmlPage: number;
  slow: number;
  slowMs: number;
  reset: number;
  /** Content: a status word nobody documented while the job is not final; values as untidy as in the vendor's samples. */
  unknownWord: number;
  dirtyValues: number;
  /** An unknown id comes back as a job with the status `NO_TASK` instead of being left out (Huawei). */
  noTask: number;
  /** Fields of a job in the answer to a question for it: left out, added, wrapped into an object. The top level only. */
  changedFields: ChangedFields | undefined;
  /** A job is not found for so long after its submission (scaled), as after a lagging replica. */
  jobNotFoundForMs: number;
  /** Keys that nobody knows, keys whose secret is another one for now, actions that the key may not call. */
  refuseKeys: Iterable<string>;
  wrongSecrets: Iterable<string>;
  forbiddenActions: Iterable<string>;
  /** Ids that look like any other and make the whole call a wrong one (Huawei). */
  illegalIds: Iterable<string>;
  /** The gateway's clock is so far ahead of ours (not scaled); the times inside documents and callbacks stay true. */
  clockSkewMs: number;
  /** Requests allowed per second for each account and action; the burst defaults to one second's worth. */
  limitPerSecond: number | undefined;
  limitBurst: number | undefined;
  /** A page of a list holds no more jobs than this, however many are asked for. */
  largestPage: number | undefined;
};

export type ChangedFields = { drop?: string[]; add?: Record<string, unknown>; retype?: string[] };

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
  noTask: 0,
  changedFields: undefined,
  jobNotFoundForMs: 0,
  refuseKeys: [],
  wrongSecrets: [],
  forbiddenActions: [],
  illegalIds: [],
  clockSkewMs: 0,
  limitPerSecond: undefined,
  limitBurst: undefined,
  largestPage: undefined,
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
  'noTask',
] as const satisfies (keyof Faults)[];

export type Rate = (typeof RATES)[number];

const LISTS = ['refuseKeys', 'wrongSecrets', 'forbiddenActions', 'illegalIds'] as const satisfies (keyof Faults)[];
const CHANGES = ['drop', 'add', 'retype'] as const satisfies (keyof ChangedFields)[];

/** A misspelt fault or a rate in percent would make a test pass for the wrong reason: such are refused. */
export function withFaults(current: Faults, change: Partial<Faults>): Faults {
  const unknown = Object.keys(change).filter((name) => !(name in NO_FAULTS));
  if (unknown.length > 0) throw new RangeError(`no such fault: ${unknown.join(', ')}`);

  const next = { ...current, ...change };
  const wrong = RATES.filter((name) => !(next[name] >= 0 && next[name] <= 1));
  if (wrong.length > 0) throw new RangeError(`not a rate between 0 and 1: ${wrong.join(', ')}`);
  // A string is iterable too, letter by letter.
  const single = LISTS.filter((name) => typeof next[name] === 'string');
  if (single.length > 0) throw new RangeError(`not a list: ${single.join(', ')}`);
  if (!Number.isFinite(next.clockSkewMs)) throw new RangeError('not a number of milliseconds: clockSkewMs');
  const odd = Object.keys(next.changedFields ?? {}).filter((name) => !(CHANGES as readonly string[]).includes(name));
  if (odd.length > 0) throw new RangeError(`no such change of fields: ${odd.join(', ')}`);
  return next;
}
