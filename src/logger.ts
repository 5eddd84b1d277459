import type { LoggerService } from '@nestjs/common';
import { pino, stdTimeFunctions, type Logger } from 'pino';
import { prettyFactory } from 'pino-pretty';

type Level = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace';

/** What Nest says of its own start is for those who debug it. */
const NEST_ITSELF = new Set(['InstanceLoader', 'NestApplication', 'NestFactory', 'RouterExplorer', 'RoutesResolver']);

const FORMAT = {
  base: null,
  timestamp: stdTimeFunctions.isoTime,
  formatters: { level: (label: string) => ({ level: label }) },
};

const READABLE = {
  colorize: true,
  translateTime: 'SYS:HH:MM:ss',
  ignore: 'context',
  messageFormat: '{if context}{context}: {end}{msg}',
};

/** Nest's log in pino's hands: JSON lines, or readable ones on a terminal. Every line is redacted as it is written. */
export class PinoLogger implements LoggerService {
  private readonly pino: Logger;

  constructor(
    level: string,
    redact: (text: string) => string,
    out: NodeJS.WritableStream & { isTTY?: boolean } = process.stdout,
  ) {
    const shown = out.isTTY ? prettyFactory(READABLE) : (line: string) => line;
    // Made readable first, then redacted: what is shown is what is checked.
    this.pino = pino({ level, ...FORMAT }, { write: (line) => void out.write(redact(shown(line))) });
  }

  log(message: unknown, ...rest: unknown[]): void {
    const quiet = typeof rest[0] === 'string' && NEST_ITSELF.has(rest[0]);
    this.write(quiet ? 'debug' : 'info', message, rest);
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.write('fatal', message, rest);
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.write('error', message, rest);
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.write('warn', message, rest);
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, rest);
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.write('trace', message, rest);
  }

  /** Nest passes the context last, and the stack of an error before it. */
  private write(level: Level, message: unknown, rest: unknown[]): void {
    const context = rest.at(-1);
    const stack = rest.length > 1 ? rest[0] : undefined;
    const fields = {
      ...(typeof context === 'string' ? { context } : {}),
      ...(typeof stack === 'string' ? { stack } : {}),
    };
    this.pino[level](fields, message instanceof Error ? (message.stack ?? message.message) : String(message));
  }
}
