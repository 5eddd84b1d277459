import type { Role } from '../src/operations/role.js';
import { Child } from './child.js';

const SAMPLE_MS = 200;

/** The program in a process of its own, and how much memory that takes. */
export class Ours {
  private constructor(
    private readonly process: Child,
    readonly url: string,
  ) {}

  static async start(databaseUrl: string, role: Role): Promise<Ours> {
    const process = Child.start('intake-ours.js');
    const { url } = await process.ask<{ url: string }>({ databaseUrl, role });
    return new Ours(process, url);
  }

  /** Resident memory in MiB, five times a second for as long as `work` takes. */
  async sampled<T>(work: Promise<T>): Promise<{ result: T; memory: { at: number; mebibytes: number }[] }> {
    const memory: { at: number; mebibytes: number }[] = [];
    let over = false;
    const done = work.finally(() => (over = true));
    while (!over) {
      memory.push({ at: performance.now(), mebibytes: await this.process.ask<number>('memory') });
      await Promise.race([done, new Promise((resolve) => setTimeout(resolve, SAMPLE_MS))]);
    }
    return { result: await done, memory };
  }

  stop(): Promise<void> {
    return this.process.stop();
  }
}
