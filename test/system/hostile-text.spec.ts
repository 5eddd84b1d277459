import { Worker } from 'node:worker_threads';
import { SUBJECTS } from '../support/hostile-text-subjects.js';
import { compiled } from '../support/program.js';

/**
 * For one text of a mebibyte. In linear time it takes milliseconds, on a busy machine a second or two; in quadratic time an hour.
 */
const LIMIT_MS = 30_000;
/** The worker loads the program first. */
const START_MS = 120_000;

let worker: Worker | null = null;

afterAll(async () => {
  await worker?.terminate();
});

it.each(Object.keys(SUBJECTS))('a mebibyte of hostile text does not hold up %s', async (subject) => {
  worker ??= new Worker(compiled('test/support/hostile-text-worker'));
  const unfinished = await readAll(worker, subject);
  if (unfinished !== null) {
    void worker.terminate();
    worker = null;
  }
  expect(unfinished).toBeNull();
});

/** Resolves with the input that is not read within the limit, or null when all are. */
function readAll(reader: Worker, subject: string): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const finish = (unfinished: string | null) => {
      clearTimeout(timer);
      reader.off('message', next).off('error', reject);
      resolve(unfinished);
    };
    const next = (input: string | null) => {
      if (input === null) return finish(null);
      clearTimeout(timer);
      timer = setTimeout(finish, LIMIT_MS, input);
    };
    let timer = setTimeout(finish, START_MS, 'the start');
    reader.on('message', next).on('error', reject);
    reader.postMessage(subject);
  });
}
