import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The place where a server listens. It may be closed, which refuses every connection, and opened again at the same port. */
export class Door {
  private last: Promise<unknown> = Promise.resolve();
  private over = false;

  constructor(
    private readonly server: Server,
    private readonly host: string,
    private port: number,
  ) {}

  get url(): string {
    return `http://${this.host}:${this.port}`;
  }

  get takenPort(): number {
    return this.port;
  }

  open(): Promise<void> {
    return this.next(async () => {
      if (this.server.listening || this.over) return;
      await new Promise<void>((listening, failed) => {
        this.server.once('error', failed).listen(this.port, this.host, () => {
          this.server.off('error', failed);
          listening();
        });
      });
      this.port = (this.server.address() as AddressInfo).port;
    });
  }

  close(): Promise<void> {
    return this.next(async () => {
      if (!this.server.listening) return;
      const closed = new Promise<void>((done) => this.server.close(() => done()));
      this.server.closeAllConnections();
      await closed;
    });
  }

  /** Closes it for good. */
  end(): Promise<void> {
    this.over = true;
    return this.close();
  }

  /** One after the other, in the order in which they were asked for. */
  private next(act: () => Promise<void>): Promise<void> {
    const done = this.last.then(act);
    this.last = done.catch(() => {});
    return done;
  }
}
