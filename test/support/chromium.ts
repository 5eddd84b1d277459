import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { chromium, type Browser } from 'playwright-core';
import { leaveOut } from './leave-out.js';

/** Debian calls it chromium. */
const PROGRAM = ['chromium', 'chromium-browser', 'google-chrome'].map(onThePath).find((file) => file !== undefined);

/** Tests in a browser are left out only where there is none, and never with CI=true. */
export const chromiumIsInstalled = PROGRAM !== undefined;

if (!chromiumIsInstalled) leaveOut('the tests in a real browser are', 'chromium is not on the PATH');

function onThePath(name: string): string | undefined {
  const files = (process.env['PATH'] ?? '').split(path.delimiter).map((folder) => path.join(folder, name));
  return files.find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** A browser without a window, whose profile goes with it. */
export function startChromium(): Promise<Browser> {
  // Root, as CI is, has no sandbox; what is loaded is ours alone.
  return chromium.launch({ executablePath: PROGRAM, chromiumSandbox: process.getuid?.() !== 0 });
}

/** How many colours a picture has: a blank one has one. */
export async function coloursIn(browser: Browser, png: Uint8Array): Promise<number> {
  const tab = await browser.newPage();
  try {
    const source = `data:image/png;base64,${Buffer.from(png).toString('base64')}`;
    return await tab.evaluate<number>(`(async () => {
      const bitmap = await createImageBitmap(await (await fetch(${JSON.stringify(source)})).blob());
      const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
      context.drawImage(bitmap, 0, 0);
      const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
      return new Set(new Uint32Array(data.buffer)).size;
    })()`);
  } finally {
    await tab.close();
  }
}
