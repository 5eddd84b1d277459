import { z } from 'zod';
import { commaList, plainText } from '../domain/job-filter.js';
import { pageParameters } from './page.js';

export const NOTIFICATION_STATUSES = ['pending', 'delivered', 'undelivered', 'superseded'] as const;

export const NotificationListQuery = z.strictObject({
  receiver: commaList(plainText(63).min(1)).optional().meta({ description: 'Receivers, separated by commas.' }),
  status: commaList(z.enum(NOTIFICATION_STATUSES), NOTIFICATION_STATUSES)
    .optional()
    .meta({ description: 'What became of them, separated by commas.', example: ['undelivered'] }),
  alert: z.uuid().optional().meta({ description: 'The id of an alert.' }),
  ...pageParameters,
});
export type NotificationListQuery = z.infer<typeof NotificationListQuery>;

export const Notification = z
  .strictObject({
    id: z.uuid(),
    receiver: z.string(),
    alertId: z.string(),
    dedupKey: z.string().meta({ description: 'The same for all messages about one opening of an alert.' }),
    reason: z.string().nullable().meta({ description: 'Why it was sent: `opened`, `grew`, `repeated`, `resolved`...' }),
    status: z.enum(NOTIFICATION_STATUSES).meta({
      description: '`undelivered`: given up after a day. `superseded`: a newer message about the alert went instead.',
    }),
    attempts: z.int(),
    nextAttemptAt: z.iso.datetime().nullable(),
    createdAt: z.iso.datetime(),
    attemptedAt: z.iso.datetime().nullable(),
    settledAt: z.iso.datetime().nullable(),
    lastStatus: z.int().nullable().meta({ description: 'The HTTP status or SMTP code that came back last.' }),
    lastError: z.string().nullable(),
    answer: z.string().nullable().meta({ description: 'What came back last, at most 500 characters.' }),
  })
  .meta({ id: 'Notification' });
export type Notification = z.infer<typeof Notification>;

export const NotificationList = z
  .strictObject({ data: z.array(Notification), nextCursor: z.string().nullable() })
  .meta({ id: 'NotificationList' });
