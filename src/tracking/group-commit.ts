/** The buffer in front of the database is full: whoever called should come back later. */
export class BufferFull extends Error {
  constructor() {
    super('Too many receipts are waiting for the database');
    this.name = 'BufferFull';
  }
}

type Waiting<Item, Result> = {
  item: Item;
  bytes: number;
  resolve: (result: Result) => void;
  reject: (error: unknown) => void;
};

export type GroupCommitLimits = {
  /** Most items of one group. */
  group: number;
  /** Groups that may be under way at the same time. */
  inFlight: number;
  /** Most bytes that may wait, those under way included. */
  bufferBytes: number;
};

/**
 * Items that arrive while a commit is under way share the next one: no timer, so a lone item waits for nobody, and no
 * queue, so a burst costs few commits. A group that fails is halved until the item at fault is alone: no neighbour pays.
 */
export class GroupCommit<Item, Result> {
  private waiting: Waiting<Item, Result>[] = [];
  private underWay = 0;
  private bytes = 0;

  constructor(
    private readonly commit: (items: Item[]) => Promise<Result[]>,
    private readonly sizeOf: (item: Item) => number,
    private readonly limits: GroupCommitLimits,
  ) {}

  get bufferedBytes(): number {
    return this.bytes;
  }

  /** Resolves after the commit that holds the item; rejects with `BufferFull`, or with the database's error. */
  add(item: Item): Promise<Result> {
    const bytes = this.sizeOf(item);
    if (this.bytes + bytes > this.limits.bufferBytes) return Promise.reject(new BufferFull());
    this.bytes += bytes;
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, bytes, resolve, reject });
      this.next();
    });
  }

  private next(): void {
    while (this.waiting.length > 0 && this.underWay < this.limits.inFlight) {
      const group = this.waiting.splice(0, this.limits.group);
      this.underWay++;
      void this.settle(group).finally(() => {
        this.underWay--;
        for (const { bytes } of group) this.bytes -= bytes;
        this.next();
      });
    }
  }

  private async settle(group: Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await this.commit(group.map(({ item }) => item));
      group.forEach(({ resolve }, i) => resolve(results[i] as Result));
    } catch (error) {
      const [only] = group;
      if (group.length <= 1) {
        only?.reject(error);
        return;
      }
      const half = group.length >> 1;
      await this.settle(group.slice(0, half));
      await this.settle(group.slice(half));
    }
  }
}
