import * as http from 'node:http';
import * as https from 'node:https';
import { draw } from './draw.js';
import type { Rate } from './faults.js';
import { callbackBody, callbackHeaders } from './ims-callback.js';
import type { EmulatedJob } from './job.js';
import { type CallbackEvent, momentOf } from './kinds/kind.js';
import type { Account, CallbackEntry, World } from './world.js';

const ATTEMPTS = 3;
const GAP_MS = 1_000;
/** A callback waits so long for one that overtakes it, then goes alone. */
const OVERTAKING_MS = 5_000;
const DEFAULT_USER_ID = '1000000000000001';

type Outgoing = { url: string; jobId: string; eventType: string; body: string; accessKeyId: string };
type Marks = Pick<CallbackEntry, 'doubled' | 'delayed' | 'reordered' | 'forged'>;

/** Sends callbacks as sheet section 1.1 says: exactly 200 in time counts; three attempts a second apart, then it is gone. */
export class CallbackSender {
  private readonly httpAgent = new http.Agent({ keepAlive: true });
  private readonly httpsAgent = new https.Agent({ keepAlive: true });
  private stopped = false;
  private readonly held = new Map<string, () => void>();

  constructor(
    private readonly world: World,
    private readonly timeLimitMs: number,
  ) {}

  /** A queue name is a valid address at the vendor too; nothing comes over HTTP then (sheet section 4). */
  schedule(job: EmulatedJob, now: number): void {
    const url = job.notifyAddress;
    const { forgery } = job.plan;
    if (url === undefined || !/^https?:\/\//.test(url)) return;

    job.plan.callbacks(job.life).forEach((event, place) => {
      // A timer may be a millisecond early, and a callback must not outrun the answer it announces.
      this.world.timers.after(event.at - now + 2, () =>
        this.send(this.outgoing(job, url, event), `${job.vendorJobId}/${place}`),
      );
    });
    if (!forgery) return;
    const running = { ...job.life, endsAt: job.lastWordAt.getTime() };
    const forgedAt = momentOf(running, draw(this.world.seed, 'forgedAt', job.vendorJobId).between(0.05, 0.8));
    this.world.timers.after(forgedAt - now, () => {
      if (!this.meets('forged', job.vendorJobId)) return;
      const event = { at: this.world.timers.now(), ...forgery(job.life) };
      void this.deliver(this.outgoing(job, url, event), { forged: true });
    });
  }

  stop(): void {
    this.stopped = true;
    this.httpAgent.destroy();
    this.httpsAgent.destroy();
  }

  private send(callback: Outgoing, label: string): void {
    const { faults, timeScale } = this.world;
    if (this.meets('dropped', label)) {
      this.world.callbacks.add({ ...this.entryOf(callback, 0), dropped: true });
    } else if (this.meets('delayed', label)) {
      this.world.timers.after(faults.delayMs * timeScale, () => this.pass(callback, label, { delayed: true }));
    } else {
      this.pass(callback, label, {});
    }
  }

  private pass(callback: Outgoing, label: string, marks: Marks): void {
    const overtaken = this.held.get(callback.url);
    if (!overtaken && this.meets('reordered', label)) return this.hold(callback, label, marks);

    if (this.meets('doubled', label)) void this.deliver(callback, { ...marks, doubled: true });
    this.held.delete(callback.url);
    void this.deliver(callback, marks, overtaken);
  }

  private hold(callback: Outgoing, label: string, marks: Marks): void {
    const release = () => {
      giveUp();
      if (this.meets('doubled', label)) void this.deliver(callback, { ...marks, reordered: true, doubled: true });
      void this.deliver(callback, { ...marks, reordered: true });
    };
    const giveUp = this.world.timers.after(OVERTAKING_MS * this.world.timeScale, () => {
      this.held.delete(callback.url);
      release();
    });
    this.held.set(callback.url, release);
  }

  private async deliver(callback: Outgoing, marks: Marks, afterFirst?: () => void): Promise<void> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const entry = this.world.callbacks.add({ ...this.entryOf(callback, attempt), ...marks });
      Object.assign(entry, await this.attempt(callback));
      if (this.stopped) return;
      if (attempt === 1) afterFirst?.();
      if (entry.status === 200) return;
      if (attempt === ATTEMPTS) return;
      const { timers, timeScale } = this.world;
      await new Promise<void>((next) => timers.after(GAP_MS * timeScale, next));
    }
  }

  /** Ends with the status line. Redirects are not followed, the answer's body is not read. */
  private attempt(callback: Outgoing): Promise<Pick<CallbackEntry, 'status' | 'error'>> {
    const headers = callbackHeaders(callback.url, this.account(callback)?.callbackAuthKey, this.world.timers.now());
    const isHttps = callback.url.startsWith('https:');
    const options = {
      method: 'POST',
      agent: isHttps ? this.httpsAgent : this.httpAgent,
      headers: { ...headers, 'content-length': Buffer.byteLength(callback.body) },
    };
    return new Promise((resolve) => {
      let request: http.ClientRequest;
      const cancel = this.world.timers.after(this.timeLimitMs, () => {
        settle({ error: 'timeout' });
        request.destroy();
      });
      const settle = (result: Pick<CallbackEntry, 'status' | 'error'>) => {
        cancel();
        resolve(result);
      };
      const post = () => {
        request = (isHttps ? https : http).request(callback.url, options, (response) => {
          response.on('error', () => {}).resume();
          settle({ status: response.statusCode });
        });
        request.on('error', (error: NodeJS.ErrnoException) => {
          // The receiver closed an idle connection just as it was taken again: nothing was delivered, this is no attempt.
          if (request.reusedSocket && error.code === 'ECONNRESET' && !this.stopped) post();
          else settle({ error: error.code ?? error.message });
        });
        request.end(callback.body);
      };
      try {
        post();
      } catch (error) {
        settle({ error: (error as NodeJS.ErrnoException).code ?? String(error) });
      }
    });
  }

  private outgoing(job: EmulatedJob, url: string, event: CallbackEvent): Outgoing {
    const { vendorJobId: jobId, accessKeyId } = job;
    const userId = this.account({ accessKeyId })?.userId ?? DEFAULT_USER_ID;
    return { url, jobId, accessKeyId, eventType: event.eventType, body: callbackBody(event, userId, event.at) };
  }

  private entryOf({ url, jobId, eventType }: Outgoing, attempt: number): CallbackEntry {
    return { at: this.world.timers.now(), url, jobId, eventType, attempt };
  }

  private account({ accessKeyId }: { accessKeyId: string }): Account | undefined {
    return this.world.accounts.get(accessKeyId);
  }

  private meets(fault: Rate, label: string): boolean {
    return draw(this.world.seed, fault, label).happens(this.world.faults[fault]);
  }
}
