import { existsSync, linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { isRunning, processName, waitUntilGone, type ProcessName } from './processes.js';

type Note = ProcessName & { server?: ProcessName };

export type Ownership = {
  /** The server that a former owner, killed since, had started here; it may still run. */
  formerServer: ProcessName | null;
  noteServer(pid: number): void;
  release(): void;
};

/** A process that was killed a moment ago, SIGKILL or not, takes another one to be gone. */
const DYING_MS = 1000;

/**
 * One owner per data directory. Node has no flock, so it is a file with the owner's name in it, worth nothing once that
 * process is gone. Should two ever slip through, Postgres' own postmaster.pid still keeps the data safe.
 */
export async function takeOwnership(file: string, what: string): Promise<Ownership> {
  const me = processName(process.pid);
  if (!me) throw new Error('The process table cannot be read');
  const before = read(file);
  if (before && !(await waitUntilGone(before, DYING_MS))) throw inUse(what, before.pid);

  if (before !== undefined) rmSync(file, { force: true });
  const draft = `${file}.${process.pid}`;
  const write = (note: Note) => writeFileSync(draft, JSON.stringify(note), { mode: 0o600 });
  write({ ...me, server: before?.server });
  try {
    // A link appears with its content and only where nothing is, which neither a write nor a rename promises.
    linkSync(draft, file);
  } catch {
    throw inUse(what, read(file)?.pid);
  } finally {
    rmSync(draft, { force: true });
  }
  if (before !== undefined) {
    // Another start may have found the same stale file and removed ours instead of it.
    await new Promise((resolve) => setTimeout(resolve, 100));
    const now = read(file);
    if (now?.pid !== me.pid) throw inUse(what, now?.pid);
  }

  return {
    formerServer: before?.server ?? null,
    noteServer(pid) {
      write({ ...me, server: processName(pid) ?? undefined });
      renameSync(draft, file);
    },
    release: () => rmSync(file, { force: true }),
  };
}

/** The server that the owner has started, while both of them run. */
export function ownedServer(file: string): ProcessName | null {
  const owner = read(file);
  return owner?.server && isRunning(owner) && isRunning(owner.server) ? owner.server : null;
}

/** Undefined when there is no file; null when a power cut left one without its content. */
function read(file: string): Note | null | undefined {
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Note;
  } catch {
    return null;
  }
}

function inUse(what: string, pid: number | undefined): Error {
  return new Error(`${what} is in use by the process with pid ${pid ?? 'unknown'}; stop it first`);
}
