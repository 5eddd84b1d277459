import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseDocument } from 'yaml';
import type { z } from 'zod';
import { CALLBACK_URL_LIMIT, callbackUrl, ConfigFile, Environment, type Account, type Settings } from './settings.js';

/** Everything that is wrong with the configuration, one line each, with its place. */
export class SettingsError extends Error {
  constructor(readonly problems: string[]) {
    super(`The configuration cannot be used:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'SettingsError';
  }
}

type Variables = Record<string, string | undefined>;

/** Reads the environment and `callsheet.yaml`. Throws a `SettingsError` that names every problem at once, and no secret. */
export function loadSettings(variables: Variables, workingDir: string): Settings {
  const problems: string[] = [];
  const environment = check(Environment, withoutEmpty(variables), '', problems);
  const file = findConfigFile(variables['CALLSHEET_CONFIG'] || undefined, workingDir, problems);
  const config = check(ConfigFile, file ? readConfigFile(file, variables, problems) : {}, '', problems);
  if (config) problems.push(...accountProblems(config));
  if (!environment || !config || problems.length > 0) throw new SettingsError(problems);
  return {
    host: environment.HOST ?? (environment.NODE_ENV === 'production' ? '0.0.0.0' : '127.0.0.1'),
    port: environment.PORT,
    callbackPort: environment.CALLBACK_PORT ?? null,
    databaseUrl: environment.DATABASE_URL ?? null,
    redisUrl: environment.REDIS_URL ?? null,
    configFile: file,
    dataDir: path.resolve(workingDir, environment.CALLSHEET_DATA_DIR),
    apiKey: environment.CALLSHEET_API_KEY ?? null,
    logLevel: environment.LOG_LEVEL,
    publicUrl: config.publicUrl ?? null,
    accounts: config.accounts.map(toAccount),
    retention: { receiptBodiesMs: config.retention.receiptBodies, historyMs: config.retention.history },
  };
}

/** `NAME=` in an .env file means "not set", as people read it. */
function withoutEmpty(variables: Variables): Variables {
  return Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ''));
}

function findConfigFile(named: string | undefined, workingDir: string, problems: string[]): string | null {
  const file = path.resolve(workingDir, named ?? 'callsheet.yaml');
  if (existsSync(file)) return file;
  if (named !== undefined) problems.push(`CALLSHEET_CONFIG: there is no file ${file}`);
  return null;
}

function readConfigFile(file: string, variables: Variables, problems: string[]): unknown {
  const document = parseDocument(readFileSync(file, 'utf8'), { prettyErrors: true });
  if (document.errors.length > 0) {
    problems.push(...document.errors.map((error) => `${path.basename(file)}: ${error.message.split('\n')[0]}`));
    return {};
  }
  return substitute(document.toJS() ?? {}, '', variables, problems);
}

/** Puts environment variables in the place of `${NAME}`, in values only. */
function substitute(value: unknown, place: string, variables: Variables, problems: string[]): unknown {
  if (typeof value === 'string') {
    return value.replace(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (_, name: string) => {
      const found = variables[name];
      if (found !== undefined && found !== '') return found;
      problems.push(`${place}: the environment variable ${name} is not set`);
      // Long enough for every check, so that one cause makes one line.
      return `unset-${name}-0123456789`;
    });
  }
  if (Array.isArray(value)) return value.map((item, i) => substitute(item, `${place}[${i}]`, variables, problems));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [
        key,
        substitute(item, place === '' ? key : `${place}.${key}`, variables, problems),
      ]),
    );
  }
  return value;
}

function check<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  place: string,
  problems: string[],
): z.output<Schema> | null {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  for (const issue of result.error.issues) {
    const at = issue.path.reduce<string>(
      (text, key) =>
        typeof key === 'number' ? `${text}[${key}]` : text === '' ? String(key) : `${text}.${String(key)}`,
      place,
    );
    if (issue.code === 'unrecognized_keys') {
      problems.push(...issue.keys.map((key) => `${at === '' ? key : `${at}.${key}`}: is not a setting of Callsheet`));
    } else {
      problems.push(`${at === '' ? 'callsheet.yaml' : at}: ${issue.message}`);
    }
  }
  return null;
}

function accountProblems({ accounts, publicUrl }: ConfigFile): string[] {
  const names = accounts.map((account) => account.name);
  return accounts.flatMap((account, i) => {
    const place = `accounts[${i}]`;
    const problems: string[] = [];
    if (names.indexOf(account.name) !== i) problems.push(`${place}.name: ${account.name} is used twice`);
    if ((account.accessKeyId === undefined) !== (account.accessKeySecret === undefined)) {
      problems.push(`${place}: accessKeyId and accessKeySecret go together; leave both out for callbacks only`);
    }
    if (account.accessKeyId === undefined && account.callback === undefined) {
      problems.push(`${place}: has neither credentials nor callback, so nothing could ever be known about its jobs`);
    }
    if (account.callback && publicUrl === undefined) {
      problems.push(`publicUrl: is missing; ${account.name} has a callback, and vendors call (and sign) this address`);
    }
    for (const token of account.callback && publicUrl !== undefined ? account.callback.tokens : []) {
      const bytes = Buffer.byteLength(callbackUrl(publicUrl ?? '', account.name, token));
      if (bytes > CALLBACK_URL_LIMIT) {
        problems.push(
          `${place}.callback.tokens: the callback URL has ${bytes} bytes, the vendor takes ${CALLBACK_URL_LIMIT}`,
        );
      }
    }
    return problems;
  });
}

function toAccount(account: ConfigFile['accounts'][number]): Account {
  const { name, vendor, region, callback, accessKeyId, accessKeySecret, labelsFromUserData, requestsPerSecond } =
    account;
  const known = accessKeyId !== undefined && accessKeySecret !== undefined;
  return {
    name,
    vendor,
    region,
    endpoint: account.endpoint ?? `https://ice.${region}.aliyuncs.com`,
    credentials: known ? { accessKeyId, accessKeySecret } : null,
    callback: callback ?? null,
    labelsFromUserData,
    requestsPerSecond,
  };
}
