import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadSettings, SettingsError } from './load-settings.js';
import type { Settings } from './settings.js';

const ACCOUNT = `
  - name: media-cn
    vendor: alibaba-ims
    region: cn-shanghai
    accessKeyId: \${KEY_ID}
    accessKeySecret: \${KEY_SECRET}
    callback:
      tokens: [ "\${TOKEN}" ]`;
const VARIABLES = { KEY_ID: 'LTAI-id', KEY_SECRET: 'AKSECRETFINDME-1', TOKEN: 'AKSECRETFINDME-token' };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'callsheet-settings-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function load(yaml: string | null, variables: Record<string, string> = VARIABLES): Settings {
  if (yaml !== null) writeFileSync(path.join(folder, 'callsheet.yaml'), yaml);
  return loadSettings(variables, folder);
}

function problems(yaml: string | null, variables: Record<string, string> = VARIABLES): string[] {
  try {
    load(yaml, variables);
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
    throw error;
  }
  return [];
}

describe('the configuration', () => {
  it('needs nothing: no file, no variables', () => {
    expect(load(null, {})).toMatchObject({
      host: '127.0.0.1',
      port: 3000,
      accounts: [],
      publicUrl: null,
      databaseUrl: null,
    });
  });

  it('listens to the world in production only', () => {
    expect(load(null, { NODE_ENV: 'production' }).host).toBe('0.0.0.0');
    expect(load(null, { NODE_ENV: 'production', HOST: '10.0.0.1' }).host).toBe('10.0.0.1');
  });

  it('takes secrets from the environment and fills in the rest', () => {
    const { accounts, publicUrl } = load(`publicUrl: https://callsheet.example.com/\naccounts:${ACCOUNT}`);
    expect(publicUrl).toBe('https://callsheet.example.com');
    expect(accounts).toEqual([
      {
        name: 'media-cn',
        vendor: 'alibaba-ims',
        region: 'cn-shanghai',
        endpoint: 'https://ice.cn-shanghai.aliyuncs.com',
        credentials: { accessKeyId: 'LTAI-id', accessKeySecret: 'AKSECRETFINDME-1' },
        callback: { tokens: ['AKSECRETFINDME-token'], authKeys: [], signature: 'required' },
        labelsFromUserData: [],
        requestsPerSecond: 20,
      },
    ]);
  });

  it.each([
    [
      'a missing variable',
      `publicUrl: https://a.example\naccounts:${ACCOUNT}`,
      { KEY_ID: 'x', KEY_SECRET: 'y' },
      /accounts\[0\]\.callback\.tokens\[0\]: the environment variable TOKEN is not set/,
    ],
    ['an unknown key', 'publicURL: https://a.example', {}, /^publicURL: is not a setting of Callsheet/],
    [
      'an unknown key of an account',
      `publicUrl: https://a.example\naccounts:${ACCOUNT}\n    regoin: x`,
      VARIABLES,
      /^accounts\[0\]\.regoin: is not a setting/,
    ],
    [
      'a bad name',
      `publicUrl: https://a.example\naccounts:${ACCOUNT.replace('media-cn', 'Media CN')}`,
      VARIABLES,
      /^accounts\[0\]\.name: must be lower case/,
    ],
    [
      'a name twice',
      `publicUrl: https://a.example\naccounts:${ACCOUNT}${ACCOUNT}`,
      VARIABLES,
      /^accounts\[1\]\.name: media-cn is used twice/,
    ],
    [
      'an unknown vendor',
      `publicUrl: https://a.example\naccounts:${ACCOUNT.replace('alibaba-ims', 'acme')}`,
      VARIABLES,
      /^accounts\[0\]\.vendor: /,
    ],
    [
      'a short token',
      `publicUrl: https://a.example\naccounts:${ACCOUNT}`,
      { ...VARIABLES, TOKEN: 'short' },
      /tokens\[0\]: must have 16 characters/,
    ],
    [
      'a token that is no part of a URL',
      `publicUrl: https://a.example\naccounts:${ACCOUNT}`,
      { ...VARIABLES, TOKEN: 'a b/c?d=e#f-0123456789' },
      /letters, digits/,
    ],
    [
      'half the credentials',
      `publicUrl: https://a.example\naccounts:${ACCOUNT.replace(/.*accessKeyId.*\n/, '')}`,
      VARIABLES,
      /^accounts\[0\]: accessKeyId and accessKeySecret go together/,
    ],
    ['a callback without a public URL', `accounts:${ACCOUNT}`, VARIABLES, /^publicUrl: is missing/],
    [
      'a callback URL that is too long',
      `publicUrl: https://${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(30)}.example.com\naccounts:${ACCOUNT}`,
      VARIABLES,
      /2\d\d bytes, the vendor takes 256/,
    ],
    ['a file that is not YAML', 'accounts: [', {}, /^callsheet\.yaml: /],
    ['a bad duration', 'retention: { history: 1 year }', {}, /^retention\.history: must be a number and a unit/],
    ['a bad port', null, { PORT: '99999' }, /^PORT: /],
    ['a bad database address', null, { DATABASE_URL: 'mysql://x' }, /^DATABASE_URL: must begin with postgresql/],
    ['a file that is not there', null, { CALLSHEET_CONFIG: 'nowhere.yaml' }, /^CALLSHEET_CONFIG: there is no file/],
  ])('is refused for %s', (_, yaml, variables, expected) => {
    expect(problems(yaml, variables)).toEqual([expect.stringMatching(expected)]);
  });

  it('names everything that is wrong at once', () => {
    const yaml = `publicURL: https://a.example\nretention: { history: soon }`;
    expect(problems(yaml, { PORT: '-1', REDIS_URL: 'http://x' })).toHaveLength(4);
  });

  it('shows no secret in its complaints', () => {
    const yaml = `publicUrl: ftp://x\naccounts:${ACCOUNT}\n    requestsPerSecond: -1`;
    expect(problems(yaml).join()).not.toContain('AKSECRETFINDME');
    expect(problems(yaml)).not.toEqual([]);
  });
});
