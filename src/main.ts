import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { startEmbeddedPostgres } from './embedded/embedded-postgres.js';
import { PinoLogger } from './logger.js';
import { ROLES, type Role } from './operations/role.js';
import { check } from './operations/check.js';
import { loadSettings, SettingsError } from './settings/load-settings.js';
import { redactor } from './settings/redact.js';
import { secretsOf, type Settings } from './settings/settings.js';
import { start, type Running } from './start.js';

/** Signals that ask the program to end; a second one does not wait for what is in hand. */
const STOP_SIGNALS = ['SIGINT', 'SIGTERM'] as const;

async function main(): Promise<void> {
  const { role, checkOnly } = readArguments();
  const loaded = loadSettings(process.env, process.cwd());
  const key = apiKey(loaded);
  const settings: Settings = { ...loaded, apiKey: key.value };
  const { never, adminOnly } = secretsOf(settings);
  const redact = redactor([...never, ...adminOnly]);
  const logs = new PinoLogger(settings.logLevel, redact);
  Logger.overrideLogger(logs);
  const logger = new Logger('Callsheet');

  const postgres = settings.databaseUrl === null ? await embedded(settings, logger) : null;
  const databaseUrl = postgres?.url ?? settings.databaseUrl ?? '';
  if (checkOnly) {
    const passed = await check(settings, databaseUrl, (line) => process.stdout.write(`${redact(line)}\n`));
    await postgres?.stop();
    process.exitCode = passed ? 0 : 1;
    return;
  }

  let running: Running | null = null;
  let stopping = false;
  const stop = async (reason: string): Promise<void> => {
    if (stopping) process.exit(1);
    stopping = true;
    logger.log(`${reason}: finishing what is in hand (once more to stop at once)`);
    await running?.close();
    await postgres?.stop();
    logger.log('stopped');
    process.exit(0);
  };
  for (const signal of STOP_SIGNALS) process.on(signal, () => void stop(signal));

  try {
    running = await start(settings, databaseUrl, role);
  } catch (error) {
    await postgres?.stop();
    throw error;
  }
  logger.log(
    `listening on ${running.url}, role ${role}, queues on ${settings.redisUrl === null ? 'Postgres' : 'Redis'}`,
  );
  if (role !== 'worker') logger.log(`the contract and a page to try it: ${running.url}/docs`);
  if (key.generated) {
    // Once, past the log and its redaction: whoever starts the program is whoever may know it.
    process.stdout.write(`\n  API key (also in ${key.file}): ${key.value}\n\n`);
  } else if (key.file !== null) {
    logger.log(`the API key is in ${key.file}`);
  }
}

function readArguments(): { role: Role; checkOnly: boolean } {
  const { values } = parseArgs({
    options: { role: { type: 'string', default: 'all' }, check: { type: 'boolean', default: false } },
  });
  const role = ROLES.find((known) => known === values.role);
  if (!role) throw new SettingsError([`--role: must be one of ${ROLES.join(', ')}, not ${values.role}`]);
  return { role, checkOnly: values.check };
}

/** The first admin key: the environment's, the one made at an earlier start, or a new one. `file`: where it is kept. */
function apiKey(settings: Settings): { value: string; file: string | null; generated: boolean } {
  if (settings.apiKey !== null) return { value: settings.apiKey, file: null, generated: false };
  const file = path.join(settings.dataDir, 'api-key');
  if (existsSync(file)) return { value: readFileSync(file, 'utf8').trim(), file, generated: false };
  const value = `cs_${randomBytes(24).toString('base64url')}`;
  mkdirSync(settings.dataDir, { recursive: true });
  writeFileSync(file, `${value}\n`, { mode: 0o600 });
  return { value, file, generated: true };
}

function embedded(settings: Settings, logger: Logger) {
  logger.log('no DATABASE_URL: starting the embedded Postgres');
  return startEmbeddedPostgres({ dataDir: settings.dataDir, onProgress: (line) => logger.log(line) });
}

main().catch((error: unknown) => {
  // The settings may not be known yet, so only a message that is ours is shown whole.
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${message}\n`);
  process.exit(1);
});
