/** What happened, oldest first. Keeps the newest `limit` entries; `total` counts all of them. */
export class Log<T extends object> {
  total = 0;
  private kept: T[] = [];

  constructor(private readonly limit: number) {}

  get entries(): readonly T[] {
    return this.kept;
  }

  /** Returns the entry as it is kept, so that its outcome can be filled in later. */
  add(entry: T): T {
    this.total += 1;
    this.kept.push(entry);
    // A tenth at a time: dropping one element per entry would copy the whole array each time.
    if (this.kept.length > this.limit * 1.1) this.kept = this.kept.slice(-this.limit);
    return entry;
  }

  where(wanted: Partial<T>): T[] {
    const keys = Object.keys(wanted) as (keyof T)[];
    return this.kept.filter((entry) => keys.every((key) => entry[key] === wanted[key]));
  }

  clear(): void {
    this.kept = [];
    this.total = 0;
  }
}
