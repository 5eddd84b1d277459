import { Poller } from '../../src/polling/poller.js';
import { QUEUE_STORE, type QueueStore } from '../../src/queue/queue-store.js';
import { pollQueue } from '../../src/queue/queues.js';
import { eventually } from './eventually.js';
import type { TestTracker } from './tracker.js';

/**
 * Waits until the tracker has ticked so many times, from beginning to end, and until what was claimed for the account has been
 * looked at: what was due before has been asked by then, if it ever is.
 */
export async function pollTicks(tracker: TestTracker, account: string, count: number): Promise<void> {
  const poller = tracker.app.get(Poller);
  const queue = tracker.app.get<QueueStore>(QUEUE_STORE).queue(pollQueue(account));
  const tick = poller.tick.bind(poller);
  let ended = 0;
  poller.tick = async () => {
    await tick();
    ended++;
  };
  try {
    await eventually(() => {
      if (ended < count) throw new Error(`${ended} of ${count} ticks`);
    });
    await eventually(async () => {
      const inHand = await queue.getJobCountByTypes('waiting', 'prioritized', 'active', 'delayed');
      if (inHand > 0) throw new Error(`${inHand} calls in hand`);
    });
  } finally {
    poller.tick = tick;
  }
}
