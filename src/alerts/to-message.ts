import { jobLink, type AlertMessage, type MessageReason } from './alert-message.js';
import type { AlertRow } from './alert-rows.js';
import { sharedBy } from './shared-values.js';

/** Of each list. */
const SHOWN = 5;

/** What a receiver is told; `opening`: the one that it was told of first, so that what follows carries the same key. */
export function toMessage(
  alert: AlertRow,
  reason: MessageReason,
  { opening, publicUrl }: { opening: number; publicUrl: string | null },
): AlertMessage {
  const { id, rule, kind, severity, account, api, template, failures, jobs, labels } = alert;
  const [first] = alert.sample;
  const hasError = alert.errorCode !== null || alert.errorMessage !== null;
  return {
    reason,
    dedupKey: `${id}/${opening}`,
    alert: {
      id,
      rule,
      kind,
      severity,
      status: alert.status === 'pending' ? 'open' : alert.status,
      account,
      api,
      template,
      reason: alert.reason,
      error: hasError ? { code: alert.errorCode, message: alert.errorMessage } : null,
      failures,
      jobs,
      firstSeenAt: alert.firstSeenAt.toISOString(),
      lastSeenAt: alert.lastSeenAt.toISOString(),
      openedAt: alert.openedAt.toISOString(),
      resolvedAt: alert.resolvedAt?.toISOString() ?? null,
      labels,
      url: first ? jobLink(publicUrl, first.jobId) : null,
    },
    sample: alert.sample.slice(0, SHOWN).map((job) => ({ ...job, url: jobLink(publicUrl, job.jobId) })),
    shared: sharedBy(alert.shared, failures, SHOWN),
  };
}
