import type { WriteStream } from 'node:tty';
import { toText, type Line } from './line.js';
import type { Size } from './view.js';

const ESC = '\u001b[';
/** The second screen of the terminal, no cursor, and no wrapping should a terminal measure a character otherwise. */
const OPEN = `${ESC}?1049h${ESC}?25l${ESC}?7l`;
const CLOSE = `${ESC}?7h${ESC}?25h${ESC}?1049l`;
const CLEAR = `${ESC}2J`;
const LOOK_AT_SIZE_MS = 200;

/** Draws on the terminal's second screen, so that the first is as it was when we leave. */
export class Terminal {
  private shown: string[] = [];
  private size: Size = { columns: 0, rows: 0 };
  private compose: (size: Size) => Line[] = () => [];
  private watching: NodeJS.Timeout | undefined;
  private readonly giveBack = () => void this.out.write(CLOSE);

  constructor(private readonly out: WriteStream) {}

  open(): void {
    this.out.write(OPEN);
    // Whatever ends the program, but SIGKILL, gives the terminal back.
    process.once('exit', this.giveBack);
    this.watching = setInterval(() => this.followSize(), LOOK_AT_SIZE_MS);
  }

  close(): void {
    clearInterval(this.watching);
    process.off('exit', this.giveBack);
    this.giveBack();
  }

  draw(compose: (size: Size) => Line[]): void {
    this.compose = compose;
    const { columns, rows } = this.out;
    const resized = columns !== this.size.columns || rows !== this.size.rows;
    this.size = { columns, rows };
    const lines = compose(this.size).map((line) => toText(line, this.out.hasColors()));
    const before = resized ? [] : this.shown;
    let text = resized ? CLEAR : '';
    for (let row = 0; row < Math.max(lines.length, before.length); row++) {
      // Cleared first: after a line that fills the row, clearing would take its last character.
      if (lines[row] !== before[row]) text += `${ESC}${row + 1};1H${ESC}2K${lines[row] ?? ''}`;
    }
    this.shown = lines;
    if (text !== '') this.out.write(text);
  }

  /** The terminal tells only its foreground session of a new size, and run.mjs has put us in one of our own. */
  private followSize(): void {
    process.emit('SIGWINCH', 'SIGWINCH');
    if (this.out.columns !== this.size.columns || this.out.rows !== this.size.rows) this.draw(this.compose);
  }
}
