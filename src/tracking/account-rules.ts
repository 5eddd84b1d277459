import { isEvidenceBased, type JobState, type TrackingRules } from '../domain/transition.js';
import type { CurrentSettings } from '../settings/current-settings.js';
import { callbackPrefix } from '../settings/settings.js';
import { objectIn } from '../vendors/readers.js';
import { apiNamed } from '../vendors/registry.js';
import type { JobRow } from './job-rows.js';

/** What the configuration, as it is now, decides about a job beside what was observed of it. */

export function rulesOf(
  settings: CurrentSettings,
  { account, api: name }: Pick<JobRow, 'account' | 'api'>,
): TrackingRules {
  const api = apiNamed(name);
  return {
    outcomeInParts: api?.outcomeInParts ?? false,
    batch: api?.batch ?? false,
    claimOnly: !settings.canAsk(account),
  };
}

/** Labels that people set stand; the account's chosen keys of the user data fill in the rest. */
export function labelsOf(
  settings: CurrentSettings,
  row: Pick<JobRow, 'account' | 'labels'>,
  { facts }: JobState,
): Record<string, string> {
  const wanted = settings.account(row.account)?.labelsFromUserData ?? [];
  const userData = wanted.length > 0 ? objectIn(facts.userDataRaw) : null;
  const found = wanted.flatMap((key) => {
    const value = userData?.[key];
    return value === undefined || value === null || typeof value === 'object'
      ? []
      : [[key, String(value).slice(0, 256)]];
  });
  return { ...(Object.fromEntries(found) as Record<string, string>), ...row.labels };
}

export function isCallbackExpected(
  settings: CurrentSettings,
  row: Pick<JobRow, 'callback_expected'>,
  { facts, basis }: JobState,
): boolean {
  if (basis.callbackChosen === true || !isEvidenceBased({ basis })) return row.callback_expected;
  const prefix = callbackPrefix(settings.value);
  const notify = objectIn(facts.userDataRaw)?.['NotifyAddress'];
  return prefix !== null && typeof notify === 'string' && notify.trim().startsWith(prefix);
}
