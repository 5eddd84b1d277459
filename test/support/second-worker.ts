import type { Intervals } from '../../src/loops/intervals.js';
import type { Account } from '../../src/settings/settings.js';
import { startTracker, type TestTracker } from './tracker.js';

/** One more worker on the database and the queue store of a tracker. */
export function startWorkerBeside(
  tracker: TestTracker,
  accounts: Account[],
  intervals: Partial<Intervals> = {},
): Promise<TestTracker> {
  const { databaseUrl, redisUrl } = tracker;
  const store = redisUrl === null ? {} : { store: { name: 'Redis' as const, redisUrl: async () => redisUrl } };
  return startTracker({ databaseUrl, accounts, role: 'worker', intervals, ...store });
}
