import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadSettings, SettingsError } from './load-settings.js';
import { reloadSettings } from './reload-settings.js';
import type { Settings } from './settings.js';

const account = (name: string, token: string) => `
  - { name: ${name}, vendor: alibaba-ims, region: cn-shanghai, callback: { tokens: [${token}] } }`;
const FILE = `publicUrl: https://callsheet.example.com
accounts:${account('media-cn', 'token-0123456789-a')}${account('partner', 'token-0123456789-b')}`;
const VARIABLES = { CALLSHEET_API_KEY: 'the-admin-key-0123456789', PORT: '4000' };

let folder: string;
let file: string;
let inForce: Settings;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'callsheet-reload-'));
  file = path.join(folder, 'callsheet.yaml');
  writeFileSync(file, FILE);
  inForce = loadSettings(VARIABLES, folder);
});
afterEach(() => rmSync(folder, { recursive: true }));

function reloaded(yaml: string, variables: Record<string, string> = VARIABLES) {
  writeFileSync(file, yaml);
  return reloadSettings(inForce, variables, folder);
}

function problems(work: () => unknown): string[] {
  try {
    work();
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
    throw error;
  }
  return [];
}

describe('a reload', () => {
  it('says that nothing changed when nothing did', () => {
    const { settings, news } = reloaded(`# a remark\n${FILE}`);
    expect(news).toBe('2 accounts, nothing changed');
    expect(settings).toEqual(inForce);
  });

  it('says what changed, and never to what', () => {
    const yaml = `publicUrl: https://callsheet.example.org
retention: { history: 30d }
accounts:${account('media-cn', 'token-0123456789-c')}${account('clips', 'token-0123456789-d')}`;
    const { settings, news } = reloaded(yaml);
    expect(news).toBe(
      '2 accounts (1 new, 1 changed, 1 removed); new: clips; changed: media-cn (callback); removed: partner; ' +
        'publicUrl changed; retention changed',
    );
    expect(settings.accounts.map(({ name, callback }) => [name, callback?.tokens])).toEqual([
      ['media-cn', ['token-0123456789-c']],
      ['clips', ['token-0123456789-d']],
    ]);
    expect(settings.retention.historyMs).toBe(30 * 86_400_000);
  });

  it('brings endpoints into force, and says that they changed', () => {
    const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
    const endpoint = `{ name: orders, url: 'https://orders.example.com/', secrets: [${secret}] }`;
    const { settings, news } = reloaded(`${FILE}\nwebhooks: { endpoints: [${endpoint}] }`);
    expect(news).toBe('2 accounts; webhooks changed');
    expect(settings.webhooks.endpoints.map(({ name }) => name)).toEqual(['orders']);
  });

  it('leaves an account that did not change the object it was', () => {
    const { settings } = reloaded(FILE.replace('token-0123456789-b', 'token-0123456789-x'));
    expect(settings.accounts[0]).toBe(inForce.accounts[0]);
    expect(settings.accounts[1]).not.toBe(inForce.accounts[1]);
  });

  it('leaves what cannot change in a running process, and the API key', () => {
    const generated = { ...inForce, apiKey: 'generated-0123456789' };
    writeFileSync(file, FILE);
    const { settings, news } = reloadSettings(generated, { PORT: '5000', LOG_LEVEL: 'debug' }, folder);
    expect(settings).toMatchObject({ port: 4000, logLevel: 'info', apiKey: 'generated-0123456789' });
    expect(news).toBe('2 accounts, nothing changed');
  });

  it('is refused with every problem at once', () => {
    expect(problems(() => reloaded(`${FILE}\nretention: { history: soon }\nport: 1`))).toHaveLength(2);
  });

  it('is refused when the file is gone or empty, which would remove all accounts', () => {
    expect(problems(() => reloaded(''))).toEqual([expect.stringContaining('callsheet.yaml: is empty')]);
    rmSync(file);
    expect(problems(() => reloadSettings(inForce, VARIABLES, folder))).toEqual(['callsheet.yaml: is gone']);
  });

  it('removes all accounts when the file says so', () => {
    expect(reloaded('accounts: []').news).toBe('0 accounts (2 removed); removed: media-cn, partner; publicUrl changed');
  });
});
