import type { AlertMessage } from '../../src/alerts/alert-message.js';

export const ALERT_ID = '0199b5a0-0000-7000-8000-0000000000aa';

/** A message about failed subjobs, with words of vendors that would do harm where they are taken for more than words. */
export function alertMessage(
  change: Partial<Omit<AlertMessage, 'alert'>> & { alert?: Partial<AlertMessage['alert']> } = {},
): AlertMessage {
  const now = new Date().toISOString();
  return {
    reason: 'opened',
    dedupKey: `${ALERT_ID}/1`,
    sample: [
      {
        jobId: '0199b5a0-0000-7000-8000-0000000000b1',
        vendorJobId: '4579b5e7a7b54ed1b0b5a3c2d1e0f9a8',
        name: 'spring <sale>',
        subjobPath: 'output/0',
        error: 'The resource operated "InputFile" is bad',
        url: 'https://callsheet.example.com/v1/jobs/0199b5a0-0000-7000-8000-0000000000b1',
      },
    ],
    shared: [{ kind: 'bucket', value: 'footage-cn', failures: 18 }],
    ...change,
    alert: {
      id: ALERT_ID,
      rule: 'subjob-failed',
      kind: 'subjob-failed',
      severity: 'warning',
      status: 'open',
      account: 'media-cn',
      api: 'alibaba-ims/media-convert',
      template: null,
      reason: 'a subjob failed',
      error: {
        code: 'InvalidParameter.ResourceContentBad',
        message: '<!channel> <at user_id="all"></at> @all\r\nBcc: x',
      },
      failures: 20,
      jobs: 3,
      firstSeenAt: now,
      lastSeenAt: now,
      openedAt: now,
      resolvedAt: null,
      labels: { team: 'media' },
      url: null,
      ...change.alert,
    },
  };
}
