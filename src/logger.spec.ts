import { PinoLogger } from './logger.js';
import { redactor } from './settings/redact.js';

const SECRET = 'AKSECRETFINDME';

/** What is written to a file, or to a terminal, when `speak` speaks. */
function written(speak: (logger: PinoLogger) => void, isTTY = false, level = 'info'): string {
  const lines: string[] = [];
  const out = { isTTY, write: (line: string) => lines.push(line) > 0 } as NodeJS.WritableStream & { isTTY: boolean };
  speak(new PinoLogger(level, redactor([SECRET]), out));
  return lines.join('');
}

describe('the log', () => {
  it('is lines of JSON', () => {
    const line = written((logger) => logger.warn('careful', 'Poller'));
    expect(JSON.parse(line)).toEqual({ level: 'warn', time: expect.any(String), context: 'Poller', msg: 'careful' });
    expect(line).toMatch(/\}\n$/);
  });

  it('is readable on a terminal', () => {
    const text = written((logger) => {
      logger.log('listening', 'Callsheet');
      logger.error(new Error('broken'), 'Poller');
    }, true);
    expect(text).toMatch(/\d\d:\d\d:\d\d.*INFO.*listening/);
    expect(text).toMatch(/ERROR.*broken[^]*logger\.spec/);
    expect(text).not.toContain('"level"');
  });

  it.each([false, true])('hides secrets (terminal: %s)', (isTTY) => {
    const text = written((logger) => logger.log(`key ${SECRET}`, 'Poller'), isTTY);
    expect(text).toContain('key ***');
    expect(text).not.toContain(SECRET);
  });

  it('says no more than was asked for, and of the framework itself only to who debugs', () => {
    const speak = (logger: PinoLogger) => {
      logger.debug('small');
      logger.log('mapped', 'RouterExplorer');
    };
    expect(written(speak)).toBe('');
    expect(written(speak, false, 'debug')).toMatch(/small[^]*mapped/);
  });
});
