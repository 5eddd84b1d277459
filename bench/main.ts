import 'reflect-metadata';
import { parseArgs } from 'node:util';
import { alerts } from './alerts.js';
import { apply } from './apply.js';
import { intake } from './intake.js';
import { latency } from './latency.js';
import { polling } from './polling.js';
import { openPostgres } from './postgres.js';
import { replay } from './replay.js';
import { replicas } from './replicas.js';
import { keepResults, table, type BenchOptions, type Row } from './report.js';
import { scale } from './scale.js';

const BENCHES = { intake, latency, apply, replay, polling, scale, replicas, alerts };
type Name = keyof typeof BENCHES;

async function main(): Promise<void> {
  const { names, options } = readArguments();
  const postgres = await openPostgres(say);
  const rows: Row[] = [];
  try {
    for (const name of names) {
      // What one benchmark comes to grief over is no reason to lose what the others take half an hour for.
      try {
        const measured = await BENCHES[name](postgres, options, say);
        keepResults(name, measured, postgres.version, options, Object.keys(BENCHES));
        rows.push(...measured);
      } catch (error) {
        say(`${name} failed: ${describe(error)}`);
        process.exitCode = 1;
      }
    }
  } finally {
    await postgres.stop();
  }
  process.stdout.write(`\n${table(rows)}\n`);
}

/** What can be said about a run, and what is meant when nothing is. */
const DEFAULTS: BenchOptions = { seconds: 5, runs: 5, jobs: 10_000, size: 1_000_000, minutes: 1 };

function readArguments(): { names: Name[]; options: BenchOptions } {
  const numbers = Object.entries(DEFAULTS);
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: Object.fromEntries(
      numbers.map(([name, value]) => [name, { type: 'string' as const, default: String(value) }]),
    ),
  });
  const known = Object.keys(BENCHES) as Name[];
  const options = Object.fromEntries(numbers.map(([name]) => [name, Number(values[name])])) as BenchOptions;
  const { seconds, minutes, ...counts } = options;
  const strangers = positionals.filter((name) => !known.includes(name as Name));
  if (strangers.length > 0 || !(seconds > 0) || !(minutes > 0) || !Object.values(counts).every(isCount)) {
    const flags = numbers.map(([name, value]) => `[--${name}=${value}]`).join(' ');
    throw new Error(`usage: npm run bench -- [${known.join('] [')}] ${flags}`);
  }
  return { names: positionals.length > 0 ? known.filter((name) => positionals.includes(name)) : known, options };
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value > 0;
}

/** Progress is for people who watch; the table is for whoever reads the output. */
function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

main().catch((error: unknown) => {
  say(describe(error));
  process.exit(1);
});
