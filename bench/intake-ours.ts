import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { PinoLogger } from '../src/logger.js';
import type { Role } from '../src/operations/role.js';
import { CurrentSettings } from '../src/settings/current-settings.js';
import { start, type Running } from '../src/start.js';
import { benchSettings } from './account.js';
import { answerParent } from './child.js';

/** The real program behind its real door: token, signature, dedupe, group commit, wake-ups; with `all`, applying as well. */
let running: Running | null = null;

answerParent<{ databaseUrl: string; role?: Role } | 'memory'>(
  async (question) => {
    if (question === 'memory') return process.memoryUsage.rss() / 2 ** 20;
    const settings = benchSettings(question.databaseUrl);
    Logger.overrideLogger(new PinoLogger(settings.logLevel, (line) => line));
    running = await start(new CurrentSettings(settings), question.databaseUrl, question.role ?? 'api');
    return { url: running.url };
  },
  async () => running?.close(),
);
