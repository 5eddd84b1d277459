import { closeSync, fstatSync, openSync, readSync, rmSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';

export type LogLine = { level: 'info' | 'warn' | 'error'; context: string | null; message: string };

const LIMIT = 5_000_000;

/**
 * The tracker writes into the file itself: a pipe to us would break with us, and its last words with it. We read what
 * was added.
 */
export class TrackerLog {
  warnings = 0;
  errors = 0;
  readonly fd: number;
  private place: number;
  private rest = '';
  private readonly decoder = new StringDecoder('utf8');

  constructor(readonly file: string) {
    this.fd = openToAppend(file);
    this.place = fstatSync(this.fd).size;
  }

  /** The whole lines since the last call. */
  read(): LogLine[] {
    const added = Buffer.alloc(Math.max(0, fstatSync(this.fd).size - this.place));
    this.place += added.length === 0 ? 0 : readSync(this.fd, added, 0, added.length, this.place);
    const lines = (this.rest + this.decoder.write(added)).split('\n');
    this.rest = lines.pop() ?? '';
    const read = lines.flatMap((line) => parsed(line) ?? []);
    this.warnings += read.filter(({ level }) => level === 'warn').length;
    this.errors += read.filter(({ level }) => level === 'error').length;
    return read;
  }

  /** Before another attempt. */
  forgetWhatWentWrong(): void {
    this.warnings = this.errors = 0;
  }
}

const LEVELS: Record<string, LogLine['level']> = {
  trace: 'info',
  debug: 'info',
  info: 'info',
  warn: 'warn',
  error: 'error',
  fatal: 'error',
};

/** What is not of the logger's making is the key, which is no news, or something that should not be there. */
function parsed(text: string): LogLine | null {
  if (text.trim() === '' || text.trim().startsWith('API key')) return null;
  try {
    const { level, context, msg } = JSON.parse(text) as { level: string; context?: string; msg: string };
    return { level: LEVELS[level] ?? 'error', context: context ?? null, message: msg };
  } catch {
    return { level: 'warn', context: null, message: text };
  }
}

function openToAppend(file: string): number {
  try {
    const fd = openSync(file, 'a+', 0o600);
    if (fstatSync(fd).size < LIMIT) return fd;
    closeSync(fd);
  } catch (error) {
    // Root was here before us; the folder is ours, the file is not.
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
  }
  rmSync(file);
  return openSync(file, 'a+', 0o600);
}
