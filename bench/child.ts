import { fork, type ChildProcess } from 'node:child_process';

type Reply = { ok: true; value: unknown } | { ok: false; error: string };

/**
 * A part of a benchmark in a process of its own, so that it shares no event loop with what it measures or is measured by.
 * Asked one thing at a time.
 */
export class Child {
  private constructor(private readonly process: ChildProcess) {}

  /** `script` is the compiled neighbour of this file, such as `load.js`; `execArgv` are options of Node. */
  static start(script: string, execArgv: string[] = process.execArgv): Child {
    const stdio: ['ignore', 'inherit', 'inherit', 'ipc'] = ['ignore', 'inherit', 'inherit', 'ipc'];
    return new Child(fork(new URL(script, import.meta.url), { execArgv, stdio }));
  }

  ask<Answer>(question: unknown): Promise<Answer> {
    return new Promise<Answer>((resolve, reject) => {
      const gone = (code: number | null) => reject(new Error(`a process of the benchmark ended early (${code})`));
      this.process.once('exit', gone);
      this.process.once('message', (reply: Reply) => {
        this.process.off('exit', gone);
        if (reply.ok) resolve(reply.value as Answer);
        else reject(new Error(reply.error));
      });
      this.process.send(question as object);
    });
  }

  async stop(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const gone = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.disconnect();
    await gone;
  }
}

/** The other end: answers what the parent asks, and ends with it. */
export function answerParent<Question>(
  answer: (question: Question) => Promise<unknown>,
  stop: () => Promise<void> = async () => {},
): void {
  process.on('message', (question) => {
    answer(question as Question).then(
      (value) => process.send?.({ ok: true, value } satisfies Reply),
      (error: unknown) =>
        process.send?.({ ok: false, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    );
  });
  process.once('disconnect', () => void stop().finally(() => process.exit(0)));
  // Ctrl-C reaches the whole group; the parent decides when its parts end.
  process.on('SIGINT', () => {});
}
