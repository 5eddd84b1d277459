import { Logger } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CurrentSettings } from './settings/current-settings.js';
import { SettingsError } from './settings/load-settings.js';
import type { Reloaded } from './settings/reload-settings.js';
import type { Running } from './start.js';

/** Polling could not follow, as when Postgres is away: tried again this much later. */
const FOLLOW_AGAIN_MS = 5000;

/**
 * Brings a changed configuration into force. Reading and replacing is one step without a pause, so that every request is
 * met by the old settings or by the new ones, and two reloads cannot mix. Polling follows, one reload after the other.
 */
export class Reloader {
  private readonly logger = new Logger('Callsheet');
  private running: Running | null = null;
  private following = false;
  private again = false;

  constructor(
    private readonly current: CurrentSettings,
    private readonly read: (inForce: CurrentSettings['value']) => Reloaded,
  ) {}

  /** From now on polling can follow; a reload that came while it was starting it follows at once. */
  started(running: Running): void {
    this.running = running;
    if (this.again) void this.follow();
  }

  /** Never throws: what cannot be used is refused whole and told in one line, and the settings in force stay. */
  reload(): void {
    try {
      const { settings, news } = this.read(this.current.value);
      this.current.replace(settings);
      this.logger.log(`reloaded: ${news}`);
    } catch (error) {
      const problems = error instanceof SettingsError ? error.problems : [String(error)];
      const list = problems.map((problem) => `\n  - ${problem}`).join('');
      this.logger.error(`not reloaded, the settings in force stay:${list}`);
      return;
    }
    void this.follow();
  }

  private async follow(): Promise<void> {
    this.again = true;
    if (this.following || !this.running) return;
    this.following = true;
    while (this.again) {
      this.again = false;
      try {
        await this.running.followSettings();
      } catch (error) {
        this.logger.warn(`polling does not follow the new settings yet, and is told again: ${String(error)}`);
        this.again = true;
        await sleep(FOLLOW_AGAIN_MS);
      }
    }
    this.following = false;
  }
}
