import { Injectable } from '@nestjs/common';
import type { Channel } from '../delivery/channel.js';
import { Channels, type ChannelSource } from '../delivery/channels.js';
import { GuardedPost } from '../delivery/guarded-fetch.js';
import { signatureHeaders } from '../delivery/standard-webhooks.js';
import { CurrentSettings } from '../settings/current-settings.js';
import type { Endpoint } from '../settings/webhook-settings.js';

/** The endpoints in the settings, as channels `endpoint/<name>`. */
@Injectable()
export class Endpoints implements ChannelSource {
  private readonly made = new WeakMap<Endpoint, Channel>();

  constructor(
    private readonly settings: CurrentSettings,
    channels: Channels,
  ) {
    channels.add('endpoint', this);
  }

  all(): readonly Endpoint[] {
    return this.settings.value.webhooks.endpoints;
  }

  names(): string[] {
    return this.all().map(({ name }) => name);
  }

  get(name: string): Channel | undefined {
    const endpoint = this.all().find((one) => one.name === name);
    if (!endpoint) return undefined;
    const channel = this.made.get(endpoint) ?? this.channelTo(endpoint);
    this.made.set(endpoint, channel);
    return channel;
  }

  /** A reload makes all endpoints anew, and so meets what is allowed by then. */
  private channelTo({ url, secrets }: Endpoint): Channel {
    const { proxies, webhooks } = this.settings.value;
    const post = new GuardedPost(url, proxies, webhooks.allowPrivateAddresses);
    return {
      send: ({ id, payload }, signal) => {
        const body = JSON.stringify(payload);
        return post.send(body, signatureHeaders(id, new Date(), body, secrets), signal);
      },
    };
  }
}
