import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { PinoLogger } from '../src/logger.js';
import type { Role } from '../src/operations/role.js';
import { CurrentSettings } from '../src/settings/current-settings.js';
import { start, type Running } from '../src/start.js';
import { benchSettings } from './account.js';
import { answerParent } from './child.js';

/** The real program behind its real door: token, signature, dedupe, group commit, wake-ups. */
let running: Running | null = null;

answerParent<{ databaseUrl: string; role?: Role }>(
  async ({ databaseUrl, role = 'api' }) => {
    const settings = benchSettings(databaseUrl);
    Logger.overrideLogger(new PinoLogger(settings.logLevel, (line) => line));
    running = await start(new CurrentSettings(settings), databaseUrl, role);
    return { url: running.url };
  },
  async () => running?.close(),
);
