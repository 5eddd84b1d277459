import 'reflect-metadata';
import { parseArgs } from 'node:util';
import { apply } from './apply.js';
import { intake } from './intake.js';
import { openPostgres } from './postgres.js';
import { table, writeResults, type BenchOptions, type Row } from './report.js';

const BENCHES = { intake, apply };
type Name = keyof typeof BENCHES;

async function main(): Promise<void> {
  const { names, options } = readArguments();
  const postgres = await openPostgres(say);
  const rows: Row[] = [];
  try {
    for (const name of names) rows.push(...(await BENCHES[name](postgres, options, say)));
  } finally {
    await postgres.stop();
  }
  writeResults(rows, postgres.version, options);
  process.stdout.write(`\n${table(rows)}\n`);
}

function readArguments(): { names: Name[]; options: BenchOptions } {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      seconds: { type: 'string', default: '5' },
      runs: { type: 'string', default: '5' },
      jobs: { type: 'string', default: '10000' },
    },
  });
  const known = Object.keys(BENCHES) as Name[];
  const strangers = positionals.filter((name) => !known.includes(name as Name));
  const [seconds, runs, jobs] = [values.seconds, values.runs, values.jobs].map(Number);
  if (strangers.length > 0 || !(Number(seconds) > 0) || !isCount(runs) || !isCount(jobs)) {
    throw new Error(`usage: npm run bench -- [${known.join('] [')}] [--seconds=5] [--runs=5] [--jobs=10000]`);
  }
  const names = positionals.length > 0 ? known.filter((name) => positionals.includes(name)) : known;
  return { names, options: { seconds: Number(seconds), runs: Number(runs), jobs: Number(jobs) } };
}

function isCount(value: number | undefined): boolean {
  return Number.isInteger(value) && Number(value) > 0;
}

/** Progress is for people who watch; the table is for whoever reads the output. */
function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(1);
});
