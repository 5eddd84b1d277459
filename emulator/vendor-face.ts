import type { Answer, Received } from './answer.js';
import type { Rate } from './faults.js';
import type { World } from './world.js';

/** How one vendor's API looks from outside. All faces share one port. */
export interface VendorFace {
  matches(request: Received): boolean;
  /** Who asks for what, before anything is verified. */
  subject(request: Received): { action: string; accessKeyId: string; jobId: string };
  /** `met` says whether this request meets a fault. Cut sockets, HTML pages and slowness are the server's business. */
  answer(request: Received, world: World, met: (fault: Rate) => boolean): Answer;
}
