import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadSettings, SettingsError } from './load-settings.js';

const ACCOUNT = `publicUrl: https://a.example
accounts:
  - { name: media-cn, vendor: alibaba-ims, region: cn-shanghai, callback: { tokens: [0123456789abcdef] } }
`;

describe('alerts in callsheet.yaml', () => {
  let folder: string;
  beforeAll(() => void (folder = mkdtempSync(path.join(tmpdir(), 'callsheet-'))));
  afterAll(() => rmSync(folder, { recursive: true }));

  const load = (alerts: string) => {
    writeFileSync(path.join(folder, 'callsheet.yaml'), `${ACCOUNT}${alerts}`);
    return loadSettings({}, folder).alerts;
  };
  const problems = (alerts: string): string[] => {
    try {
      load(alerts);
      return [];
    } catch (error) {
      return (error as SettingsError).problems;
    }
  };

  it('are failed parts of jobs, when nobody says', () => {
    expect(load('').rules).toMatchObject([{ name: 'subjob-failed', on: 'subjob-failed', severity: 'warning', for: 0 }]);
    expect(load('')).toMatchObject({ groupWaitMs: 5000, groupIntervalMs: 300_000, repeatIntervalMs: 14_400_000 });
    expect(load('alerts: { rules: [] }').rules).toEqual([]);
  });

  it('have rules with a filter as lists take it', () => {
    const [rule] = load(`alerts:
  rules:
    - name: acme-fails
      on: failure-share
      severity: critical
      window: 30m
      minimum: 50
      above: 0.2
      for: 10m
      labels: { team: shorts }
      filter: { account: media-cn, label: [tenant:acme], api: [alibaba-ims/media-convert, alibaba-ims/snapshot] }
`).rules;
    expect(rule).toMatchObject({
      window: 1_800_000,
      for: 600_000,
      filter: {
        account: ['media-cn'],
        label: [['tenant', 'acme']],
        api: ['alibaba-ims/media-convert', 'alibaba-ims/snapshot'],
      },
    });
  });

  it.each([
    ['a rule of no kind', '{ name: x, on: job-exploded }', /^alerts\.rules\[0\](\.on)?: must be one of subjob-failed,/],
    ['a rule without a name', '{ on: job-failed }', /^alerts\.rules\[0\]\.name: /],
    [
      'a parameter of another rule',
      '{ name: x, on: job-failed, above: 0.5 }',
      /^alerts\.rules\[0\]\.above: is not a setting/,
    ],
    ['a bad severity', '{ name: x, on: job-failed, severity: loud }', /^alerts\.rules\[0\]\.severity: /],
    [
      'a bad duration',
      '{ name: x, on: job-failed, for: soon }',
      /^alerts\.rules\[0\]\.for: must be a number and a unit/,
    ],
    [
      'a window too long',
      '{ name: x, on: failure-share, window: 30d }',
      /^alerts\.rules\[0\]\.window: must be from 1m to 7d/,
    ],
    ['a share above 1', '{ name: x, on: failure-share, above: 20 }', /^alerts\.rules\[0\]\.above: must be 1 or less/],
    [
      'a filter of no such key',
      '{ name: x, on: job-failed, filter: { acount: a } }',
      /^alerts\.rules\[0\]\.filter\.acount: is not a setting/,
    ],
    [
      'a status of no job',
      '{ name: x, on: job-failed, filter: { status: [broken] } }',
      /^alerts\.rules\[0\]\.filter\.status/,
    ],
    [
      'an account that is not there',
      '{ name: x, on: job-failed, filter: { account: media-us } }',
      /^alerts\.rules\[0\]\.filter\.account: there is no account media-us/,
    ],
    [
      'an API that is not there',
      '{ name: x, on: job-failed, filter: { api: a/b } }',
      /^alerts\.rules\[0\]\.filter\.api: a\/b is not one of/,
    ],
    [
      'a URL to look for',
      '{ name: x, on: job-failed, filter: { q: "oss://b/a.mp4" } }',
      /^alerts\.rules\[0\]\.filter\.q: .*not a URL/,
    ],
    [
      'labels of a callback',
      '{ name: x, on: callback-loss, filter: { label: "a:b" } }',
      /^alerts\.rules\[0\]\.filter\.label: callback-loss can be told apart/,
    ],
    [
      'a filter of receipts',
      '{ name: x, on: receipts-waiting, filter: { account: media-cn } }',
      /receipts-waiting watches all receipts/,
    ],
    [
      'a receiver that is not there',
      '{ name: x, on: job-failed, receivers: [on-call] }',
      /^alerts\.rules\[0\]\.receivers\[0\]: there is no receiver on-call/,
    ],
  ])('%s is refused with its place', (_, rule, expected) => {
    expect(problems(`alerts: { rules: [${rule}] }`)).toEqual([expect.stringMatching(expected)]);
  });

  it('names that are used twice and timings that are none are told together', () => {
    expect(
      problems(`alerts: { groupInterval: 0s, rules: [{ name: x, on: job-failed, severity: loud }] }`),
    ).toHaveLength(2);
    expect(problems('alerts: { rules: [{ name: x, on: job-failed }, { name: x, on: job-lost }] }')).toEqual([
      'alerts.rules[1].name: x is used twice',
    ]);
  });
});
