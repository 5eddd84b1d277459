import { z } from 'zod';
import { JobFilter } from '../domain/job-filter.js';
import { apiNamed, VENDOR_APIS } from '../vendors/registry.js';

/** A job filter as a map. Lists may be written as YAML has them: `status: [failed, lost]` is `status: failed,lost`. */
export const filterInYaml = z.preprocess(
  (value) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(
          Object.entries(value).map(([key, item]) => [
            key,
            Array.isArray(item) && key !== 'label' ? item.map(String).join(',') : item,
          ]),
        )
      : value,
  JobFilter,
);

/** What the schema cannot tell: filters by what is not there, or not known when something happens to a job. */
export function filterProblems(filter: JobFilter, accounts: readonly string[]): [key: string, problem: string][] {
  const problems: [string, string][] = [];
  for (const account of filter.account ?? []) {
    if (!accounts.includes(account)) problems.push(['account', `there is no account ${account}`]);
  }
  for (const api of filter.api ?? []) {
    if (!apiNamed(api)) {
      problems.push(['api', `${api} is not one of ${VENDOR_APIS.map(({ name }) => name).join(', ')}`]);
    }
  }
  if (filter.q?.includes('://')) problems.push(['q', 'may be an id or the beginning of a name, not a URL']);
  return problems;
}
