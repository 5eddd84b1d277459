import { closeSync, openSync } from 'node:fs';

/**
 * Tells, from now on, whether the terminal that shows the output has been closed. Its SIGHUP then means "end", as it does
 * to whatever else ran there; sent by a person it means "read the configuration again".
 */
export function terminalWatch(): () => boolean {
  const shown = process.stdout.isTTY && hasTerminal();
  return () => shown && !hasTerminal();
}

/** A closed terminal is no longer the process's own. */
function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}
