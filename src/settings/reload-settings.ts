import { statSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { loadSettings, SettingsError } from './load-settings.js';
import type { Account, Settings } from './settings.js';

/** The settings a reload comes to, and what is different about them, in a line for the log. */
export type Reloaded = { settings: Settings; news: string };

/**
 * Reads `callsheet.yaml` once more. Addresses, stores, the data directory, the API key and the log level come from the
 * environment and stay as they are. Throws a `SettingsError` that names every problem; then nothing has changed.
 */
export function reloadSettings(
  inForce: Settings,
  variables: Record<string, string | undefined>,
  workingDir: string,
): Reloaded {
  const read = loadSettings(variables, workingDir);
  // At a start both are fine. To a running program they would mean that all accounts are gone.
  if (inForce.configFile !== null && read.configFile === null)
    throw new SettingsError([`${path.basename(inForce.configFile)}: is gone`]);
  if (read.configFile !== null && inForce.accounts.length > 0 && statSync(read.configFile).size === 0)
    throw new SettingsError([`${path.basename(read.configFile)}: is empty; "accounts: []" is how to have none`]);
  const { configFile, publicUrl, retention, alerts, webhooks } = read;
  const known = new Map(inForce.accounts.map((account) => [account.name, account]));
  // An account that is as it was stays the object it was, and whatever was made for it stays as well.
  const accounts = read.accounts.map((account) => {
    const before = known.get(account.name);
    return before && isDeepStrictEqual(before, account) ? before : account;
  });
  const settings = { ...inForce, configFile, publicUrl, retention, alerts, webhooks, accounts };
  return { settings, news: newsOf(inForce, settings) };
}

function newsOf(before: Settings, after: Settings): string {
  const known = new Map(before.accounts.map((account) => [account.name, account]));
  const left = new Set(after.accounts.map(({ name }) => name));
  const added = after.accounts.filter(({ name }) => !known.has(name)).map(({ name }) => name);
  const changed = after.accounts.flatMap((account) => {
    const old = known.get(account.name);
    return old && old !== account ? [`${account.name} (${differences(old, account).join(', ')})`] : [];
  });
  const removed = before.accounts.filter(({ name }) => !left.has(name)).map(({ name }) => name);
  const others = (['publicUrl', 'retention', 'alerts', 'webhooks'] as const).filter(
    (key) => !isDeepStrictEqual(before[key], after[key]),
  );

  const groups = Object.entries({ new: added, changed, removed }).filter(([, names]) => names.length > 0);
  const count = `${after.accounts.length} ${after.accounts.length === 1 ? 'account' : 'accounts'}`;
  if (groups.length === 0 && others.length === 0) return `${count}, nothing changed`;
  const counts = groups.map(([word, names]) => `${names.length} ${word}`).join(', ');
  return [
    counts === '' ? count : `${count} (${counts})`,
    ...groups.map(([word, names]) => `${word}: ${names.join(', ')}`),
    ...others.map((key) => `${key} changed`),
  ].join('; ');
}

/** Which settings of an account differ: their names, never what they hold. */
function differences(before: Account, after: Account): string[] {
  const keys = Object.keys(after) as (keyof Account)[];
  return keys.filter((key) => !isDeepStrictEqual(before[key], after[key]));
}
