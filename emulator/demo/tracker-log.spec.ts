import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Writable } from 'node:stream';
import { PinoLogger } from '../../src/logger.js';
import { TrackerLog } from './tracker-log.js';

it("counts the errors and warnings in the tracker's own log", () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'callsheet-demo-log-'));
  const file = path.join(folder, 'tracker.log');
  const out = new Writable({
    write(text, _encoding, written) {
      appendFileSync(file, text);
      written();
    },
  });
  const logger = new PinoLogger('info', (text) => text, out);
  logger.error('of the last run');
  const log = new TrackerLog(file);
  logger.log('creating the database cluster', 'Callsheet');
  logger.warn('slowing down', 'Poller');
  logger.error('something broke', 'Error: at one\n at two', 'HttpErrorFilter');
  logger.fatal('the end');
  appendFileSync(file, '\n  API key (also in a file): cs_1\n\n(node:1) Warning: odd\n{"level":"inf');
  expect(log.read()).toEqual([
    { level: 'info', context: 'Callsheet', message: 'creating the database cluster' },
    { level: 'warn', context: 'Poller', message: 'slowing down' },
    { level: 'error', context: 'HttpErrorFilter', message: 'something broke' },
    expect.objectContaining({ level: 'error' }),
    { level: 'warn', context: null, message: '(node:1) Warning: odd' },
  ]);
  appendFileSync(file, 'o","context":"Callsheet","msg":"世界"}\n');
  expect(log.read()).toEqual([{ level: 'info', context: 'Callsheet', message: '世界' }]);
  expect(log).toMatchObject({ errors: 2, warnings: 2 });
  rmSync(folder, { recursive: true });
});
