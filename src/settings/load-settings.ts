import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseDocument, type Document, type YAMLParseError } from 'yaml';
import type { z } from 'zod';
import { endpointOf } from '../vendors/vendors.js';
import { alertProblems, toAlertSettings } from './alert-settings.js';
import { receiverProblems } from './receiver-settings.js';
import { CALLBACK_URL_LIMIT, callbackUrl, ConfigFile, Environment, type Account, type Settings } from './settings.js';
import { webhookProblems } from './webhook-settings.js';

/** Everything that is wrong with the configuration, one line each, with its place. */
export class SettingsError extends Error {
  constructor(readonly problems: string[]) {
    super(`The configuration cannot be used:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'SettingsError';
  }
}

const REPEATS_SOURCE = new Set<YAMLParseError['code']>(['TAG_RESOLVE_FAILED', 'BAD_DIRECTIVE', 'BAD_DQ_ESCAPE']);

type Variables = Record<string, string | undefined>;

/** Reads the environment and `callsheet.yaml`. Throws a `SettingsError` that names every problem at once, and no secret. */
export function loadSettings(variables: Variables, workingDir: string): Settings {
  const problems: string[] = [];
  const environment = check(Environment, withoutEmpty(variables), '', problems);
  const file = findConfigFile(variables['CALLSHEET_CONFIG'] || undefined, workingDir, problems);
  const config = check(ConfigFile, file ? readConfigFile(file, variables, problems) : {}, '', problems);
  if (config) {
    const names = config.accounts.map(({ name }) => name);
    problems.push(...accountProblems(config));
    problems.push(...receiverProblems(config.alerts.receivers), ...alertProblems(config.alerts, names));
    problems.push(...webhookProblems(config.webhooks, names));
  }
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
    // Written small first, as curl has it.
    proxies: {
      http: environment.http_proxy ?? environment.HTTP_PROXY ?? null,
      https: environment.https_proxy ?? environment.HTTPS_PROXY ?? null,
      except: environment.no_proxy ?? environment.NO_PROXY ?? '',
    },
    retention: { receiptBodiesMs: config.retention.receiptBodies, historyMs: config.retention.history },
    alerts: toAlertSettings(config.alerts),
    webhooks: config.webhooks,
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
  const name = path.basename(file);
  let document: Document.Parsed;
  try {
    document = parseDocument(readFileSync(file, 'utf8'), { prettyErrors: true });
  } catch (error) {
    problems.push(`${name}: cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'})`);
    return {};
  }
  if (document.errors.length > 0) {
    problems.push(...document.errors.map((error) => `${name}: ${withoutSource(error)}`));
    return {};
  }
  try {
    return substitute(document.toJS() ?? {}, '', variables, problems);
  } catch {
    problems.push(`${name}: has an alias that leads nowhere; a value that begins with * belongs in quotes`);
    return {};
  }
}

/** What the parser says and where, without the pieces of the file it repeats: they may be pieces of a secret. */
function withoutSource({ code, message }: YAMLParseError): string {
  const [, said = '', where = ''] = /^(.*?)( at line \d+, column \d+)?:?(?:\n|$)/.exec(message) ?? [];
  if (REPEATS_SOURCE.has(code)) return `${code.toLowerCase().replaceAll('_', ' ')}${where}`;
  return `${code === 'UNEXPECTED_TOKEN' ? said.replace(/: .*/, '') : said}${where}`;
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
    } else if (!problems.some((problem) => problem.startsWith(`${at}: the environment variable`))) {
      // What stands in for a missing variable is no URL and no address either: one cause makes one line.
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
    if (account.endpoint === undefined && endpointOf(account.vendor, account.region) === null) {
      problems.push(
        `${place}.endpoint: is missing; there is no known endpoint of ${account.vendor} in ${account.region}`,
      );
    }
    if (account.vendor !== 'alibaba-ims') return problems;
    if ((account.accessKeyId === undefined) !== (account.accessKeySecret === undefined)) {
      problems.push(`${place}: accessKeyId and accessKeySecret go together; leave both out for callbacks only`);
    }
    if (account.accessKeyId === undefined && account.callback === undefined) {
      problems.push(`${place}: has neither credentials nor callback, so nothing could ever be known about its jobs`);
    }
    if (account.discover && account.accessKeyId === undefined) {
      problems.push(`${place}.discover: needs credentials, since jobs are found by asking the vendor`);
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
  const { name, vendor, region, accessKeyId, accessKeySecret, labelsFromUserData } = account;
  const known = accessKeyId !== undefined && accessKeySecret !== undefined;
  const ofVendor =
    account.vendor === 'alibaba-ims'
      ? {
          callback: account.callback ?? null,
          projectId: null,
          discover: account.discover && { everyMs: account.discover.every, windowMs: account.discover.window },
          requestsPerSecond: account.requestsPerSecond,
        }
      : {
          callback: null,
          projectId: account.projectId,
          discover: null,
          requestsPerSecond: account.requestsPerMinute / 60,
        };
  return {
    name,
    vendor,
    region,
    endpoint: account.endpoint ?? endpointOf(vendor, region) ?? '',
    credentials: known ? { accessKeyId, accessKeySecret } : null,
    labelsFromUserData,
    ...ofVendor,
  };
}
