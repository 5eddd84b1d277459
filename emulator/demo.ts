import { chmodSync, existsSync, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { takeOwnership } from '../src/embedded/ownership.js';
import { waitUntilGone, type ProcessName } from '../src/embedded/processes.js';
import { alertSettings } from './demo/alert-settings.js';
import { startClouds, type Clouds } from './demo/clouds.js';
import { live } from './demo/live.js';
import { startReceiverPage, type ReceiverPage } from './demo/receiver-page.js';
import { startTracker, type Tracker } from './demo/tracker-process.js';
import { verdictLines } from './demo/verdict.js';

const FOLDER = '.callsheet/demo';
const PORT = 3000;
const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** The tracker finishes what is in hand, and its Postgres writes what it holds. */
const FORMER_MS = 90_000;

/** Plays the clouds, runs the real tracker against them, and shows what it makes of their jobs. Returns the exit code. */
async function main(): Promise<number> {
  const { seconds } = readArguments();
  const folder = path.resolve(FOLDER);
  makeFolder(folder);
  const ownership = await takeOwnership(path.join(folder, 'demo.lock'), `The demo in ${folder}`);
  const stop = new AbortController();
  let clouds: Clouds | null = null;
  let page: ReceiverPage | null = null;
  let tracker: Tracker | null = null;
  for (const signal of STOP_SIGNALS) {
    process.on(signal, () => {
      // Somebody is in a hurry.
      if (stop.signal.aborted && signal === 'SIGINT') tracker?.askToStop();
      stop.abort();
    });
  }
  // Whoever read our lines has gone, or the terminal was closed.
  process.stdout.on('error', () => stop.abort());
  try {
    if (ownership.formerServer) await waitForFormer(ownership.formerServer);
    clouds = await startClouds(path.join(folder, 'unfinished'));
    if (clouds.resumed > 0) say(`the clouds still know ${clouds.resumed} unfinished jobs of the last run`);
    const { configuration } = clouds;
    page = await startReceiverPage();
    const alerts = alertSettings(page);
    say('starting the tracker');
    tracker = await startTracker({
      folder,
      port: Number(process.env['PORT'] || PORT),
      configuration: (publicUrl) => ({ ...configuration(publicUrl), alerts }),
      say,
      onStart: (pid) => ownership.noteServer(pid),
      signal: stop.signal,
    });
    if (tracker === null) return 0;

    let endedByItself: string | null = null;
    void tracker.ended.then((end) => {
      if (!stop.signal.aborted) endedByItself = end;
      stop.abort();
    });
    // A busy machine takes seconds until there is something to see.
    const onShown = () => {
      if (seconds !== null) setTimeout(() => stop.abort(), seconds * 1000).unref();
    };
    const verdict = await live({ clouds, tracker, page, say, onShown, signal: stop.signal });
    if (endedByItself !== null) {
      const { file } = tracker.log;
      throw new Error(`the tracker ended by itself (${endedByItself as string}); its log is ${file}`);
    }

    say('stopping the tracker and its database');
    tracker.askToStop();
    const end = await tracker.ended;
    tracker.log.read();
    const { errors, warnings, file } = tracker.log;
    verdictLines(verdict).forEach(say);
    say(`the tracker's log: ${errors} errors, ${warnings} warnings (${path.relative('', file)})`);
    say(`stopped; the data stays in ${FOLDER}, and the next start goes on with it`);
    const clean = verdict.differing.length === 0 && errors === 0 && end === 'exit code 0';
    return seconds === null || clean ? 0 : 1;
  } finally {
    stop.abort();
    tracker?.askToStop();
    await tracker?.ended;
    await page?.stop();
    await clouds?.stop();
    ownership.release();
  }
}

function readArguments(): { seconds: number | null } {
  const { values } = parseArgs({ options: { seconds: { type: 'string' } } });
  const seconds = values.seconds === undefined ? null : Number(values.seconds);
  if (seconds !== null && !(seconds > 0 && seconds < 1e6)) throw new Error('--seconds: must be a number above 0');
  return { seconds };
}

/** As root the database runs as another user, who must be able to pass. What somebody else has closed stays closed. */
function makeFolder(folder: string): void {
  for (const part of [path.dirname(folder), folder]) {
    if (existsSync(part)) continue;
    mkdirSync(part);
    if (process.getuid?.() === 0) chmodSync(part, 0o711);
  }
  const owner = statSync(folder).uid;
  const me = process.getuid?.() ?? owner;
  if (me !== 0 && owner !== me) {
    throw new Error(`${folder} was made by root or another user (uid ${owner}): start as they did, or remove it`);
  }
}

/** A killed demo takes its tracker along, which may still be busy with that. */
async function waitForFormer(former: ProcessName): Promise<void> {
  if (await waitUntilGone(former, 0)) return;
  say(`waiting for the tracker of the last run to stop (pid ${former.pid})`);
  if (await waitUntilGone(former, FORMER_MS)) return;
  throw new Error(`the tracker of the last run does not stop: end the process with pid ${former.pid}`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`callsheet: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
