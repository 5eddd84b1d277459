import { Injectable, Logger } from '@nestjs/common';
import { QUEUE_STORE, type QueueStore } from './queue-store.js';
import { APPLY_QUEUE } from './queues.js';
import { Inject } from '@nestjs/common';

/** Wake-ups closer together than this are one. */
const QUIET_MS = 10;

/** Tells apply, wherever it runs, that receipts are pending. Losing one costs only the time until the next sweep. */
@Injectable()
export class Wakeups {
  private readonly logger = new Logger(Wakeups.name);
  private sending = false;
  private again = false;

  constructor(@Inject(QUEUE_STORE) private readonly queues: QueueStore) {}

  wake(): void {
    if (this.sending) {
      this.again = true;
      return;
    }
    this.sending = true;
    this.queues
      .queue(APPLY_QUEUE)
      .add('wake', {}, { removeOnComplete: true, removeOnFail: true })
      .catch((error: Error) => this.logger.warn(`apply was not woken, the next sweep will: ${error.message}`))
      .finally(() => {
        setTimeout(() => {
          this.sending = false;
          if (!this.again) return;
          this.again = false;
          this.wake();
        }, QUIET_MS).unref();
      });
  }
}
