import { getEventCallback } from './ims-get-event-callback.js';
import { getJob } from './ims-get-job.js';
import { listJobs } from './ims-list-jobs.js';
import { IMS_KINDS } from './kinds/kinds.js';
import type { Met } from './vendor-face.js';
import type { Account, World } from './world.js';

export type ImsCall = {
  account: Account;
  query: URLSearchParams;
  world: World;
  now: Date;
  met: Met;
};

/** Returns the answer's document without its RequestId, or throws an ImsError. */
export type ImsOperation = (call: ImsCall) => Record<string, unknown>;

/** Every action by name: a Get and a List per job kind; anything else is a file of its own and one line here. */
export const IMS_OPERATIONS = new Map<string, ImsOperation>([
  ...IMS_KINDS.map((kind): [string, ImsOperation] => [kind.getAction, getJob(kind)]),
  ...IMS_KINDS.map((kind): [string, ImsOperation] => [kind.list.action, listJobs(kind)]),
  ['GetEventCallback', getEventCallback],
]);
