import { getJob } from './ims-get-job.js';
import type { JobKind } from './kinds/kind.js';
import { KINDS } from './kinds/kinds.js';
import type { Rate } from './faults.js';
import type { Account, World } from './world.js';

export type ImsCall = {
  account: Account;
  query: URLSearchParams;
  world: World;
  now: Date;
  met: (fault: Rate) => boolean;
};

/** Returns the answer's document without its RequestId, or throws an ImsError. */
export type ImsOperation = (call: ImsCall) => Record<string, unknown>;

const kinds: JobKind[] = Object.values(KINDS);

/** Every action by name: one Get per job kind; anything else is a file of its own and one line here. */
export const IMS_OPERATIONS = new Map<string, ImsOperation>([
  ...kinds.map((kind): [string, ImsOperation] => [kind.getAction, getJob(kind)]),
]);
