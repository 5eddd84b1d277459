/**
 * Since when every callback has been refused with 503. A process that refuses some of many is busy; one that refuses all of them stores
 * nothing, and a balancer should send the callbacks elsewhere.
 */
export class Refusals {
  private since: number | null = null;

  stored(): void {
    this.since = null;
  }

  refused(now: number): void {
    this.since ??= now;
  }

  /** For how many ms all callbacks have been refused; 0 when the last one was stored. */
  lastedMs(now: number): number {
    return this.since === null ? 0 : now - this.since;
  }
}
