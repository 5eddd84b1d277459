import type { ServerResponse } from 'node:http';

/**
 * Those who are to come back later, until they are told so. A timer alone would keep them for seconds: while thousands of
 * connections have something to say, Node reads from them for 48 rounds of 1,024 before it looks at its timers. So whoever
 * calls next has those told whose time has come, and the timer is for when nobody does.
 */
export class TurnedAway {
  private readonly waiting = new Set<{ until: number; response: ServerResponse }>();
  private timer: NodeJS.Timeout | null = null;

  constructor(
    private readonly ms: number,
    private readonly tell: (response: ServerResponse) => void,
  ) {}

  add(response: ServerResponse): void {
    this.waiting.add({ until: performance.now() + this.ms, response });
    this.timer ??= setTimeout(() => this.tellOnTime(), this.ms);
  }

  /** Tells those who have waited long enough. The foremost has waited longest. */
  release(): void {
    if (this.waiting.size === 0) return;
    const now = performance.now();
    for (const entry of this.waiting) {
      if (entry.until > now) return;
      this.waiting.delete(entry);
      this.tell(entry.response);
    }
  }

  private tellOnTime(): void {
    this.release();
    const [foremost] = this.waiting;
    this.timer = foremost ? setTimeout(() => this.tellOnTime(), foremost.until - performance.now() + 1) : null;
  }
}
