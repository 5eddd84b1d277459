import type { ReceiverPage } from './receiver-page.js';

/** `alerts` in the tracker's `callsheet.yaml`: everything is told to the page, and soon enough to be watched. */
export function alertSettings({ receiver }: Pick<ReceiverPage, 'receiver'>): Record<string, unknown> {
  return {
    groupWait: '3s',
    groupInterval: '20s',
    repeatInterval: '5m',
    rules: [
      { name: 'subjob-failed', on: 'subjob-failed' },
      { name: 'mostly-failing', on: 'failure-share', severity: 'critical', window: '3m', minimum: 10, above: 0.5 },
    ],
    receivers: [receiver],
  };
}
