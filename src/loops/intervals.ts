/** How often each recurring task runs, and how long a few things last that tests would otherwise wait for; in ms. */
export const DEFAULT_INTERVALS = {
  /** The tick that claims due jobs. It lives in the queue store, so one process at a time runs it. */
  pollTick: 500,
  /** Puts the tick back into a queue store that was wiped. */
  tickUpkeep: 5_000,
  /** Wakes apply for receipts whose wake-up was lost. */
  receiptSweep: 1_000,
  /** Passes on outbox rows. */
  relay: 500,
  /** Sends deliveries that are due. */
  deliverySweep: 1_000,
  /** Gives up deliveries of channels that left the settings. */
  goneChannels: 60_000,
  /** Lets throttled rates recover and probes what is paused. */
  budgetUpkeep: 1_000,
  /** Tells receivers of alerts. */
  alertDispatch: 1_000,
  /** Evaluates the alert rules that go by figures. */
  figureRules: 15_000,
  /** Lets discovery see whether a listing is due. */
  discovery: 1_000,
  /** Polls jobs of accounts that have been given credentials. */
  unwatchedJobs: 5_000,
  /** Learns how long jobs take. */
  durationLearning: 30_000,
  /** Takes over learned durations from the database into memory. */
  profileRefresh: 60_000,
  /** Takes over callback loss from the database into memory. */
  callbackLossRefresh: 60_000,
  /** Counts the callbacks of ended jobs. */
  callbackCount: 15_000,
  /** A revoked key works at most this much longer, on the replicas that did not revoke it. */
  apiKeyCache: 3_000,
  /** A call to a vendor that is later than this is not made. */
  callLateness: 300,
  /** For how long gauges that were read from the database are shown again. */
  gaugesKept: 5_000,
  /** For how long every callback must have been refused before the process says that it is not ready. */
  refusalsTolerated: 10_000,
};

export type Intervals = Record<keyof typeof DEFAULT_INTERVALS, number>;

/** Where `Intervals` are injected. Tests inject small ones, so that no test waits for a loop's production interval. */
export const INTERVALS = Symbol('Intervals');
