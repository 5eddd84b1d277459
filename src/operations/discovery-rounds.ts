import { Inject, Injectable, Logger } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { Discovery } from '../polling/discovery.js';
import { CurrentSettings } from '../settings/current-settings.js';
import { ROLE, type Role } from './role.js';

/** Lets discovery see, once a second, whether a listing is due. */
@Injectable()
export class DiscoveryRounds {
  private readonly logger = new Logger(DiscoveryRounds.name);

  constructor(
    private readonly discovery: Discovery,
    private readonly settings: CurrentSettings,
    @Inject(ROLE) private readonly role: Role,
  ) {}

  @Interval(1000)
  async round(): Promise<void> {
    if (this.role === 'api') return;
    try {
      await this.discovery.round();
    } catch (error) {
      this.logger.warn(`discovery failed, the next round will do it: ${this.settings.redact(String(error))}`);
    }
  }
}
