import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Timers } from '../timers.js';

type Waiting = { at: number; act: () => void };

/** Time that passes when a test says so. It begins at the real time, because requests are signed by the real clock. */
export class VirtualTimers implements Timers {
  private readonly waiting = new Set<Waiting>();
  private stopped = false;
  private time = Date.now();

  now(): number {
    return this.time;
  }

  after(ms: number, act: () => void): () => void {
    const entry = { at: this.time + Math.max(0, ms), act };
    if (!this.stopped) this.waiting.add(entry);
    return () => void this.waiting.delete(entry);
  }

  /**
   * Does what falls due meanwhile, in order, each thing at its time, and whatever follows from it without waiting. What waits for an answer
   * over HTTP waits for it in real time.
   */
  async pass(ms: number): Promise<void> {
    const end = this.time + ms;
    for (let next = this.next(); next && next.at <= end; next = this.next()) {
      this.waiting.delete(next);
      this.time = next.at;
      next.act();
      await nextTurn();
    }
    this.time = end;
  }

  stop(): void {
    this.stopped = true;
    this.waiting.clear();
  }

  private next(): Waiting | undefined {
    return [...this.waiting].sort((a, b) => a.at - b.at)[0];
  }
}
