import { z } from 'zod';

/** Wake-ups for apply: "there are pending receipts". Carry nothing; the rows say the rest. */
export const APPLY_QUEUE = 'apply';
/** The scheduler's beat: "see what is due". */
export const TICK_QUEUE = 'poll-tick';

/** Wake-ups for the senders of stored deliveries: "this channel has something to send". */
export const DELIVERY_QUEUE = 'deliver';
export const DeliveryWakeup = z.strictObject({ channel: z.string() });

/** One queue per account, so that a throttled account keeps nobody waiting. */
export function pollQueue(account: string): string {
  return `poll-${account}`;
}

/** One HTTP request to a vendor: which jobs of one API it asks about, and when its budget has a call for it. */
export const PollPayload = z.strictObject({
  api: z.string(),
  departsAt: z.iso.datetime(),
  jobs: z
    .array(
      z.strictObject({
        id: z.string(),
        vendorJobId: z.string(),
        dueAt: z.iso.datetime(),
        intervalMs: z.int().nullable().default(null),
      }),
    )
    .min(1),
});
export type PollPayload = z.infer<typeof PollPayload>;
