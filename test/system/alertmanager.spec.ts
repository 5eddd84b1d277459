import path from 'node:path';
import { v7 as uuidv7 } from 'uuid';
import type { AlertMessage } from '../../src/alerts/alert-message.js';
import { channelTo } from '../../src/alerts/receivers.js';
import { DeliveryFailed } from '../../src/delivery/channel.js';
import { sendWithin } from '../../src/delivery/send-within.js';
import { ALERT_ID, alertMessage } from '../support/alert-message.js';
import { alertmanagerIsInstalled, startAlertmanager, tool, type Alertmanager } from '../support/alertmanager.js';
import { eventually } from '../support/eventually.js';

const ROOT = path.join(import.meta.dirname, '../..');
const CONFIG = path.join(import.meta.dirname, '../fixtures/alerting/alertmanager.yml');
/** So long that no alert ends by itself while a test looks at it, and so short that it ends while a test waits for that. */
const LONG_MS = 900_000;
const SHORT_MS = 500;

(alertmanagerIsInstalled ? describe : describe.skip)('an Alertmanager', () => {
  let alertmanager: Alertmanager;
  beforeAll(async () => {
    alertmanager = await startAlertmanager(CONFIG);
  });
  afterAll(() => alertmanager?.stop());

  const post = async (message: AlertMessage, repostIntervalMs = LONG_MS) => {
    const { url } = alertmanager;
    const common = { name: 'am', severities: null, language: 'en', url, repostIntervalMs } as const;
    const channel = channelTo({ ...common, type: 'alertmanager' }, { http: null, https: null, except: '' });
    const { dedupKey } = message;
    const outgoing = { id: uuidv7(), dedupKey, payload: message, createdAt: new Date(), attempt: 1 };
    const outcome = await sendWithin(5_000, channel, outgoing, (text) => text);
    expect(outcome).not.toBeInstanceOf(DeliveryFailed);
  };
  const active = () => alertmanager.alerts(`alert=${ALERT_ID}`);

  it('is told of an alert: it appears, changes, stays while it is reposted, and resolves', async () => {
    const openedAt = new Date(Date.now() - 60_000).toISOString();
    await post(alertMessage({ alert: { openedAt } }));
    const [alert, ...others] = await eventually(async () => {
      const alerts = await active();
      expect(alerts).toHaveLength(1);
      return alerts;
    });
    expect(others).toEqual([]);
    expect(alert.labels).toEqual({
      alertname: 'subjob-failed',
      severity: 'warning',
      kind: 'subjob-failed',
      account: 'media-cn',
      api: 'alibaba-ims/media-convert',
      alert: ALERT_ID,
      team: 'media',
    });
    expect(alert.annotations).toMatchObject({
      dedup_key: `${ALERT_ID}/1`,
      summary: expect.stringContaining('20 subjobs failed'),
    });
    expect(alert.generatorURL).toBe('https://callsheet.example.com/v1/jobs/0199b5a0-0000-7000-8000-0000000000b1');
    expect(Date.parse(alert.startsAt)).toBe(Date.parse(openedAt));

    // More of it is the same alert, with other words.
    await post(alertMessage({ reason: 'grew', alert: { openedAt, failures: 35 } }));
    await eventually(async () => {
      expect(await active()).toMatchObject([
        { fingerprint: alert.fingerprint, annotations: { summary: expect.stringContaining('35 subjobs failed') } },
      ]);
    });

    // It stays longer than it would by itself, as often as it is reposted.
    const repeated = alertMessage({ reason: 'repeated', alert: { openedAt, failures: 35 } });
    for (let repost = 1; repost <= 3; repost++) {
      await post(repeated, SHORT_MS);
      const endBySelf = Date.now() + 3 * SHORT_MS;
      await post(repeated);
      await eventually(() => expect(Date.now()).toBeGreaterThan(endBySelf));
      expect(await active()).toMatchObject([{ fingerprint: alert.fingerprint }]);
    }

    const resolvedAt = new Date().toISOString();
    await post(alertMessage({ reason: 'resolved', alert: { openedAt, status: 'resolved', resolvedAt } }));
    await eventually(async () => expect(await active()).toEqual([]));

    // Not reposted, it ends by itself. It is given longer where the machine is so busy that it ends before it was looked at.
    const reopened = alertMessage({ reason: 'reopened', dedupKey: `${ALERT_ID}/2` });
    let again: unknown[] = [];
    for (let repostMs = SHORT_MS; again.length === 0; repostMs *= 2) {
      await post(reopened, repostMs);
      again = await active();
    }
    expect(again).toMatchObject([{ fingerprint: alert.fingerprint }]);
    await eventually(async () => expect(await active()).toEqual([]), { intervalMs: 100 });
  });

  it('takes labels that are no labels of Prometheus, and an alert that says little', async () => {
    await post(
      alertMessage({
        sample: [],
        shared: [],
        alert: {
          id: uuidv7(),
          account: 'odd',
          api: null,
          error: null,
          failures: 0,
          jobs: 0,
          labels: { 'on-call': 'a', '1st': 'b', 团队: 'c' },
        },
      }),
    );
    await eventually(async () =>
      expect(await alertmanager.alerts('account=odd')).toMatchObject([
        { labels: { on_call: 'a', _1st: 'b', __: 'c' } },
      ]),
    );
  });

  it('can be configured as the example is', async () => {
    expect(await tool('amtool', 'check-config', path.join(ROOT, 'docs/alerting/alertmanager.yml'))).toContain(
      'SUCCESS',
    );
  });

  it('is told by Prometheus when Callsheet itself is not well', async () => {
    const rules = path.join(ROOT, 'docs/alerting/rules.yml');
    expect(await tool('promtool', 'check', 'rules', rules)).toContain('SUCCESS');
    const cases = path.join(import.meta.dirname, '../fixtures/alerting/rules.test.yml');
    expect(await tool('promtool', 'test', 'rules', cases)).toContain('SUCCESS');
  });
});
