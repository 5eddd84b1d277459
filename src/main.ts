import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { startEmbeddedPostgres, type EmbeddedPostgres } from './embedded/embedded-postgres.js';
import { PinoLogger } from './logger.js';
import { check } from './operations/check.js';
import { ROLES, type Role } from './operations/role.js';
import { terminalWatch } from './operations/terminal.js';
import { Reloader } from './reload.js';
import { CurrentSettings } from './settings/current-settings.js';
import { loadSettings, SettingsError } from './settings/load-settings.js';
import { reloadSettings } from './settings/reload-settings.js';
import type { Settings } from './settings/settings.js';
import { start, type Running } from './start.js';

/** Signals that ask the program to end; a second one does not wait for what is in hand. */
const STOP_SIGNALS = ['SIGINT', 'SIGTERM'] as const;
/** On Windows SIGHUP says that the console is closing, and the program ends with it. */
const CAN_RELOAD = process.platform !== 'win32';

async function main(): Promise<void> {
  const { role, checkOnly } = readArguments();
  const loaded = loadSettings(process.env, process.cwd());
  const key = apiKey(loaded);
  const settings: Settings = { ...loaded, apiKey: key.value };
  const current = new CurrentSettings(settings);
  // Asked for each line: a reload brings new secrets, and the old ones stay hidden.
  const redact = (text: string) => current.redact(text);
  Logger.overrideLogger(new PinoLogger(settings.logLevel, redact));
  const logger = new Logger('Callsheet');
  const reloader = new Reloader(current, (inForce) => reloadSettings(inForce, process.env, process.cwd()));
  let postgres: EmbeddedPostgres | null = null;
  let running: Running | null = null;
  let stopping = false;
  const stop = async (reason: string): Promise<void> => {
    if (stopping) process.exit(1);
    stopping = true;
    // Whoever read the log may be gone, as when a terminal is closed; what is in hand is finished all the same.
    let unheard = false;
    process.stdout.on('error', () => (unheard = true));
    logger.log(`${reason}: finishing what is in hand (once more to stop at once)`);
    await running?.close();
    await postgres?.stop();
    logger.log('stopped');
    if (unheard) dieOfHangUp();
    else process.exit(0);
  };
  if (!checkOnly && CAN_RELOAD) {
    const terminalIsClosed = terminalWatch();
    process.on('SIGHUP', () => (terminalIsClosed() ? void stop('the terminal was closed') : reloader.reload()));
  }

  postgres = settings.databaseUrl === null ? await embedded(settings, logger) : null;
  const databaseUrl = postgres?.url ?? settings.databaseUrl ?? '';
  if (checkOnly) {
    const passed = await check(settings, databaseUrl, (line) => process.stdout.write(`${redact(line)}\n`));
    await postgres?.stop();
    process.exitCode = passed ? 0 : 1;
    return;
  }

  for (const signal of STOP_SIGNALS) process.on(signal, () => void stop(signal));

  try {
    running = await start(current, databaseUrl, role);
  } catch (error) {
    await postgres?.stop();
    throw error;
  }
  reloader.started(running);
  logger.log(
    `listening on ${running.url}, role ${role}, queues on ${settings.redisUrl === null ? 'Postgres' : 'Redis'}` +
      (CAN_RELOAD ? `; kill -HUP ${process.pid} reads callsheet.yaml again` : ''),
  );
  if (role !== 'worker') logger.log(`the contract and a page to try it: ${running.url}/docs`);
  if (key.generated) {
    // Once, past the log and its redaction: whoever starts the program is whoever may know it.
    process.stdout.write(`\n  API key (also in ${key.file}): ${key.value}\n\n`);
  } else if (key.file !== null) {
    logger.log(`the API key is in ${key.file}`);
  }
}

/** As a program does that minds no SIGHUP: in an orderly exit Node wants to set the closed terminal right, and aborts. */
function dieOfHangUp(): void {
  process.removeAllListeners('SIGHUP');
  process.kill(process.pid, 'SIGHUP');
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
