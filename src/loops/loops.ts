import { Inject, Injectable } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { INTERVALS, type Intervals } from './intervals.js';

/** Runs recurring tasks on `@nestjs/schedule`, each at its injected interval. The registry ends them with the application. */
@Injectable()
export class Loops {
  constructor(
    private readonly registry: SchedulerRegistry,
    @Inject(INTERVALS) private readonly intervals: Intervals,
  ) {}

  /**
   * Repeats `task` at the interval of its name, which is unique in a process. A run that takes longer than the interval skips the
   * runs that would have begun meanwhile. `task` must not reject.
   */
  start(name: keyof Intervals, task: () => Promise<void>): void {
    let isRunning = false;
    const run = async () => {
      if (isRunning) return;
      isRunning = true;
      try {
        await task();
      } finally {
        isRunning = false;
      }
    };
    const interval = setInterval(() => void run(), this.intervals[name]);
    this.registry.addInterval(name, interval);
  }

  /** Begins no further run of the task; one that is under way goes on. */
  stop(name: keyof Intervals): void {
    if (this.registry.doesExist('interval', name)) this.registry.deleteInterval(name);
  }
}
