import type { World } from './world.js';

/** What every vendor's gateway decides before the operation is reached. Each face refuses in its own words. */

/** Undefined for a key that nobody knows. */
export function secretOf({ accounts, faults }: World, accessKeyId: string): string | undefined {
  if (includes(faults.refuseKeys, accessKeyId)) return undefined;
  const secret = accounts.get(accessKeyId)?.accessKeySecret;
  return secret !== undefined && includes(faults.wrongSecrets, accessKeyId) ? `not ${secret}` : secret;
}

export function isForbidden({ faults }: World, action: string): boolean {
  return includes(faults.forbiddenActions, action);
}

export function isOverLimit({ faults, limit, timers }: World, accessKeyId: string, action: string): boolean {
  const { limitPerSecond } = faults;
  if (limitPerSecond === undefined) return false;
  const burst = faults.limitBurst ?? Math.max(1, limitPerSecond);
  return !limit.allows(`${accessKeyId}/${action}`, limitPerSecond, burst, timers.now());
}

export function includes(list: Iterable<string>, wanted: string): boolean {
  for (const item of list) if (item === wanted) return true;
  return false;
}
