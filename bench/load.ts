import { connect, type Socket } from 'node:net';
import { callbackHeaders } from '../emulator/ims-callback.js';
import { ADDRESS, AUTH_KEY } from './account.js';
import { answerParent } from './child.js';
import { callbackTemplates, JOB_ID_PLACE } from './documents.js';

/**
 * The vendor: keep-alive connections, each with one signed callback under way. Written on bare sockets, because what the
 * generator costs is taken from the two cores the server has, and a body must differ from request to request.
 */
export type LoadOrder = { url: string; connections: number; warmUpMs: number; measureMs: number };

export type LoadResult = {
  /** Answers of 200 inside the measured time, a second. */
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
  /** Answers of 200 of the whole run, warm-up included; and any others. */
  acknowledged: number;
  refused: number;
};

const BODY_BYTES = 2048;
const DUPLICATES = 0.05;
/** A repeat follows its original closely, as the vendor's do. */
const REPEATABLE = 2000;

const templates = callbackTemplates(BODY_BYTES).map((template) => template.split(JOB_ID_PLACE));

answerParent<LoadOrder>(async (order) => {
  const run = new Run(order);
  await Promise.all(Array.from({ length: order.connections }, () => new Connection(run).work()));
  return run.result();
});

/** What all connections of one measurement share. */
class Run {
  readonly url: URL;
  acknowledged = 0;
  refused = 0;
  private readonly from: number;
  private readonly until: number;
  private readonly latencies: number[] = [];
  private readonly prefix = Math.random().toString(16).slice(2, 10).padEnd(8, '0');
  private count = 0;
  private head = '';
  private headMadeAt = 0;

  constructor(private readonly order: LoadOrder) {
    this.url = new URL(order.url);
    this.from = performance.now() + order.warmUpMs;
    this.until = this.from + order.measureMs;
  }

  get over(): boolean {
    return performance.now() >= this.until;
  }

  nextRequest(): string {
    const repeats = this.count > 0 && Math.random() < DUPLICATES;
    const n = repeats ? this.count - Math.floor(Math.random() * Math.min(this.count, REPEATABLE)) : ++this.count;
    const parts = templates[n % templates.length] ?? [];
    const vendorJobId = this.prefix + n.toString(16).padStart(24, '0');
    return this.signedHead() + parts.join(vendorJobId);
  }

  /** The signature covers the address and the second, not the body. */
  private signedHead(): string {
    const now = Date.now();
    if (now - this.headMadeAt < 1000) return this.head;
    const headers = {
      Host: this.url.host,
      ...callbackHeaders(ADDRESS, AUTH_KEY, now),
      'Content-Length': String(BODY_BYTES),
    };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    this.head = [`POST ${new URL(ADDRESS).pathname} HTTP/1.1`, ...lines, '', ''].join('\r\n');
    this.headMadeAt = now;
    return this.head;
  }

  answered(status: string, sentAt: number): void {
    if (status !== '200') {
      this.refused++;
      return;
    }
    this.acknowledged++;
    const now = performance.now();
    if (now >= this.from && now < this.until) this.latencies.push(now - sentAt);
  }

  result(): LoadResult {
    const sorted = Float64Array.from(this.latencies).sort();
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    return {
      perSecond: sorted.length / (this.order.measureMs / 1000),
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      acknowledged: this.acknowledged,
      refused: this.refused,
    };
  }
}

class Connection {
  private readonly socket: Socket;
  private received = '';
  private sentAt = 0;

  constructor(private readonly run: Run) {
    this.socket = connect(Number(run.url.port), run.url.hostname).setNoDelay(true);
  }

  /** Sends one request after the other until the time is up and the last one is answered. */
  work(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.once('error', reject);
      this.socket.once('close', () => reject(new Error('the server closed a connection')));
      this.socket.on('data', (chunk) => {
        this.received += chunk.toString('latin1');
        if (!this.takeAnswer()) return;
        if (!this.run.over) return this.send();
        this.socket.removeAllListeners('close').destroy();
        resolve();
      });
      this.send();
    });
  }

  private send(): void {
    this.sentAt = performance.now();
    this.socket.write(this.run.nextRequest(), 'latin1');
  }

  /** Both servers answer with a length; false while the answer is not complete. */
  private takeAnswer(): boolean {
    const headEnd = this.received.indexOf('\r\n\r\n');
    if (headEnd < 0) return false;
    const length = /\r\ncontent-length: (\d+)/i.exec(this.received)?.[1];
    if (length === undefined) throw new Error(`an answer without a length: ${this.received.slice(0, headEnd)}`);
    if (this.received.length < headEnd + 4 + Number(length)) return false;
    this.run.answered(this.received.slice(9, 12), this.sentAt);
    this.received = '';
    return true;
  }
}
