import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type { SqlPool } from '../database/sql-pool.js';
import type { ReadinessProbe } from './readiness.js';

export function databaseProbe(sql: SqlPool): ReadinessProbe {
  return {
    name: 'database',
    async check() {
      await sql.query({ text: 'SELECT 1' });
      return null;
    },
  };
}

/** Two versions run side by side during a roll-out: a newer database is fine, an older one is not. */
export function migrationsProbe(sql: SqlPool, folder = migrationsFolder()): ReadinessProbe {
  return {
    name: 'migrations',
    async check() {
      const { rows } = await sql.query<{ name: string }>({
        text: `SELECT migration_name AS name FROM _prisma_migrations
               WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL`,
      });
      const applied = new Set(rows.map(({ name }) => name));
      const entries = await readdir(folder, { withFileTypes: true });
      const missing = entries.filter((entry) => entry.isDirectory() && !applied.has(entry.name));
      return missing.length === 0 ? null : `not applied: ${missing.map(({ name }) => name).join(', ')}`;
    },
  };
}

/** `prisma/migrations`, seen from `src/operations` as well as from `dist/src/operations`. */
function migrationsFolder(): string {
  const up = import.meta.dirname.includes(`${path.sep}dist${path.sep}`) ? '../../..' : '../..';
  return path.join(import.meta.dirname, up, 'prisma/migrations');
}
