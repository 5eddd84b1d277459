import { z } from 'zod';
import { commaList, plainText } from '../domain/job-filter.js';
import { ALERT_KINDS, SEVERITIES } from './alert-message.js';
import type { AlertRow } from './alert-rows.js';

const names = () => commaList(plainText(256).min(1)).optional();

/** Which alerts: the query of their list as far as it tells them apart, and the filter of a silence. */
export const alertFilters = {
  rule: names().meta({ description: 'Names of rules, separated by commas.' }),
  kind: commaList(z.enum(ALERT_KINDS), ALERT_KINDS).optional().meta({ description: 'What the rules watch for.' }),
  severity: commaList(z.enum(SEVERITIES), SEVERITIES).optional().meta({ description: 'Severities.' }),
  account: names().meta({ description: 'Accounts, separated by commas.' }),
  api: names().meta({ description: 'Vendor APIs such as `alibaba-ims/media-convert`, separated by commas.' }),
  template: names().meta({ description: 'Templates of the vendor, separated by commas.' }),
};

export const SilenceFilter = z.strictObject({
  ...alertFilters,
  alertId: z.uuid().optional().meta({ description: 'This alert alone.' }),
  errorCode: names().meta({ description: 'Error codes of the vendor, separated by commas.' }),
});
export type SilenceFilter = z.infer<typeof SilenceFilter>;

type Silenced = Pick<AlertRow, 'id' | 'rule' | 'kind' | 'severity' | 'account' | 'api' | 'template' | 'errorCode'>;

/** Whether a silence covers an alert: every filter that is given must. */
export function covers(filter: SilenceFilter, alert: Silenced): boolean {
  const among = (wanted: readonly string[] | undefined, value: string | null) =>
    wanted === undefined || (value !== null && wanted.includes(value));
  return (
    (filter.alertId === undefined || filter.alertId === alert.id) &&
    among(filter.rule, alert.rule) &&
    among(filter.kind, alert.kind) &&
    among(filter.severity, alert.severity) &&
    among(filter.account, alert.account) &&
    among(filter.api, alert.api) &&
    among(filter.template, alert.template) &&
    among(filter.errorCode, alert.errorCode)
  );
}
