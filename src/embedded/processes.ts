import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A pid alone names nobody for long, since pids are used again; together with its start it does. */
export type ProcessName = { pid: number; startedAt: string };

/** Null when no such process runs. A zombie, which nobody may have reaped in a container, counts as gone. */
export function processName(pid: number): ProcessName | null {
  try {
    const startedAt = readStart(pid);
    return startedAt ? { pid, startedAt } : null;
  } catch {
    return null;
  }
}

export function isRunning(name: ProcessName): boolean {
  return processName(name.pid)?.startedAt === name.startedAt;
}

function readStart(pid: number): string | null {
  if (process.platform === 'linux') {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the command in brackets, which may hold brackets itself: count from the last one.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? null : (fields[19] ?? null);
  }
  process.kill(pid, 0);
  if (process.platform === 'win32') return 'running';
  return execFileSync('ps', ['-p', String(pid), '-o', 'lstart='], { encoding: 'utf8' }).trim();
}

/** Waits until the process is gone; false when it still runs after the time. */
export async function waitUntilGone(name: ProcessName, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (isRunning(name)) {
    if (Date.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return true;
}

// Handed over as text, because a file of its own would have to be found both beside the sources and in dist/.
const WATCHDOG = `
  let pid = 0;
  process.stdin.on('data', (text) => (pid = Number(text)));
  process.stdin.on('error', () => {});
  process.stdin.on('close', () => {
    const kill = (signal) => { try { process.kill(pid, signal); } catch { process.exit(); } };
    if (!pid) process.exit();
    kill(process.argv[1]);
    setInterval(() => kill(0), 100);
    setTimeout(() => kill('SIGQUIT'), 60_000);
  });
`;

export type Watchdog = { guard(pid: number): void; dismiss(): void };

/**
 * A small process of its own that stops another one when we die without having done so, SIGKILL included: then the
 * pipe between us breaks. Start it before the process it is to guard, so that there is no moment without it.
 */
export function startWatchdog(signal: NodeJS.Signals): Watchdog {
  const watchdog = spawn(process.execPath, ['-e', WATCHDOG, signal], {
    stdio: ['pipe', 'ignore', 'ignore'],
    cwd: '/',
    env: {},
    // Away from the terminal's process group, where Ctrl-C would end it together with us.
    detached: true,
  });
  letGo(watchdog);
  watchdog.on('error', () => {});
  watchdog.stdin.on('error', () => {});
  return {
    guard: (pid) => watchdog.stdin.write(String(pid)),
    dismiss: () => watchdog.kill('SIGKILL'),
  };
}

/** Lets our process end although the child and its pipes are still there. */
export function letGo(child: ChildProcess): void {
  child.unref();
  for (const stream of child.stdio) (stream as { unref?: () => void } | null)?.unref?.();
}
