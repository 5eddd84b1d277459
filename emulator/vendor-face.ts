import type { Answer, Received } from './answer.js';
import type { Rate } from './faults.js';
import type { RequestEntry, World } from './world.js';

/** Whether this request meets a fault; with `about`, whether it does so for one of the jobs it is about. */
export type Met = (fault: Rate, about?: string) => boolean;

/** How one vendor's API looks from outside. All faces share one port. */
export interface VendorFace {
  matches(request: Received): boolean;
  /** Who asks for what, before anything is verified. */
  subject(request: Received): Pick<RequestEntry, 'action' | 'accessKeyId' | 'jobId' | 'jobIds'>;
  /** Cut sockets, HTML pages and slowness are the server's business. */
  answer(request: Received, world: World, met: Met): Answer;
}
