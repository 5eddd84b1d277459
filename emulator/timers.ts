/** setTimeout fires at once above this. */
const LONGEST_MS = 2 ** 31 - 1;

/** The time as the emulator has it, and what is to be done at some later time. All of it ends with the emulator. */
export interface Timers {
  /** Epoch ms. */
  now(): number;
  /** Answers how to call it off. */
  after(ms: number, act: () => void): () => void;
  stop(): void;
}

export class RealTimers implements Timers {
  private readonly running = new Set<NodeJS.Timeout>();
  private stopped = false;

  now(): number {
    return Date.now();
  }

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
