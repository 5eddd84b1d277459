/** One message, as a channel sends it. */
export type Outgoing = {
  /** The same at every attempt, also after a crash and when it is sent again by hand. */
  id: string;
  /** What receivers tell repeats by; its meaning is the sender's. */
  dedupKey: string;
  payload: unknown;
  /** When it was stored. */
  createdAt: Date;
  /** 1 for the first. */
  attempt: number;
};

/** What came back: the HTTP status where there is one, and the answer's own words. */
export type Answered = { status: number | null; detail: string };

/** One way out: a receiver of alerts, an endpoint of a customer. One method is the whole contract; retries are the engine's. */
export interface Channel {
  /** Messages a minute that the other side takes, over all processes; left out: as many as there are. */
  readonly perMinute?: number;
  /** Resolves once the other side has taken the message. Throws `DeliveryFailed`; `signal` ends it after 10 s. */
  send(delivery: Outgoing, signal: AbortSignal): Promise<Answered>;
}

/** The other side did not take a message, in words for a person. */
export class DeliveryFailed extends Error {
  readonly status: number | null;
  readonly retryAfterMs: number | null;
  /** No later attempt can do better: the message itself was refused, or the address is gone for good. */
  readonly permanent: boolean;
  readonly answer: string | null;

  constructor(
    message: string,
    why: Partial<Pick<DeliveryFailed, 'status' | 'retryAfterMs' | 'permanent' | 'answer'>> = {},
  ) {
    super(message);
    this.name = 'DeliveryFailed';
    this.status = why.status ?? null;
    this.retryAfterMs = why.retryAfterMs ?? null;
    this.permanent = why.permanent ?? false;
    this.answer = why.answer ?? null;
  }
}
