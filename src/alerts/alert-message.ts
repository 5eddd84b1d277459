/** What a rule watches for. */
export const ALERT_KINDS = [
  'subjob-failed',
  'job-failed',
  'job-partially-failed',
  'job-lost',
  'contradiction',
  'contract-changed',
  'failure-share',
  'job-late',
  'callback-loss',
  'account-paused',
  'receipts-waiting',
] as const;
export type AlertKind = (typeof ALERT_KINDS)[number];

export const SEVERITIES = ['info', 'warning', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** Why a message is sent now. */
export type MessageReason = 'opened' | 'grew' | 'repeated' | 'resolved' | 'reopened' | 'silence_expired' | 'test';

/**
 * What a receiver is told about an alert: facts, no sentences; `messages.ts` makes those. It is the payload of a stored
 * delivery, so it is plain JSON: times are ISO 8601.
 */
export type AlertMessage = {
  reason: MessageReason;
  /** One per alert and opening: receivers tell repeats by it. */
  dedupKey: string;
  alert: {
    id: string;
    /** The rule's name. */
    rule: string;
    kind: AlertKind;
    severity: Severity;
    status: 'open' | 'acknowledged' | 'resolved';
    account: string | null;
    api: string | null;
    template: string | null;
    /** The rule's own words, in English. */
    reason: string;
    error: { code: string | null; message: string | null } | null;
    failures: number;
    jobs: number;
    firstSeenAt: string;
    lastSeenAt: string;
    openedAt: string;
    resolvedAt: string | null;
    labels: Record<string, string>;
    url: string | null;
  };
  /** At most 5. */
  sample: {
    jobId: string;
    vendorJobId: string;
    name: string | null;
    subjobPath: string | null;
    error: string | null;
    url: string | null;
  }[];
  /** What the failures have in common, the most frequent first, at most 5. */
  shared: { kind: 'clip' | 'media' | 'bucket' | 'host' | 'url'; value: string; failures: number }[];
};

/** Where a person reads on about a job; null without a public URL. */
export function jobLink(publicUrl: string | null, jobId: string): string | null {
  return publicUrl === null ? null : `${publicUrl}/v1/jobs/${jobId}`;
}
