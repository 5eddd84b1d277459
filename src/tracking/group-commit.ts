/** The buffer in front of the database is full: whoever called should come back later. */
export class BufferFull extends Error {
  constructor() {
    super('Too many receipts are waiting for the database');
    this.name = 'BufferFull';
  }
}

/**
 * What comes in with one turn of the event loop goes together, unless this many are there already: then the database starts
 * on them while the turn goes on. Otherwise the two would take turns, and each would stand idle half of the time.
 */
const ENOUGH = 32;

type Waiting<Item, Result> = {
  item: Item;
  bytes: number;
  since: number;
  resolve: (result: Result) => void;
  reject: (error: unknown) => void;
};

export type GroupCommitLimits = {
  /** Most items of one group, and of those that wait for the next one. */
  group: number;
  /** Most bytes that may wait, those under way included. */
  bufferBytes: number;
  /** How long the foremost may have waited for its group: the database is stuck, and the next one would wait no less. */
  bufferMs: number;
};

/**
 * Items that arrive while a commit is under way share the next one: no timer, so a lone item waits for nobody, and no
 * queue, so a burst costs few commits. One commit at a time: two would be smaller, and Postgres' cost is by the commit. A
 * group that fails for its content is halved until the item at fault is alone, so that its neighbours are stored.
 */
export class GroupCommit<Item, Result> {
  private waiting: Waiting<Item, Result>[] = [];
  private busy = false;
  private bytes = 0;

  constructor(
    private readonly commit: (items: Item[]) => Promise<Result[]>,
    private readonly sizeOf: (item: Item) => number,
    private readonly limits: GroupCommitLimits,
    /** Whether an error is the fault of an item. Of any other, as when the database is away, each item would fail alike. */
    private readonly isFaultOfContent: (error: unknown) => boolean = () => true,
  ) {}

  get bufferedBytes(): number {
    return this.bytes;
  }

  /** Whether an item would be refused now, were it ever so small. */
  get isFull(): boolean {
    const [foremost] = this.waiting;
    const waited = foremost ? performance.now() - foremost.since : 0;
    const { group, bufferBytes, bufferMs } = this.limits;
    return this.waiting.length >= group || this.bytes >= bufferBytes || waited > bufferMs;
  }

  /**
   * Resolves after the commit that holds the item; rejects with `BufferFull`, or with the database's error. A `patient` item
   * waits behind however many, for however long: nobody will bring it again.
   */
  add(item: Item, { patient = false } = {}): Promise<Result> {
    const bytes = this.sizeOf(item);
    const full = this.bytes + bytes > this.limits.bufferBytes || (!patient && this.isFull);
    if (full) return Promise.reject(new BufferFull());
    this.bytes += bytes;
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, bytes, since: performance.now(), resolve, reject });
      if (this.waiting.length >= ENOUGH) void this.work();
      else if (this.waiting.length === 1) setImmediate(() => void this.work());
    });
  }

  private async work(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    while (this.waiting.length > 0) {
      const group = this.waiting.splice(0, this.limits.group);
      await this.settle(group);
      for (const { bytes } of group) this.bytes -= bytes;
    }
    this.busy = false;
  }

  private async settle(group: Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await this.commit(group.map(({ item }) => item));
      group.forEach(({ resolve }, i) => resolve(results[i] as Result));
    } catch (error) {
      if (group.length <= 1 || !this.isFaultOfContent(error)) {
        for (const { reject } of group) reject(error);
        return;
      }
      const half = group.length >> 1;
      await this.settle(group.slice(0, half));
      await this.settle(group.slice(half));
    }
  }
}
