// `npm run test:stress`: shows that `npm test` passes on a busy machine, and with few and many workers. Each case runs the whole
// suite and appends one line to a file, so that cases can be run one by one and the file shows all of them.
//
//   npm run test:stress                      every case
//   npm run test:stress -- busy              one case: busy, workers-1, workers-3 or workers-6
//   npm run test:stress -- busy --times=5 --file=stress.txt
import { spawn } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

const ROOT = path.join(import.meta.dirname, '..');
const JEST = ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js'];

/** Busy loops beside the run, and Jest's arguments. */
const CASES = {
  quiet: { loops: 0, args: [], times: 1 },
  busy: { loops: 4, args: [], times: 5 },
  'workers-1': { loops: 0, args: ['--maxWorkers=1'], times: 1 },
  'workers-3': { loops: 0, args: ['--maxWorkers=3'], times: 1 },
  'workers-6': { loops: 0, args: ['--maxWorkers=6'], times: 1 },
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { times: { type: 'string' }, file: { type: 'string', default: 'stress.txt' } },
});
const names = positionals.length > 0 ? positionals : Object.keys(CASES);
const unknown = names.filter((name) => !(name in CASES));
if (unknown.length > 0) {
  console.error(`no case ${unknown.join(', ')}; there are ${Object.keys(CASES).join(', ')}`);
  process.exit(2);
}

// So that the busy loops end with a run that is stopped.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

let failed = false;
for (const name of names) {
  const { loops, args, times } = CASES[name];
  for (let run = 1, runs = Number(values.times ?? times); run <= runs; run++) {
    const outcome = await runOnce(loops, args);
    failed ||= !outcome.passed;
    const line = `${new Date().toISOString()} ${name} ${run}/${runs}: ${outcome.text}`;
    appendFileSync(path.resolve(ROOT, values.file), `${line}\n`);
    console.log(line);
  }
}
process.exitCode = failed ? 1 : 0;

async function runOnce(loops, args) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'callsheet-stress-'));
  const counts = path.join(folder, 'counts.json');
  const busy = Array.from({ length: loops }, () => spawn(process.execPath, ['-e', 'for (;;) {}'], { stdio: 'ignore' }));
  const stopLoops = () => busy.forEach((loop) => loop.kill('SIGKILL'));
  process.once('exit', stopLoops);
  const begun = performance.now();
  const jest = spawn(process.execPath, [...JEST, ...args, '--json', `--outputFile=${counts}`, '--silent'], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const code = await new Promise((resolve) => jest.once('exit', resolve));
  const seconds = Math.round((performance.now() - begun) / 1000);
  stopLoops();
  process.off('exit', stopLoops);
  try {
    const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites, testResults } = JSON.parse(
      readFileSync(counts, 'utf8'),
    );
    const failures = testResults.flatMap(({ assertionResults }) =>
      assertionResults.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName),
    );
    const broken = numFailedTests + numRuntimeErrorTestSuites;
    return {
      passed: code === 0 && numPassedTests > 0,
      text:
        `${numPassedTests} passed, ${broken} failed, ${seconds} s, beside ${loops} busy loops on ${os.availableParallelism()} cores` +
        failures.map((failure) => `\n    failed: ${failure}`).join(''),
    };
  } catch {
    return { passed: false, text: `Jest ended with ${code} after ${seconds} s and left no counts` };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
