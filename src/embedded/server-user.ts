import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';

export type ServerUser = { uid: number; gid: number };

/** Where the cluster and its companions lie, and as whom the server runs: null for ourselves. */
export type Place = { folder: string; user: ServerUser | null };

/**
 * Postgres refuses to run as root, so root starts it as the user `postgres`; who cannot enter the folder gets one below
 * /var/lib. A cluster that is there already decides both: it runs where it is, as its owner.
 */
export function placeData(dataDir: string, onProgress: (line: string) => void): Place {
  if (process.getuid?.() !== 0) {
    mkdirSync(dataDir, { recursive: true });
    const cluster = path.join(dataDir, 'postgres');
    const owner = existsSync(cluster) ? statSync(cluster).uid : process.getuid?.();
    if (owner !== process.getuid?.()) {
      throw new Error(`The database in ${cluster} was made by root or another user (uid ${owner}): start as they did`);
    }
    return { folder: dataDir, user: null };
  }
  const hash = createHash('sha256').update(dataDir).digest('hex').slice(0, 16);
  const elsewhere = path.join('/var/lib/callsheet', hash);
  for (const folder of [dataDir, elsewhere]) {
    const cluster = path.join(folder, 'postgres');
    if (!existsSync(cluster)) continue;
    const { uid, gid } = statSync(cluster);
    if (!canEnter(cluster, { uid, gid })) {
      throw new Error(
        `The database in ${cluster} belongs to uid ${uid}, who cannot enter that folder any more. Make its parent folders enterable (chmod a+x)`,
      );
    }
    if (folder === elsewhere) onProgress(`the database is in ${folder}`);
    return { folder, user: { uid, gid } };
  }

  const user = postgresUser();
  makeEnterable(dataDir);
  if (canEnter(dataDir, user)) return { folder: dataDir, user };
  onProgress(`the user postgres cannot enter ${dataDir}: the database goes to ${elsewhere}`);
  makeEnterable(path.dirname(elsewhere));
  makeEnterable(elsewhere);
  return { folder: elsewhere, user };
}

/** Only what is made here is opened: a folder that somebody closed stays closed. */
function makeEnterable(folder: string): void {
  if (existsSync(folder)) return;
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o711);
}

function canEnter(folder: string, user: ServerUser): boolean {
  return spawnSync('/bin/sh', ['-c', 'cd -- "$1"', 'sh', folder], { ...user, cwd: '/' }).status === 0;
}

function postgresUser(): ServerUser {
  const known = lookUp();
  if (known) return known;
  try {
    execFileSync('groupadd', ['--system', '--force', 'postgres']);
    execFileSync('useradd', ['--system', '--gid', 'postgres', '--no-create-home', '--shell', '/bin/false', 'postgres']);
  } catch {
    // Said below, with what to do.
  }
  const made = lookUp();
  if (made) return made;
  throw new Error(
    'Postgres refuses to run as root, and the user "postgres" could not be made. Make it (useradd --system postgres), start as an ordinary user, or set DATABASE_URL',
  );
}

function lookUp(): ServerUser | null {
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { stdio: ['ignore', 'pipe', 'ignore'] }));
  try {
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    return null;
  }
}
