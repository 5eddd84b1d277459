import { Injectable } from '@nestjs/common';
import type { Channel } from '../delivery/channel.js';
import { Channels, type ChannelSource } from '../delivery/channels.js';
import { CurrentSettings } from '../settings/current-settings.js';
import type { Receiver } from '../settings/receiver-settings.js';
import type { Proxies } from '../vendors/vendor-client.js';
import { alertmanager } from './receivers/alertmanager.js';
import { dingtalk } from './receivers/dingtalk.js';
import { email } from './receivers/email.js';
import { feishu } from './receivers/feishu.js';
import { slack } from './receivers/slack.js';
import { webhook } from './receivers/webhook.js';

/** The receivers in the settings, as channels `receiver/<name>`. */
@Injectable()
export class Receivers implements ChannelSource {
  private readonly made = new WeakMap<Receiver, Channel>();

  constructor(
    private readonly settings: CurrentSettings,
    channels: Channels,
  ) {
    channels.add('receiver', this);
  }

  all(): readonly Receiver[] {
    return this.settings.value.alerts.receivers;
  }

  names(): string[] {
    return this.all().map(({ name }) => name);
  }

  get(name: string): Channel | undefined {
    const receiver = this.all().find((one) => one.name === name);
    if (!receiver) return undefined;
    const channel = this.made.get(receiver) ?? channelTo(receiver, this.settings.value.proxies);
    this.made.set(receiver, channel);
    return channel;
  }
}

export function channelTo(receiver: Receiver, proxies: Proxies): Channel {
  switch (receiver.type) {
    case 'alertmanager':
      return alertmanager(receiver, proxies);
    case 'webhook':
      return webhook(receiver, proxies);
    case 'slack':
      return slack(receiver, proxies);
    case 'dingtalk':
      return dingtalk(receiver, proxies);
    case 'feishu':
      return feishu(receiver, proxies);
    case 'email':
      return email(receiver);
  }
}
