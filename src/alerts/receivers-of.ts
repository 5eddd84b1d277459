import type { Rule } from '../settings/alert-settings.js';
import type { Receiver } from '../settings/receiver-settings.js';

/** Who is told of a rule's alerts: those it names, or else everybody who takes its severity. */
export function receiversOf(rule: Pick<Rule, 'receivers' | 'severity'>, receivers: readonly Receiver[]): Receiver[] {
  const { receivers: named, severity } = rule;
  return receivers.filter(({ name, severities }) =>
    named ? named.includes(name) : severities === null || severities.includes(severity),
  );
}
