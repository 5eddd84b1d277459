import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import pg from 'pg';
import { callbackHeaders } from '../emulator/ims-callback.js';
import { ACCOUNT, ADDRESS, AUTH_KEY } from './account.js';
import { answerParent } from './child.js';
import { CALLBACK_API, callbackTemplates, JOB_ID_PLACE } from './documents.js';

/**
 * The vendor: keep-alive connections with signed callbacks. Written on bare sockets, because what the generator costs is
 * taken from the two cores the server has, and a body must differ from request to request.
 */
export type LoadOrder = {
  url: string;
  connections: number;
  warmUpMs: number;
  measureMs: number;
  /**
   * Callbacks a second that fall due whatever became of the ones before; each waits for a free connection. Without it, every
   * connection sends the next one when the last was answered.
   */
  rate?: number;
  /** Each callback is about a job of its own, tracked already, and the time until its row shows it is measured as well. */
  watch?: { databaseUrl: string; jobIds: string };
};

/** The `n`-th job that the callbacks of a run speak of. */
export function vendorJobIdOf(jobIds: string, n: number): string {
  return jobIds + n.toString(16).padStart(32 - jobIds.length, '0');
}

export type LoadResult = {
  /** Answers of 200 inside the measured time, a second. */
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
  /** Of the answers of any kind inside the measured time. */
  answeredP99Ms: number;
  /** Answers of 200, of 503 and any others, of the whole run, warm-up included. */
  acknowledged: number;
  shed: number;
  refused: number;
  /** Of those that fell due after the warm-up, the ones that found no free connection in time. */
  unsent: number;
  /** With `watch`: from sending a callback to its job's row showing it, and how many rows never did. */
  visibleP50Ms: number;
  visibleP95Ms: number;
  unseen: number;
};

const BODY_BYTES = 2048;
const DUPLICATES = 0.05;
/** A repeat follows its original closely, as the vendor's do. */
const REPEATABLE = 2000;

const templates = callbackTemplates(BODY_BYTES).map((template) => template.split(JOB_ID_PLACE));

answerParent<LoadOrder>(async (order) => {
  const { connections, run } = await open(order);
  const watching = run.watch?.untilAllSeen(() => run.over);
  if (order.rate === undefined) await Promise.all(connections.map((connection) => connection.keepSending()));
  else await sendAtRate(run, connections, order.rate);
  await watching;
  for (const connection of connections) connection.close();
  return run.result();
});

/** Time counts from when all are connected; some at a time, or the server's backlog overflows and they try again seconds later. */
async function open(order: LoadOrder): Promise<{ connections: Connection[]; run: Run }> {
  const sockets: Socket[] = [];
  const { port, hostname } = new URL(order.url);
  while (sockets.length < order.connections) {
    const some = Array.from({ length: Math.min(100, order.connections - sockets.length) }, () =>
      connect(Number(port), hostname).setNoDelay(true),
    );
    await Promise.all(some.map((socket) => once(socket, 'connect')));
    sockets.push(...some);
  }
  const run = new Run(order);
  return { connections: sockets.map((socket) => new Connection(run, socket)), run };
}

/** An open loop: as many as have fallen due by now, looked at each millisecond, on the connections that are free. */
async function sendAtRate(run: Run, connections: Connection[], rate: number): Promise<void> {
  const free = [...connections];
  const from = performance.now();
  let due = 0;
  while (!run.over) {
    const now = performance.now();
    for (; due < ((now - from) * rate) / 1000; due++) {
      const connection = free.pop();
      if (connection) connection.send(() => free.push(connection));
      else run.missed();
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  // What is under way is answered within the vendor's patience, or never.
  for (let waited = 0; free.length < connections.length && waited < 3000; waited += 10)
    await new Promise((resolve) => setTimeout(resolve, 10));
}

/** What all connections of one measurement share. */
class Run {
  readonly url: URL;
  private unsent = 0;
  private acknowledged = 0;
  private shed = 0;
  private refused = 0;
  private readonly from: number;
  private readonly until: number;
  private readonly latencies: number[] = [];
  private readonly answerTimes: number[] = [];
  private readonly jobIds: string;
  readonly watch: Watch | null;
  private count = 0;
  private head = '';
  private headMadeAt = 0;

  constructor(private readonly order: LoadOrder) {
    this.url = new URL(order.url);
    this.from = performance.now() + order.warmUpMs;
    this.until = this.from + order.measureMs;
    this.jobIds = order.watch?.jobIds ?? Math.random().toString(16).slice(2, 10).padEnd(8, '0');
    this.watch = order.watch ? new Watch(order.watch.databaseUrl, this.from) : null;
  }

  get over(): boolean {
    return performance.now() >= this.until;
  }

  nextRequest(): string {
    const repeats = this.count > 0 && !this.watch && Math.random() < DUPLICATES;
    const n = repeats ? this.count - Math.floor(Math.random() * Math.min(this.count, REPEATABLE)) : ++this.count;
    const parts = templates[n % templates.length] ?? [];
    const vendorJobId = vendorJobIdOf(this.jobIds, n);
    this.watch?.sent(vendorJobId);
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

  missed(): void {
    if (performance.now() >= this.from) this.unsent++;
  }

  answered(status: string, sentAt: number): void {
    const now = performance.now();
    const measured = now >= this.from && now < this.until;
    if (measured) this.answerTimes.push(now - sentAt);
    if (status === '200') {
      this.acknowledged++;
      if (measured) this.latencies.push(now - sentAt);
    } else if (status === '503') {
      this.shed++;
    } else {
      this.refused++;
    }
  }

  result(): LoadResult {
    return {
      perSecond: this.latencies.length / (this.order.measureMs / 1000),
      p50Ms: quantile(this.latencies, 0.5),
      p99Ms: quantile(this.latencies, 0.99),
      answeredP99Ms: quantile(this.answerTimes, 0.99),
      acknowledged: this.acknowledged,
      shed: this.shed,
      refused: this.refused,
      unsent: this.unsent,
      visibleP50Ms: quantile(this.watch?.times ?? [], 0.5),
      visibleP95Ms: quantile(this.watch?.times ?? [], 0.95),
      unseen: this.watch?.unseen ?? 0,
    };
  }
}

function quantile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

const LOOK_EVERY_MS = 5;
const LAST_LOOKS_MS = 5000;

/** Reads the rows of jobs whose callbacks are under way, again and again: what it sees, anybody sees. */
class Watch {
  /** Of the callbacks sent inside the measured time. */
  readonly times: number[] = [];
  private readonly waiting = new Map<string, number>();

  constructor(
    private readonly databaseUrl: string,
    private readonly from: number,
  ) {}

  get unseen(): number {
    return this.waiting.size;
  }

  sent(vendorJobId: string): void {
    this.waiting.set(vendorJobId, performance.now());
  }

  async untilAllSeen(isOver: () => boolean): Promise<void> {
    const client = new pg.Client({ connectionString: this.databaseUrl });
    await client.connect();
    for (let last = Number.POSITIVE_INFINITY; performance.now() < last;) {
      const { rows } = await client.query<{ id: string }>({
        name: 'watch',
        text: `SELECT vendor_job_id AS id FROM jobs WHERE account = $1 AND api = $2 AND vendor_job_id = ANY ($3) AND status = 'succeeded'`,
        values: [ACCOUNT, CALLBACK_API, [...this.waiting.keys()]],
      });
      this.seen(rows.map(({ id }) => id));
      if (isOver() && last === Number.POSITIVE_INFINITY) last = performance.now() + LAST_LOOKS_MS;
      if (isOver() && this.waiting.size === 0) break;
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
    await client.end();
  }

  private seen(ids: readonly string[]): void {
    const now = performance.now();
    for (const id of ids) {
      const sentAt = this.waiting.get(id) ?? now;
      this.waiting.delete(id);
      if (sentAt >= this.from) this.times.push(now - sentAt);
    }
  }
}

class Connection {
  private received = '';
  private sentAt = 0;
  private answered = (): void => undefined;

  constructor(
    private readonly run: Run,
    private readonly socket: Socket,
  ) {
    this.socket.on('data', (chunk) => {
      this.received += chunk.toString('latin1');
      if (this.takeAnswer()) this.answered();
    });
    // Nothing here may fail: the benchmark with it.
    this.socket.once('close', () => {
      throw new Error('the server closed a connection');
    });
  }

  /** Sends one request after the other until the time is up and the last one is answered. */
  keepSending(): Promise<void> {
    return new Promise((resolve) => {
      const next = (): void => (this.run.over ? resolve() : this.send(next));
      next();
    });
  }

  send(answered: () => void): void {
    this.answered = answered;
    this.sentAt = performance.now();
    this.socket.write(this.run.nextRequest(), 'latin1');
  }

  close(): void {
    this.socket.removeAllListeners('close').destroy();
  }

  /** All servers answer with a length; false while the answer is not complete. */
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
