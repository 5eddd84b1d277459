const SWEEPS = 25;

/** Gives up on work that takes longer than some time, with one timer for everybody who waits. */
export class Patience {
  private readonly waiting = new Set<{ until: number; giveUp: () => void }>();
  private timer: NodeJS.Timeout | null = null;

  constructor(private readonly ms: number) {}

  /** Settles as `work` does, or rejects when the time is up; later by a twenty-fifth of it at most. */
  within<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const giveUp = () => reject(new Error(`the database did not commit within ${this.ms} ms`));
      const entry = { until: performance.now() + this.ms, giveUp };
      this.waiting.add(entry);
      this.timer ??= setInterval(() => this.sweep(), this.ms / SWEEPS);
      work.then(
        (value) => {
          this.waiting.delete(entry);
          resolve(value);
        },
        (error: Error) => {
          this.waiting.delete(entry);
          reject(error);
        },
      );
    });
  }

  /** The foremost has waited longest. */
  private sweep(): void {
    const now = performance.now();
    for (const entry of this.waiting) {
      if (entry.until > now) return;
      this.waiting.delete(entry);
      entry.giveUp();
    }
    if (this.timer) clearInterval(this.timer);
    this.timer = null;
  }
}
