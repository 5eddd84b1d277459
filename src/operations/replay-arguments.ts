import { parseArgs } from 'node:util';

/** What `npm run replay` was asked for. Names of accounts and APIs are checked by whoever knows them. */
export type ReplayArguments = {
  since: Date | null;
  accounts: string[] | null;
  apis: string[] | null;
  /** Ids of ours or of vendors. */
  jobs: string[] | null;
  dryRun: boolean;
  /** Only to be told what there is to ask for. */
  help: boolean;
};

export const REPLAY_USAGE = `usage: npm run replay -- [--since=…] [--account=…] [--api=…] [--job=…] [--dry-run]

Rebuilds what is known of jobs from what was received about them. Safe while Callsheet runs, safe to repeat.

  --since    only jobs that changed since: 2026-11-20, 2026-11-20T08:30:00Z, or a span back from now: 90m, 12h, 7d
  --account  only jobs of these accounts, separated by commas
  --api      only jobs of these APIs, separated by commas
  --job      only these jobs, by our id or the vendor's, separated by commas
  --dry-run  say what would change, and write nothing`;

/** Wrong usage, in words for a person. */
export class UsageError extends Error {}

const SPANS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };

/** Throws a `UsageError` for what cannot be meant. Dates are days of UTC, as everywhere in Callsheet. */
export function readReplayArguments(args: string[], now: Date): ReplayArguments {
  const { since, account, api, job, 'dry-run': dryRun, help } = parsed(args);
  return {
    since: since === undefined ? null : momentOf(since, now),
    accounts: listOf('account', account),
    apis: listOf('api', api),
    jobs: listOf('job', job),
    dryRun,
    help,
  };
}

function parsed(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        since: { type: 'string' },
        account: { type: 'string', multiple: true },
        api: { type: 'string', multiple: true },
        job: { type: 'string', multiple: true },
        'dry-run': { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}\n\n${REPLAY_USAGE}`);
  }
}

function listOf(option: string, values: string[] | undefined): string[] | null {
  if (values === undefined) return null;
  const names = values.flatMap((value) => value.split(',')).map((name) => name.trim());
  if (names.includes('')) throw new UsageError(`--${option}: a name is missing`);
  return [...new Set(names)];
}

function momentOf(text: string, now: Date): Date {
  const [, amount, unit = ''] = /^(\d{1,6})([smhdw])$/.exec(text) ?? [];
  if (amount !== undefined) return new Date(now.getTime() - Number(amount) * (SPANS[unit] ?? 0));
  const isDate = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2}))?$/.test(text);
  const moment = new Date(isDate ? text : Number.NaN);
  // What rolls over, such as the 30th of February, is a slip.
  const rolled = isDate && !Number.isNaN(moment.getTime()) && !isDay(text.slice(0, 10));
  if (Number.isNaN(moment.getTime()) || rolled) {
    throw new UsageError(
      `--since: ${text} is neither a date (2026-11-20), a time (2026-11-20T08:30:00Z) nor a span (7d)`,
    );
  }
  return moment;
}

function isDay(day: string): boolean {
  return new Date(day).toISOString().startsWith(day);
}
