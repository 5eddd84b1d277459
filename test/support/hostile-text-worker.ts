import { parentPort } from 'node:worker_threads';
import { SUBJECTS } from './hostile-text-subjects.js';

/** Says what it is about to read, so that its end can be told from the next beginning; null when all is read. */
parentPort?.on('message', (subject: string) => {
  const { inputs, read } = SUBJECTS[subject] ?? { inputs: () => [], read: () => undefined };
  for (const [name, input] of inputs()) {
    parentPort?.postMessage(name);
    read(input);
  }
  parentPort?.postMessage(null);
});
