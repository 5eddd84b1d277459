import { Ajv } from 'ajv';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { loadSettings } from '../src/settings/load-settings.js';
import { Environment } from '../src/settings/settings.js';

/** What people deploy with is data, not code: nothing else would notice that it went stale. */

type Service = {
  command?: string[];
  user?: string;
  ports?: string[];
  volumes?: (string | { source: string })[];
  environment?: Record<string, string>;
  env_file?: string;
  healthcheck?: { test: string[] };
  restart?: string;
  stop_grace_period?: string;
  depends_on?: Record<string, { condition: string }>;
};
type Compose = { services: Record<string, Service>; volumes: Record<string, unknown> };

const read = (file: string) => readFileSync(path.join(import.meta.dirname, '..', file), 'utf8');
const text = read('docker-compose.yml');
const compose = parse(text, { merge: true }) as Compose;

function service(name: string): Service {
  const found = compose.services[name];
  if (!found) throw new Error(`docker-compose.yml has no service ${name}`);
  return found;
}

/** `NAME=value` lines. */
function variablesIn(env: string): Record<string, string> {
  return Object.fromEntries(
    env
      .split('\n')
      .filter((line) => /^[A-Z]/.test(line))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}

describe('docker-compose.yml', () => {
  test('is valid by the schema of the Compose Specification', () => {
    const { $schema: _draft07, ...schema } = JSON.parse(read('test/fixtures/compose-spec.json')) as object & {
      $schema: string;
    };
    // Its formats (`duration`, `ports`...) are Compose's own.
    const validate = new Ajv({ strict: false, validateFormats: false, allErrors: true }).compile(schema);
    expect([validate(compose), validate.errors]).toEqual([true, null]);
  });

  test('has an api and a worker beside Postgres and Redis, all of them checked, restarted and given time to stop', () => {
    expect(Object.keys(compose.services).sort()).toEqual(['api', 'postgres', 'redis', 'worker']);
    for (const { healthcheck, restart, stop_grace_period: grace } of Object.values(compose.services)) {
      expect(healthcheck?.test.length).toBeGreaterThan(1);
      expect(restart).toBe('unless-stopped');
      expect(grace).toMatch(/^\d+s$/);
    }
    expect([service('api').command, service('worker').command]).toEqual([['--role=api'], ['--role=worker']]);
    expect(service('postgres').healthcheck?.test).toContain('pg_isready');
    expect(service('redis').healthcheck?.test.join(' ')).toContain('redis-cli ping');
  });

  test.each(['api', 'worker'])('%s waits for both stores and says for itself whether it is ready', (name) => {
    const { depends_on: stores, healthcheck, environment } = service(name);
    expect(stores).toEqual({
      postgres: { condition: 'service_healthy' },
      redis: { condition: 'service_healthy' },
    });
    expect(healthcheck?.test.join(' ')).toContain(`:${environment?.['PORT']}/health/ready`);
  });

  test.each(['api', 'worker'])('%s is not root and takes its secrets from .env', (name) => {
    expect(service(name)).toMatchObject({ user: 'node', env_file: '.env', read_only: true, cap_drop: ['ALL'] });
    const lines = read('Dockerfile').split('\n');
    expect(lines.filter((line) => line.startsWith('USER ')).at(-1)).toBe('USER node');
  });

  test('keeps what Postgres and Redis store, and publishes the api alone', () => {
    expect(service('postgres').volumes).toEqual(['postgres-data:/var/lib/postgresql']);
    expect(service('redis').volumes).toEqual(['redis-data:/data']);
    expect(Object.keys(compose.volumes).sort()).toEqual(['postgres-data', 'redis-data']);
    const published = Object.entries(compose.services).filter(([, { ports }]) => ports !== undefined);
    expect(published.map(([name]) => name)).toEqual(['api']);
  });

  test('has no password of its own, and none that may be left out', () => {
    const secrets = [...text.matchAll(/\$\{([A-Z_]*(?:PASSWORD|KEY))([^}]*)\}/g)];
    expect(new Set(secrets.map(([, name]) => name))).toEqual(
      new Set(['POSTGRES_PASSWORD', 'REDIS_PASSWORD', 'CALLSHEET_API_KEY']),
    );
    expect(secrets).not.toHaveLength(0);
    for (const [, , fallback] of secrets) expect(fallback).toMatch(/^:\?./);
  });

  test('every variable it takes is in .env.example', () => {
    const known = variablesIn(read('.env.example'));
    const wanted = [...text.matchAll(/\$\{([A-Z_]+)/g)].map(([, name]) => name);
    expect(wanted).not.toHaveLength(0);
    expect(wanted.filter((name) => name === undefined || !Object.hasOwn(known, name))).toEqual([]);
  });
});

/** Something that a variable of this name may hold. */
function valueFor(name: string): string {
  if (name.endsWith('_WEBHOOK_SECRET')) return `whsec_${Buffer.alloc(32, name).toString('base64')}`;
  if (name.endsWith('_WEBHOOK_URL')) return 'https://robots.example.com/send?access_token=0123456789';
  return `${name.toLowerCase()}.0123456789`.replaceAll('_', '-');
}

describe('the examples', () => {
  const example = variablesIn(read('.env.example'));
  const folder = path.join(import.meta.dirname, '..');

  test('.env.example names every variable that is read, but for NODE_ENV', () => {
    // Proxies may be written small.
    const missing = Object.keys(Environment.shape).filter((name) => !Object.hasOwn(example, name.toUpperCase()));
    expect(missing).toEqual(['NODE_ENV']);
  });

  test('callsheet.example.yaml loads once .env.example is filled in', () => {
    const names = [...read('callsheet.example.yaml').matchAll(/'?\$\{([A-Z_]+)\}'?/g)].map(([, name]) => name ?? '');
    const wanted = names.filter((name) => name !== 'NAME');
    expect(wanted).not.toHaveLength(0);
    expect(wanted.filter((name) => !Object.hasOwn(example, name))).toEqual([]);
    const filledIn = Object.fromEntries(wanted.map((name) => [name, valueFor(name)]));
    const variables = { ...example, ...filledIn, CALLSHEET_CONFIG: 'callsheet.example.yaml' };

    expect(loadSettings(variables, folder)).toMatchObject({
      publicUrl: 'https://callsheet.example.com',
      accounts: [
        { name: 'media-cn', requestsPerSecond: 20, callback: { signature: 'required' } },
        { name: 'partner', credentials: null, endpoint: 'https://ice.cn-beijing.aliyuncs.com' },
        { name: 'clips-cn-north', vendor: 'huawei-mpc', requestsPerSecond: 80 / 60 },
      ],
      retention: { receiptBodiesMs: 30 * 86_400_000, historyMs: 400 * 86_400_000 },
      alerts: {
        receivers: ['alertmanager', 'webhook', 'slack', 'dingtalk', 'feishu', 'email'].map((type) => ({ type })),
      },
      webhooks: { endpoints: [{ name: 'orders', filter: { account: ['media-cn'] } }] },
    });
  });

  test('what callsheet.example.yaml says of defaults is what the code does without them', () => {
    const filledIn = Object.fromEntries(Object.keys(example).map((name) => [name, valueFor(name)]));
    const unset = Object.fromEntries(Object.keys(Environment.shape).map((name) => [name, '']));
    const variables = { ...filledIn, ...unset, CALLSHEET_CONFIG: 'callsheet.example.yaml' };

    expect(loadSettings(variables, folder).accounts[1]).toMatchObject({
      requestsPerSecond: 20,
      labelsFromUserData: [],
      callback: { authKeys: [], signature: 'required' },
    });
  });
});
