import { Inject, Injectable } from '@nestjs/common';
import { QUEUE_STORE, type QueueStore } from '../queue/queue-store.js';
import { APPLY_QUEUE } from '../queue/queues.js';
import { Tracker } from './tracker.js';

/** Two appliers a process: one writes while the other decides. They share the work by SKIP LOCKED. */
const APPLIERS = 2;

/** Applies what is pending whenever somebody says that something is. */
@Injectable()
export class ApplyProcessor {
  constructor(
    private readonly tracker: Tracker,
    @Inject(QUEUE_STORE) private readonly queues: QueueStore,
  ) {}

  start(): void {
    this.queues.work(APPLY_QUEUE, () => this.tracker.applyPending(), { concurrency: APPLIERS });
  }
}
