import { codeOf } from '../database/sql-pool.js';

/** Connection lost, resources short, shut down, serialization, system errors: not the fault of what was being applied. */
const TRANSIENT_CLASSES = new Set(['08', '40', '53', '55', '57', '58', 'XX']);

/** Whether the same work may pass later, as it is. */
export function isTransient(error: unknown): boolean {
  const sqlState = codeOf(error);
  if (sqlState !== null) return TRANSIENT_CLASSES.has(sqlState.slice(0, 2));
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  if (typeof code === 'string' && /^E[A-Z]+$/.test(code)) return true;
  return (
    error instanceof Error &&
    /Connection terminated|timeout exceeded when trying to connect|pool after calling end|Query read timeout|not queryable/.test(
      error.message,
    )
  );
}
