import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadSettings, SettingsError } from './load-settings.js';
import { secretsOf } from './settings.js';
import { EVENT_TYPES } from './webhook-settings.js';

const WHSEC = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const NEXT = `whsec_${Buffer.alloc(32, 8).toString('base64')}`;
const ACCOUNT = `publicUrl: https://a.example
accounts:
  - { name: media-cn, vendor: alibaba-ims, region: cn-shanghai, callback: { tokens: [0123456789abcdef] } }
`;

describe('webhooks in callsheet.yaml', () => {
  let folder: string;
  beforeAll(() => void (folder = mkdtempSync(path.join(tmpdir(), 'callsheet-'))));
  afterAll(() => rmSync(folder, { recursive: true }));

  const load = (webhooks: string) => {
    writeFileSync(path.join(folder, 'callsheet.yaml'), `${ACCOUNT}${webhooks}`);
    return loadSettings({ SECRET: WHSEC }, folder);
  };
  const problems = (webhooks: string): string[] => {
    try {
      load(webhooks);
      return [];
    } catch (error) {
      return (error as SettingsError).problems;
    }
  };

  it('are none, when nobody says', () => {
    expect(load('').webhooks).toEqual({ allowPrivateAddresses: [], endpoints: [] });
  });

  it('are endpoints with all events, unless they name some', () => {
    const { endpoints } = load(`webhooks:
  endpoints:
    - { name: orders, url: 'https://a.example/in', secrets: ['\${SECRET}'] }
    - name: billing
      url: https://b.example/in
      secrets: [${WHSEC}, ${NEXT}]
      events: [job.succeeded, output.ready]
      filter: { account: [media-cn], label: [tenant:acme] }
`).webhooks;
    expect(endpoints).toEqual([
      { name: 'orders', url: 'https://a.example/in', secrets: [WHSEC], events: EVENT_TYPES },
      {
        name: 'billing',
        url: 'https://b.example/in',
        secrets: [WHSEC, NEXT],
        events: ['job.succeeded', 'output.ready'],
        filter: { account: ['media-cn'], label: [['tenant', 'acme']] },
      },
    ]);
  });

  it('may be in a network of our own: by address, range or name', () => {
    const { allowPrivateAddresses } = load(`webhooks:
  allowPrivateAddresses: [10.1.0.0/16, 127.0.0.1, 'fd00::/8', '::1', Orders.Internal, my_service]
  endpoints: [{ name: orders, url: 'http://orders.internal:8080/in', secrets: [${WHSEC}] }]
`).webhooks;
    expect(allowPrivateAddresses).toEqual([
      '10.1.0.0/16',
      '127.0.0.1',
      'fd00::/8',
      '::1',
      'orders.internal',
      'my_service',
    ]);
  });

  it('keep their secrets, those in addresses too', () => {
    const endpoint = `{ name: a, url: 'https://a.example/callsheet-events?token=AKSECRETFINDME&v=2', secrets: [${WHSEC}, ${NEXT}] }`;
    const { never } = secretsOf(load(`webhooks: { endpoints: [${endpoint}] }`));
    expect(never).toEqual([WHSEC, NEXT, 'AKSECRETFINDME']);
  });

  it.each([
    ['an odd name', `name: Orders`, /^webhooks\.endpoints\[0\]\.name: must be lower case/],
    ['no URL', `url: null`, /^webhooks\.endpoints\[0\]\.url: must be an http:\/\/ or https:\/\/ URL$/],
    ['another scheme', `url: 'ftp://a.example'`, /^webhooks\.endpoints\[0\]\.url: must be an http/],
    ['a login in the URL', `url: 'https://u:p@a.example/'`, /^webhooks\.endpoints\[0\]\.url: must hold no user/],
    [
      'job data in the open',
      `url: 'http://a.example/in'`,
      /^webhooks\.endpoints\[0\]\.url: must be https:\/\/; http:\/\/ is for hosts in allowPrivateAddresses$/,
    ],
    ['no secret', `secrets: []`, /^webhooks\.endpoints\[0\]\.secrets: must hold at least one secret$/],
    [
      'a secret that is none',
      `secrets: [hush]`,
      /^webhooks\.endpoints\[0\]\.secrets\[0\]: must be whsec_ and 24 to 64/,
    ],
    ['an unknown event', `events: [job.exploded]`, /^webhooks\.endpoints\[0\]\.events\[0\]: must be one of job\.succ/],
    ['no event', `events: []`, /^webhooks\.endpoints\[0\]\.events: must name at least one event/],
    ['an unknown key', `secret: x`, /^webhooks\.endpoints\[0\]\.secret: is not a setting of Callsheet$/],
    [
      'an unknown account',
      `filter: { account: media-us }`,
      /^webhooks\.endpoints\[0\]\.filter\.account: there is no account media-us$/,
    ],
    ['an unknown API', `filter: { api: a/b }`, /^webhooks\.endpoints\[0\]\.filter\.api: a\/b is not one of/],
    ['a URL to look for', `filter: { q: 'oss://b/a.mp4' }`, /^webhooks\.endpoints\[0\]\.filter\.q: .*not a URL$/],
    ['a filter of no such key', `filter: { acount: a }`, /^webhooks\.endpoints\[0\]\.filter\.acount: is not a setting/],
  ])('%s is refused with its place', (_, change, expected) => {
    const key = change.slice(0, change.indexOf(':'));
    const lines = [`name: a`, `url: 'https://a.example/'`, `secrets: [${WHSEC}]`].filter(
      (line) => !line.startsWith(key),
    );
    // `secret` begins as `secrets` does.
    if (key === 'secret') lines.push(`secrets: [${WHSEC}]`);
    expect(problems(`webhooks: { endpoints: [{ ${[...lines, change].join(', ')} }] }`)).toEqual([
      expect.stringMatching(expected),
    ]);
  });

  it.each(['10.0.0.0/33', '10.0.0/8', '300.1.1.1', 'http://a.example', '10.0.0.0/8/8', '::1/129', 'a b'])(
    '%s is no address',
    (entry) => {
      expect(problems(`webhooks: { allowPrivateAddresses: ['${entry}'] }`)).toEqual([
        expect.stringMatching(/^webhooks\.allowPrivateAddresses\[0\]: must be an address, a range such as 10\.1\.0\.0/),
      ]);
    },
  );

  it('names that are used twice are told', () => {
    const endpoint = `{ name: a, url: 'https://a.example/', secrets: [${WHSEC}] }`;
    expect(problems(`webhooks: { endpoints: [${endpoint}, ${endpoint}] }`)).toEqual([
      'webhooks.endpoints[1].name: a is used twice',
    ]);
  });
});
