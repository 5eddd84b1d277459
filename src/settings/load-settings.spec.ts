import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadSettings, SettingsError } from './load-settings.js';
import { secretsOf, type Settings } from './settings.js';

const ACCOUNT = `
  - name: media-cn
    vendor: alibaba-ims
    region: cn-shanghai
    accessKeyId: \${KEY_ID}
    accessKeySecret: \${KEY_SECRET}
    callback:
      tokens: [ "\${TOKEN}" ]`;
const HUAWEI_ACCOUNT = `
  - name: clips-cn
    vendor: huawei-mpc
    region: cn-north-4
    projectId: 0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f
    accessKeyId: \${KEY_ID}
    accessKeySecret: \${KEY_SECRET}`;
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
        projectId: null,
        discover: null,
        requestsPerSecond: 20,
      },
    ]);
  });

  it.each([
    ['false', null],
    ['true', { everyMs: 600_000, windowMs: 30 * 86_400_000 }],
    ['{}', { everyMs: 600_000, windowMs: 30 * 86_400_000 }],
    ['{ every: 1m }', { everyMs: 60_000, windowMs: 30 * 86_400_000 }],
    ['{ every: 1d, window: 365d }', { everyMs: 86_400_000, windowMs: 365 * 86_400_000 }],
  ])('takes discover: %s', (written, expected) => {
    const { accounts } = load(`publicUrl: https://a.example\naccounts:${ACCOUNT}\n    discover: ${written}`);
    expect(accounts[0]?.discover).toEqual(expected);
  });

  it.each([
    ['often', /^accounts\[0\]\.discover: must be true, false, or such as { every: 10m, window: 30d }$/],
    ['[1m]', /^accounts\[0\]\.discover: must be true, false, or such as/],
    ['{ every: 1s }', /^accounts\[0\]\.discover\.every: must be 10s or more$/],
    ['{ every: 2d }', /^accounts\[0\]\.discover\.every: must be 1d or less$/],
    ['{ every: soon }', /^accounts\[0\]\.discover\.every: must be a number and a unit/],
    ['{ window: 5m }', /^accounts\[0\]\.discover\.window: must be 1h or more$/],
    ['{ window: 366d }', /^accounts\[0\]\.discover\.window: must be 365d or less$/],
    ['{ since: 1d }', /^accounts\[0\]\.discover\.since: is not a setting of Callsheet$/],
  ])('is refused for discover: %s', (written, expected) => {
    const yaml = `publicUrl: https://a.example\naccounts:${ACCOUNT}\n    discover: ${written}`;
    expect(problems(yaml)).toEqual([expect.stringMatching(expected)]);
  });

  it('is refused for discover without credentials', () => {
    const yaml = `publicUrl: https://a.example\naccounts:${ACCOUNT.replace(/.*accessKey.*\n/g, '')}\n    discover: true`;
    expect(problems(yaml)).toEqual([expect.stringMatching(/^accounts\[0\]\.discover: needs credentials/)]);
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

  it.each([
    ['a block scalar', 'publicUrl: |AKSECRETFINDME here\n x', /extra characters at line 1, column \d+$/],
    ['an alias', 'publicUrl: *AKSECRETFINDME', /^callsheet\.yaml: has an alias that leads nowhere/],
    ['a tag', 'publicUrl: !no!AKSECRETFINDME x', /^callsheet\.yaml: tag resolve failed at line 1/],
    ['an escape', 'publicUrl: "\\xAKSECRETFINDME"', /^callsheet\.yaml: bad dq escape at line 1/],
    ['text after text', 'publicUrl: "x" AKSECRETFINDME', /^callsheet\.yaml: Unexpected scalar at node end at line 1/],
    ['a text alone', 'AKSECRETFINDME', /^callsheet\.yaml: /],
  ])('shows nothing of a file whose secret is mistaken for %s', (_, yaml, expected) => {
    const found = problems(yaml);
    expect(found[0]).toMatch(expected);
    expect(found.join()).not.toContain('SECRET');
  });

  it('is refused for a file that cannot be read', () => {
    mkdirSync(path.join(folder, 'folder.yaml'));
    expect(problems(null, { CALLSHEET_CONFIG: 'folder.yaml' })).toEqual(['folder.yaml: cannot be read (EISDIR)']);
  });

  it('shows no secret in its complaints', () => {
    const yaml = `publicUrl: ftp://x\naccounts:${ACCOUNT}\n    requestsPerSecond: -1`;
    expect(problems(yaml).join()).not.toContain('AKSECRETFINDME');
    expect(problems(yaml)).not.toEqual([]);
  });
});

describe('an account of Huawei Cloud', () => {
  it('needs no public URL, is asked 80 times a minute, and where its region says', () => {
    expect(load(`accounts:${HUAWEI_ACCOUNT}`).accounts).toEqual([
      {
        name: 'clips-cn',
        vendor: 'huawei-mpc',
        region: 'cn-north-4',
        endpoint: 'https://mpc.cn-north-4.myhuaweicloud.com',
        credentials: { accessKeyId: 'LTAI-id', accessKeySecret: 'AKSECRETFINDME-1' },
        callback: null,
        labelsFromUserData: [],
        projectId: '0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f',
        discover: null,
        requestsPerSecond: 80 / 60,
      },
    ]);
  });

  it('counts its requests by the minute', () => {
    const { accounts } = load(`accounts:${HUAWEI_ACCOUNT}\n    requestsPerMinute: 30`);
    expect(accounts[0]?.requestsPerSecond).toBe(0.5);
  });

  it.each([
    ['cn-north-1', 'https://mts.cn-north-1.myhuaweicloud.com'],
    ['cn-east-2', 'https://mpc.cn-east-2.myhuaweicloud.com'],
    ['cn-east-3', 'https://mpc.cn-east-3.myhuaweicloud.com'],
    ['cn-south-1', 'https://mpc.cn-south-1.myhuaweicloud.com'],
    ['ap-southeast-3', 'https://mpc.ap-southeast-3.myhuaweicloud.com'],
  ])('in %s is asked at %s', (region, endpoint) => {
    expect(load(`accounts:${HUAWEI_ACCOUNT.replace('cn-north-4', region)}`).accounts[0]?.endpoint).toBe(endpoint);
  });

  it('in a region nobody knows the host of needs an endpoint', () => {
    const yaml = `accounts:${HUAWEI_ACCOUNT.replace('cn-north-4', 'la-south-2')}`;
    expect(problems(yaml)).toEqual([
      'accounts[0].endpoint: is missing; there is no known endpoint of huawei-mpc in la-south-2',
    ]);
    expect(load(`${yaml}\n    endpoint: https://mpc.example.com/`).accounts[0]?.endpoint).toBe(
      'https://mpc.example.com',
    );
  });

  it.each([
    ['no project', /.*projectId.*\n/, '', /^accounts\[0\]\.projectId: /],
    ['a project that is none', '0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f', 'my-project', /projectId: must be a project id: 32/],
    ['no key', /.*accessKeyId.*\n/, '', /^accounts\[0\]\.accessKeyId: /],
    ['a callback', 'region', 'callback: { tokens: [aaaaaaaaaaaaaaaa] }\n    region', /\.callback: is not a setting/],
    ['discover', 'region', 'discover: true\n    region', /\.discover: is not a setting/],
    ['requests a second', 'region', 'requestsPerSecond: 1\n    region', /\.requestsPerSecond: is not a setting/],
    ['no requests', 'region', 'requestsPerMinute: 0\n    region', /^accounts\[0\]\.requestsPerMinute: /],
  ])('is refused with %s', (_, what, instead, expected) => {
    expect(problems(`accounts:${HUAWEI_ACCOUNT.replace(what, instead)}`)).toEqual([expect.stringMatching(expected)]);
  });
});

describe('the proxies of the environment', () => {
  it('are none unless they are set', () => {
    expect(load(null, {}).proxies).toEqual({ http: null, https: null, except: '' });
    expect(load(null, { HTTPS_PROXY: '', NO_PROXY: '' }).proxies).toEqual({ http: null, https: null, except: '' });
  });

  it('are taken as other programs take them, in small letters first', () => {
    const variables = {
      HTTPS_PROXY: 'http://big:1',
      https_proxy: 'http://small:1',
      HTTP_PROXY: 'plain:3128',
      NO_PROXY: 'a',
    };
    expect(load(null, variables).proxies).toEqual({ http: 'http://plain:3128', https: 'http://small:1', except: 'a' });
  });

  it('have passwords, which are secrets', () => {
    const settings = load(null, { HTTPS_PROXY: 'http://ops:AKSECRET%2FFINDME@proxy:3128' });
    expect(secretsOf(settings).never).toEqual(['AKSECRET%2FFINDME', 'AKSECRET/FINDME']);
  });

  it.each(['socks5://proxy:1080', 'http://', 'http://ops:AKSECRETFINDME%zz@proxy', 'ftp://proxy'])(
    'cannot be %s',
    (url) => {
      const found = problems(null, { HTTPS_PROXY: url });
      expect(found).toEqual([expect.stringMatching(/^HTTPS_PROXY: must be \[http:\/\/ or https:\/\/\]/)]);
      expect(found.join()).not.toContain('FINDME');
    },
  );
});
