import { fork, type ChildProcess } from 'node:child_process';
import { SqlPool } from './database/sql-pool.js';
import { CurrentSettings } from './settings/current-settings.js';
import type { Settings } from './settings/settings.js';
import { ChunkReplayer, type ChunkReplay, type ReplayResult } from './tracking/replay-chunk.js';
import type { Chunk, ReplayScope } from './tracking/replay-statements.js';

/** Replaying is bound by this program's own CPU, so two processes share it: the first one hands out chunks. */

/** Asks for the helper's part of the program. */
export const HELPER_ARGUMENT = '--helper';

export type HelperOrder = { databaseUrl: string; settings: Settings; scope: ReplayScope; dryRun: boolean };
type Question = { order: HelperOrder } | { number: number; chunk: Chunk };
type Reply = { number: number; result: ReplayResult } | { number: number; error: string };

/** Another process that replays chunks; `script` is what it runs. */
export class HelperProcess implements ChunkReplay {
  private readonly waiting = new Map<number, { resolve(result: ReplayResult): void; reject(error: Error): void }>();
  private readonly child: ChildProcess;
  private asked = 0;
  private gone: Error | null = null;

  constructor(script: string, order: HelperOrder) {
    const stdio: ['ignore', 'inherit', 'inherit', 'ipc'] = ['ignore', 'inherit', 'inherit', 'ipc'];
    this.child = fork(script, [HELPER_ARGUMENT], { stdio, serialization: 'advanced' });
    this.child.on('message', (reply: Reply) => {
      const asker = this.waiting.get(reply.number);
      this.waiting.delete(reply.number);
      if ('result' in reply) asker?.resolve(reply.result);
      else asker?.reject(new Error(reply.error));
    });
    this.child.once('error', (error) => this.fail(error));
    this.child.once('exit', (code, signal) =>
      this.fail(new Error(`a process of the replay ended early (${code ?? signal})`)),
    );
    this.send({ order });
  }

  replay(chunk: Chunk): Promise<ReplayResult> {
    if (this.gone) return Promise.reject(this.gone);
    const number = ++this.asked;
    return new Promise((resolve, reject) => {
      this.waiting.set(number, { resolve, reject });
      this.send({ number, chunk });
    });
  }

  stop(): void {
    this.child.removeAllListeners('exit');
    if (this.child.connected) this.child.disconnect();
  }

  private send(question: Question): void {
    this.child.send(question, (error) => error && this.fail(error));
  }

  private fail(error: Error): void {
    this.gone = error;
    for (const asker of this.waiting.values()) asker.reject(error);
    this.waiting.clear();
  }
}

/** The helper's side: answers until the first process lets go of it, or is gone. */
export function helpParent(): void {
  let work: ChunkReplay | null = null;
  const reply = (answer: Reply) => void process.send?.(answer);
  process.on('message', (question: Question) => {
    if ('order' in question) {
      const { databaseUrl, settings, scope, dryRun } = question.order;
      work = new ChunkReplayer(new SqlPool(databaseUrl), new CurrentSettings(settings), scope, dryRun);
      return;
    }
    const { number, chunk } = question;
    work?.replay(chunk).then(
      (result) => reply({ number, result }),
      (error: unknown) => reply({ number, error: error instanceof Error ? error.message : String(error) }),
    );
  });
  // Ctrl-C reaches the whole group of processes; the first one decides when its helpers end.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
  process.once('disconnect', () => process.exit(0));
}
