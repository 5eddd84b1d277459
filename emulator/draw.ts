/**
 * Randomness by seed. A draw is named by what it decides ("does the third look at job X meet an HTML page?"), so the same
 * seed decides the same in every run, in whatever order requests arrive and whichever other faults are switched on.
 */
export class Draw {
  constructor(private state: number) {}

  /** Uniform in [0, 1): mulberry32, which is small, quick and even enough for a play. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A rate of 0 never happens, a rate of 1 always does. */
  happens(rate: number): boolean {
    return this.next() < rate;
  }

  between(low: number, high: number): number {
    return low + this.next() * (high - low);
  }

  /** A whole number, both ends included. */
  int(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  pick<const T extends readonly [unknown, ...unknown[]]>(from: T): T[number] {
    return from[this.int(0, from.length - 1)];
  }

  /** One key of a table of weights. */
  weighted<K extends string>(weights: Record<K, number>): K {
    const entries = Object.entries(weights) as [K, number][];
    let left = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [key, weight] of entries) {
      left -= weight;
      if (left < 0) return key;
    }
    return (entries.at(-1) as [K, number])[0];
  }

  /** Half of the values lie below the median; the long tail is what makes polling schedules hard. */
  logNormal(median: number, sigma: number): number {
    const gauss = Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
    return median * Math.exp(sigma * gauss);
  }

  hex(length: number): string {
    return Array.from({ length }, () => this.int(0, 15).toString(16)).join('');
  }

  uuid(): string {
    return [8, 4, 4, 4, 12].map((length) => this.hex(length)).join('-');
  }

  shuffled<T>(items: readonly T[]): T[] {
    const copy = items.map((item) => ({ item, at: this.next() }));
    return copy.sort((a, b) => a.at - b.at).map(({ item }) => item);
  }
}

export function draw(seed: number | string, ...labels: (string | number)[]): Draw {
  return new Draw(hashOf([seed, ...labels].join('\u0000')));
}

/** FNV-1a with a final avalanche, so that neighbouring labels start far apart. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
