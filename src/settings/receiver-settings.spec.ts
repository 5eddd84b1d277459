import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadSettings, SettingsError } from './load-settings.js';
import { secretsOf, type Settings } from './settings.js';

const WHSEC = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const VARIABLES = {
  SLACK_URL: 'https://hooks.slack.com/services/T0/B0/AKSECRETFINDME',
  SMTP_PASSWORD: 'AKSECRETFINDME',
};

function load(receivers: string, variables: Record<string, string> = VARIABLES): Settings {
  const folder = mkdtempSync(path.join(tmpdir(), 'callsheet-receivers-'));
  try {
    writeFileSync(path.join(folder, 'callsheet.yaml'), `alerts:\n  language: zh\n  receivers:\n${receivers}`);
    return loadSettings(variables, folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function problems(receivers: string): string[] {
  try {
    load(receivers);
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
    throw error;
  }
  return [];
}

const EVERY_TYPE = `
    - { name: am, type: alertmanager, url: 'http://127.0.0.1:9093/prefix/', repostInterval: 30s }
    - { name: hook, type: webhook, url: 'https://a.example/in', secrets: ['${WHSEC}'], severities: [critical] }
    - { name: slack, type: slack, url: '\${SLACK_URL}', language: en }
    - { name: ding, type: dingtalk, url: 'https://oapi.dingtalk.com/robot/send?access_token=AKSECRETFINDMEtoken', secret: SECAKSECRETFINDME }
    - { name: feishu, type: feishu, url: 'https://open.feishu.cn/open-apis/bot/v2/hook/AKSECRETFINDMEhook' }
    - { name: mail, type: email, host: smtp.example.com, username: u, password: '\${SMTP_PASSWORD}', from: 'Callsheet <c@example.com>', to: [ops@example.com] }`;

describe('receivers in callsheet.yaml', () => {
  it('are taken with what they leave out filled in', () => {
    expect(load(EVERY_TYPE).alerts.receivers).toMatchObject([
      { name: 'am', url: 'http://127.0.0.1:9093/prefix', repostIntervalMs: 30_000, severities: null, language: 'zh' },
      { name: 'hook', severities: ['critical'], secrets: [WHSEC] },
      { name: 'slack', url: VARIABLES.SLACK_URL, language: 'en' },
      { name: 'ding', secret: 'SECAKSECRETFINDME' },
      { name: 'feishu' },
      { name: 'mail', tls: 'starttls', to: ['ops@example.com'] },
    ]);
  });

  it('keep their secrets, those in addresses too', () => {
    const { never } = secretsOf(load(EVERY_TYPE));
    expect(never).toEqual(
      expect.arrayContaining([
        WHSEC,
        'AKSECRETFINDME',
        'AKSECRETFINDMEtoken',
        'SECAKSECRETFINDME',
        'AKSECRETFINDMEhook',
      ]),
    );
    // Ordinary words of an address are none.
    for (const word of ['services', 'robot', 'send', 'open-apis']) expect(never).not.toContain(word);
  });

  it.each([
    ['no type', `{ name: a }`, /^alerts\.receivers\[0\]\.type: must have a type: alertmanager, webhook, slack/],
    ['an unknown type', `{ name: a, type: pager }`, /^alerts\.receivers\[0\]\.type: must have a type: /],
    [
      'an odd name',
      `{ name: On Call, type: slack, url: 'https://a.example/' }`,
      /^alerts\.receivers\[0\]\.name: must be lower case/,
    ],
    [
      'an unknown key',
      `{ name: a, type: slack, url: 'https://a.example/', channel: x }`,
      /^alerts\.receivers\[0\]\.channel: is not a setting of Callsheet$/,
    ],
    ['no URL', `{ name: a, type: slack }`, /^alerts\.receivers\[0\]\.url: must be an http:\/\/ or https:\/\/ URL$/],
    [
      'another scheme',
      `{ name: a, type: slack, url: 'ftp://a.example/' }`,
      /^alerts\.receivers\[0\]\.url: must be an http/,
    ],
    [
      'a password in the URL',
      `{ name: a, type: alertmanager, url: 'https://u:p@a.example/' }`,
      /\.url: must hold no user or password$/,
    ],
    [
      'an unset variable, once',
      `{ name: a, type: slack, url: '\${NOBODY_SET_ME}' }`,
      /^alerts\.receivers\[0\]\.url: the environment variable NOBODY_SET_ME is not set$/,
    ],
    [
      'an odd severity',
      `{ name: a, type: slack, url: 'https://a.example/', severities: [high] }`,
      /severities\[0\]: must be info, warning or critical$/,
    ],
    [
      'no severity',
      `{ name: a, type: slack, url: 'https://a.example/', severities: [] }`,
      /severities: must name at least one severity/,
    ],
    [
      'an odd language',
      `{ name: a, type: slack, url: 'https://a.example/', language: fr }`,
      /language: must be en or zh$/,
    ],
    [
      'a secret that is none',
      `{ name: a, type: webhook, url: 'https://a.example/', secrets: [hush] }`,
      /secrets\[0\]: must be whsec_ and 24 to 64 bytes in base64/,
    ],
    [
      'a short secret',
      `{ name: a, type: webhook, url: 'https://a.example/', secrets: [whsec_c2hvcnQ=] }`,
      /secrets\[0\]: must be whsec_/,
    ],
    [
      'no secrets',
      `{ name: a, type: webhook, url: 'https://a.example/', secrets: [] }`,
      /secrets: must hold at least one secret$/,
    ],
    [
      'half an address of a robot',
      `{ name: a, type: dingtalk, url: 'https://oapi.dingtalk.com/robot/send' }`,
      /\.url: has no access_token; take the whole webhook address/,
    ],
    [
      'half a login',
      `{ name: a, type: alertmanager, url: 'http://a.example', username: u }`,
      /\.password: username and password go together$/,
    ],
    [
      'two logins',
      `{ name: a, type: alertmanager, url: 'http://a.example', username: u, password: password, bearerToken: token-of-mine }`,
      /\.bearerToken: is one way to log in/,
    ],
    [
      'a password in the open',
      `{ name: a, type: email, host: h, tls: none, username: u, password: password, from: a@b, to: [c@d] }`,
      /\.tls: none would send the password unencrypted/,
    ],
    [
      'no address',
      `{ name: a, type: email, host: h, from: nobody, to: [c@d] }`,
      /\.from: must be an address such as ops@example\.com$/,
    ],
    ['nobody', `{ name: a, type: email, host: h, from: a@b, to: [] }`, /\.to: must hold at least one address$/],
    [
      'a header in an address',
      `{ name: a, type: email, host: h, from: a@b, to: ["c@d\\nBcc: e@f"] }`,
      /\.to\[0\]: must/,
    ],
    [
      'a short pause',
      `{ name: a, type: alertmanager, url: 'http://a.example', repostInterval: 1s }`,
      /\.repostInterval: must be from 10s to 1h$/,
    ],
  ])('are refused for %s', (_, receiver, expected) => {
    const found = problems(`    - ${receiver}`);
    expect(found[0]).toMatch(expected);
    expect(found.filter((problem) => !problem.includes('.to[0]'))).toHaveLength(found[0]?.includes('.to[0]') ? 0 : 1);
  });

  it('are refused when two have one name', () => {
    const one = `    - { name: a, type: slack, url: 'https://a.example/' }\n`;
    expect(problems(one + one)).toEqual(['alerts.receivers[1].name: a is used twice']);
  });
});
