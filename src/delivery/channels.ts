import { Injectable } from '@nestjs/common';
import type { Channel } from './channel.js';

/** Where the channels of one kind come from. Asked anew each time, so that a reload needs no word. */
export interface ChannelSource {
  get(name: string): Channel | undefined;
  names(): string[];
}

/** Every channel by its name, `<kind>/<name>`: `receiver/on-call`, `endpoint/billing`. */
@Injectable()
export class Channels {
  private readonly sources = new Map<string, ChannelSource>();

  add(kind: string, source: ChannelSource): void {
    this.sources.set(kind, source);
  }

  get(channel: string): Channel | undefined {
    const slash = channel.indexOf('/');
    return this.sources.get(channel.slice(0, slash))?.get(channel.slice(slash + 1));
  }

  names(): string[] {
    return [...this.sources].flatMap(([kind, source]) => source.names().map((name) => `${kind}/${name}`));
  }
}
