// Preloaded by run.mjs: ends the program in good order when run.mjs is gone, SIGKILL and a closed terminal included.
import { Socket } from 'node:net';
import { isMainThread } from 'node:worker_threads';

// Processes forked by the program preload this as well, and their descriptor 3 is something else.
if (isMainThread && process.ppid === Number(process.env.CALLSHEET_RUNNER)) {
  const parent = new Socket({ fd: 3, readable: true, writable: false });
  parent.on('error', () => {});
  parent.on('close', () => process.kill(process.pid, 'SIGTERM'));
  parent.resume();
  parent.unref();
}
