import type { LoggerService } from '@nestjs/common';
import { pino, stdTimeFunctions, type Logger } from 'pino';
import pretty from 'pino-pretty';

type Level = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace';

/** What Nest says of its own start is for those who debug it. */
const NEST_ITSELF = new Set(['InstanceLoader', 'NestApplication', 'NestFactory', 'RouterExplorer', 'RoutesResolver']);

const FORMAT = {
  base: null,
  timestamp: stdTimeFunctions.isoTime,
  formatters: { level: (label: string) => ({ level: label }) },
};

/** Nest's log in pino's hands: JSON lines, or readable ones on a terminal. Every line is redacted as it is written. */
export class PinoLogger implements LoggerService {
  private readonly pino: Logger;

  constructor(
    level: string,
    redact: (text: string) => string,
    out: NodeJS.WritableStream & { isTTY?: boolean } = process.stdout,
  ) {
    const lines = { write: (line: string) => void out.write(redact(line)) };
    if (out.isTTY) {
      // Made readable first, then redacted: what is shown is what is checked.
      const readable = pretty({
        colorize: true,
        ignore: 'pid,hostname',
        translateTime: 'SYS:HH:MM:ss',
        sync: true,
        destination: lines as never,
      });
      this.pino = pino({ level, ...FORMAT }, readable);
    } else {
      this.pino = pino({ level, ...FORMAT }, lines);
    }
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
