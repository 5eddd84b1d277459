import { Inject, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Loops } from '../loops/loops.js';
import { Discovery } from '../polling/discovery.js';
import { CurrentSettings } from '../settings/current-settings.js';
import { ROLE, type Role } from './role.js';

/** Lets discovery see, again and again, whether a listing is due. */
@Injectable()
export class DiscoveryRounds implements OnApplicationBootstrap {
  private readonly logger = new Logger(DiscoveryRounds.name);

  constructor(
    private readonly discovery: Discovery,
    private readonly settings: CurrentSettings,
    private readonly loops: Loops,
    @Inject(ROLE) private readonly role: Role,
  ) {}

  onApplicationBootstrap(): void {
    if (this.role !== 'api') this.loops.start('discovery', () => this.round());
  }

  async round(): Promise<void> {
    try {
      await this.discovery.round();
    } catch (error) {
      this.logger.warn(`discovery failed, the next round will do it: ${this.settings.redact(String(error))}`);
    }
  }
}
