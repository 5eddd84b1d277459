import type { Browser, Page } from 'playwright-core';
import { v7 as uuidv7 } from 'uuid';
import { startReceiverPage, type ReceiverPage } from '../../emulator/demo/receiver-page.js';
import type { AlertMessage } from '../../src/alerts/alert-message.js';
import { channelTo } from '../../src/alerts/receivers.js';
import { DeliveryFailed, type Answered } from '../../src/delivery/channel.js';
import { sendWithin } from '../../src/delivery/send-within.js';
import { ALERT_ID, alertMessage } from '../support/alert-message.js';
import { chromiumIsInstalled, coloursIn, startChromium } from '../support/chromium.js';
import { eventually } from '../support/eventually.js';

const HOSTILE = '<img src=x onerror="window.harm = 1"><script>window.harm = 1</script>';

(chromiumIsInstalled ? describe : describe.skip)('the page of the demo, in Chromium', () => {
  let page: ReceiverPage;
  let browser: Browser;
  let tab: Page;
  const complaints: string[] = [];

  beforeAll(async () => {
    [page, browser] = await Promise.all([startReceiverPage(), startChromium()]);
    tab = await browser.newPage({ viewport: { width: 800, height: 600 } });
    tab.on('console', (message) => complaints.push(message.text()));
    tab.on('pageerror', (error) => complaints.push(String(error)));
    await tab.goto(page.url);
  });
  afterAll(async () => {
    await browser?.close();
    await page?.stop();
  });

  /** As the tracker sends it. */
  const send = (message: AlertMessage, receiver = page.receiver): Promise<Answered | DeliveryFailed> => {
    const channel = channelTo(
      { ...receiver, severities: null, language: 'en' },
      { http: null, https: null, except: '' },
    );
    const { dedupKey } = message;
    const outgoing = { id: uuidv7(), dedupKey, payload: message, createdAt: new Date(), attempt: 1 };
    return sendWithin(5_000, channel, outgoing, (text) => text);
  };
  const ask = (expression: string) => tab.evaluate<any>(expression);
  const textOf = (key: string): Promise<string> =>
    ask(`document.querySelector('article[data-key=${JSON.stringify(key)}]')?.innerText ?? ''`);

  it('has nothing to show before the first message', async () => {
    expect(await ask('document.body.innerText')).toContain('No alert yet');
    expect(await ask('document.querySelectorAll("article").length')).toBe(0);
  });

  it('shows an alert as one card that appears, grows and is over, and has it still when it is loaded again', async () => {
    const key = `${ALERT_ID}/1`;
    expect(await send(alertMessage({ alert: { failures: 1, jobs: 1 }, shared: [] }))).toMatchObject({ status: 200 });
    const appeared = await eventually(async () => {
      const text = await textOf(key);
      expect(text).toMatch(/open/);
      return text;
    });
    for (const words of ['warning', 'media-cn · alibaba-ims/media-convert', 'InvalidParameter.ResourceContentBad'])
      expect(appeared).toContain(words);
    expect(appeared).toMatch(/1 failure\s+1 job\s/);
    expect(appeared).toMatch(/spring <sale>[^]*output\/0[^]*The resource operated "InputFile" is bad/);
    const job = 'https://callsheet.example.com/v1/jobs/0199b5a0-0000-7000-8000-0000000000b1';
    expect(await ask('[...document.querySelectorAll("article a")].map(({ href }) => href)')).toEqual([job]);

    await send(alertMessage({ reason: 'grew' }));
    await eventually(async () => expect(await textOf(key)).toMatch(/growing[^]*20 failures\s+3 jobs\s/));
    expect(await textOf(key)).toMatch(/bucket\s+footage-cn\s+18 of 20/);
    expect(await ask('document.querySelector(".bar").style.width')).toBe('90%');
    expect(await ask('document.title')).toBe('(1) Callsheet demo: alerts');

    await send(alertMessage({ reason: 'resolved', alert: { status: 'resolved' } }));
    await eventually(async () => expect(await textOf(key)).toMatch(/resolved/));
    await tab.reload();
    const still = await eventually(async () => {
      const text = await textOf(key);
      expect(text).toMatch(/resolved/);
      return text;
    });
    expect(still).toMatch(/Opened[^]*Growing[^]*Resolved/);
    expect(await ask('document.getElementById("counts").textContent')).toBe('0 open, 1 over');

    // Opened again it is another incident.
    await send(alertMessage({ reason: 'reopened', dedupKey: `${ALERT_ID}/2` }));
    await eventually(async () => expect(await textOf(`${ALERT_ID}/2`)).toMatch(/again/));
    expect(await ask('document.querySelectorAll("article").length')).toBe(2);
  });

  it('takes the words of a vendor for nothing but words', async () => {
    const { sample, alert } = alertMessage();
    const hostile = sample.map((job) => ({ ...job, name: HOSTILE, error: HOSTILE, url: 'javascript:window.harm = 1' }));
    await send(
      alertMessage({
        dedupKey: 'hostile/1',
        sample: hostile,
        shared: [{ kind: 'url', value: HOSTILE, failures: 18 }],
        alert: { ...alert, account: HOSTILE, error: { code: HOSTILE, message: HOSTILE } },
      }),
    );
    const text = await eventually(async () => {
      const shown = await textOf('hostile/1');
      expect(shown).not.toBe('');
      return shown;
    });
    expect(text.split(HOSTILE).length).toBeGreaterThan(6);
    expect(await ask('document.querySelectorAll("main img, main script").length')).toBe(0);
    expect(await ask('document.querySelector("article[data-key=\'hostile/1\'] a")')).toBeNull();
    expect(await ask('typeof window.harm')).toBe('undefined');
    expect(complaints).toEqual([]);
  });

  it('refuses what is not signed with its secret, and shows it nowhere', async () => {
    const before = await ask('document.querySelector("main").innerText');
    const forged = alertMessage({ dedupKey: 'forged/1' });
    const stranger = { ...page.receiver, secrets: [`whsec_${Buffer.alloc(32, 'stranger').toString('base64')}`] };
    expect(await send(forged, stranger)).toMatchObject({ status: 401 });
    const body = JSON.stringify({ type: 'alert.opened', timestamp: new Date().toISOString(), data: forged });
    expect((await fetch(page.receiver.url, { method: 'POST', body })).status).toBe(401);
    // What is sent after it has come: it would be there by now.
    await send(alertMessage({ dedupKey: 'after/1' }));
    await eventually(async () => expect(await textOf('after/1')).not.toBe(''));
    expect(await textOf('forged/1')).toBe('');
    expect(page.board.cards().map(({ key }) => key)).not.toContain('forged/1');
    expect(before).not.toBe('');
  });

  it('runs no script but its own', async () => {
    const { headers } = await fetch(page.url);
    expect(headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; script-src 'sha256-[^']+'; style-src /,
    );
    const write = `try { document.body.insertAdjacentHTML('beforeend', ${JSON.stringify(HOSTILE)}); 'taken' } catch { 'refused' }`;
    expect(await ask(write)).toBe('refused');
  });

  it('is not blank, by day and by night', async () => {
    const shot = async (scheme: 'light' | 'dark') => {
      await tab.emulateMedia({ colorScheme: scheme });
      const background = await ask('getComputedStyle(document.body).backgroundColor');
      return { background, colours: await coloursIn(browser, await tab.screenshot()) };
    };
    const day = await shot('light');
    const night = await shot('dark');
    expect(Math.min(day.colours, night.colours)).toBeGreaterThan(20);
    expect(day.background).not.toBe(night.background);
  });
});
