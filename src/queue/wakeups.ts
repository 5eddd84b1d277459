import { Inject, Injectable, Logger } from '@nestjs/common';
import type { JobsOptions } from 'bullmq';
import { QUEUE_STORE, type QueueStore } from './queue-store.js';
import { APPLY_QUEUE } from './queues.js';

/** Wake-ups closer together than this are one. */
const QUIET_MS = 10;
/** Wake-ups that may be under way at once over all processes, and as many that wait: with no worker, no more pile up. */
const LANES = 4;
const FORGOTTEN_WHEN_DONE = { removeOnComplete: true, removeOnFail: true };

/** Tells apply, wherever it runs, that receipts are pending. Losing one costs only the time until the next sweep. */
@Injectable()
export class Wakeups {
  private readonly logger = new Logger(Wakeups.name);
  private sending = false;
  private again = false;
  private lane = 0;

  constructor(@Inject(QUEUE_STORE) private readonly queues: QueueStore) {}

  wake(): void {
    if (this.sending) {
      this.again = true;
      return;
    }
    this.sending = true;
    this.lane = (this.lane + 1) % LANES;
    // What arrives while the lane's wake-up is being worked on makes one more after it, so that no receipt is overlooked.
    const deduplication = { id: `wake-${this.lane}`, keepLastIfActive: true };
    void this.send({ ...FORGOTTEN_WHEN_DONE, deduplication }).finally(() => {
      setTimeout(() => {
        this.sending = false;
        if (!this.again) return;
        this.again = false;
        this.wake();
      }, QUIET_MS).unref();
    });
  }

  /** Past the lanes, which a worker that was killed leaves blocked for half a minute. */
  async wakeForgotten(): Promise<void> {
    await this.send(FORGOTTEN_WHEN_DONE);
  }

  private async send(options: JobsOptions): Promise<void> {
    try {
      await this.queues.queue(APPLY_QUEUE).add('wake', {}, options);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.logger.warn(`apply was not woken, the next sweep will: ${reason}`);
    }
  }
}
