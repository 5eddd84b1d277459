/** What `--check` says, one line for each thing as soon as it is known, and how it sums up. */
export class CheckReport {
  private problems = 0;
  private warnings = 0;
  private readonly width: number;

  constructor(
    private readonly say: (line: string) => void,
    /** What lines begin with, so that they stand in columns. */
    subjects: readonly string[],
  ) {
    this.width = Math.max(...subjects.map((subject) => subject.length));
  }

  ok(subject: string, text: string): void {
    this.line(subject, 'ok', text);
  }

  /** It works, and may not be meant. */
  warn(subject: string, text: string): void {
    this.warnings++;
    this.line(subject, 'WARN', text);
  }

  fail(subject: string, text: string): void {
    this.problems++;
    this.line(subject, 'FAIL', text);
  }

  /** Says what the work came to, unless it said so itself, or what it failed with. */
  async attempt(subject: string, work: () => Promise<string | void>): Promise<void> {
    try {
      const text = await work();
      if (typeof text === 'string') this.ok(subject, text);
    } catch (error) {
      this.fail(subject, error instanceof Error ? error.message : String(error));
    }
  }

  /** Sums up; true: nothing failed. */
  end(): boolean {
    const problems = this.problems === 0 ? 'everything works' : counted(this.problems, 'problem');
    this.say(this.warnings === 0 ? problems : `${problems}, ${counted(this.warnings, 'warning')}`);
    return this.problems === 0;
  }

  private line(subject: string, word: 'ok' | 'WARN' | 'FAIL', text: string): void {
    this.say(`${subject.padEnd(this.width)}  ${word.padEnd(4)} ${text}`);
  }
}

export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}
