import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ALERT_KINDS } from '../src/alerts/alert-message.js';
import { Metrics } from '../src/metrics/metrics.js';
import { loadSettings } from '../src/settings/load-settings.js';

const ROOT = path.join(import.meta.dirname, '..');
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');

describe('docs/vendors.md', () => {
  // `test/callbacks/callbacks.suite.ts`: "answers exactly 200 …"
  const named = [...read('docs/vendors.md').matchAll(/`([\w/.-]+\.(?:spec|suite)\.ts)`: "([^"]+)"/g)].map(
    ([, file = '', test = '']) => [file, test] as const,
  );

  it('names tests', () => {
    expect(named.length).toBeGreaterThan(20);
  });

  it.each(named)('%s has the test "%s"', (file, test) => {
    const source = read(file).replaceAll("\\'", "'");
    expect(source).toContain(`${test}`);
  });
});

describe('the pages', () => {
  const pages = [
    'README.md',
    'CONTRIBUTING.md',
    ...readdirSync(path.join(ROOT, 'docs'))
      .filter((file) => file.endsWith('.md'))
      .map((file) => `docs/${file}`),
  ];

  const targetsIn = (page: string) =>
    [...read(page).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)].map(([, target = '']) => target);

  it('link to files', () => {
    expect(pages.flatMap(targetsIn).length).toBeGreaterThan(20);
  });

  it.each(pages)('%s links to files that are there', (page) => {
    for (const target of targetsIn(page)) {
      expect(() => readFileSync(path.join(ROOT, path.dirname(page), target))).not.toThrow(/ENOENT/);
    }
  });
});

describe('docs/alerting.md', () => {
  const ACCOUNT = `publicUrl: https://a.example
accounts:
  - { name: media-cn, vendor: alibaba-ims, region: cn-shanghai, callback: { tokens: [0123456789abcdef] } }
`;
  const VARIABLES = {
    SLACK_WEBHOOK_URL: 'https://slack.example/services/a',
    DINGTALK_WEBHOOK_URL: 'https://dingtalk.example/robot/send?access_token=a',
    DINGTALK_SECRET: 'SEC-of-the-robot',
    FEISHU_WEBHOOK_URL: 'https://feishu.example/hook/a',
    FEISHU_SECRET: 'secret-of-the-robot',
    ALERT_WEBHOOK_SECRET: `whsec_${Buffer.alloc(32, 'a').toString('base64')}`,
    SMTP_PASSWORD: 'password-of-the-mail',
  };
  const examples = [...read('docs/alerting.md').matchAll(/^( *)```yaml\n(.*?)^ *```$/gms)].map(
    ([, indent = '', text = '']) => text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  );
  /** A rule stands alone there, where it would go among others. */
  const whole = (example: string) =>
    example.startsWith('- ') ? `alerts:\n  rules:\n${example.replaceAll(/^(?=.)/gm, '    ')}` : example;

  it.each(examples)('has settings that can be taken as they are:\n%s', (example) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'callsheet-docs-'));
    try {
      writeFileSync(path.join(folder, 'callsheet.yaml'), ACCOUNT + whole(example));
      expect(() => loadSettings(VARIABLES, folder)).not.toThrow();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('has an example of every kind of rule', () => {
    const shown = examples.flatMap((example) => [...example.matchAll(/\bon: (\S+)/g)].map(([, on]) => on));
    expect(shown).toEqual(expect.arrayContaining([...ALERT_KINDS]));
  });

  it('names metrics that there are', async () => {
    const named = new Set([...read('docs/alerting.md').matchAll(/`(callsheet_\w+)/g)].map(([, name]) => name));
    const told = (await new Metrics().registry.getMetricsAsJSON()).map(({ name }) => name);
    expect(named.size).toBeGreaterThan(5);
    expect(told).toEqual(expect.arrayContaining([...named]));
  });
});
