/** setTimeout fires at once above this. */
const LONGEST_MS = 2 ** 31 - 1;

/** Timers that all end with the emulator. */
export class Timers {
  private readonly running = new Set<NodeJS.Timeout>();
  private stopped = false;

  after(ms: number, act: () => void): () => void {
    if (this.stopped) return () => {};
    let timer: NodeJS.Timeout;
    const arm = (left: number) => {
      timer = setTimeout(
        () => {
          this.running.delete(timer);
          if (left > LONGEST_MS) arm(left - LONGEST_MS);
          else act();
        },
        Math.min(Math.max(0, left), LONGEST_MS),
      );
      this.running.add(timer);
    };
    arm(ms);
    return () => {
      clearTimeout(timer);
      this.running.delete(timer);
    };
  }

  stop(): void {
    this.stopped = true;
    this.running.forEach((timer) => clearTimeout(timer));
    this.running.clear();
  }
}
