import { z } from 'zod';
import { SEVERITIES } from '../alerts/alert-message.js';
import { LANGUAGES } from '../settings/receiver-settings.js';

export const RECEIVER_TYPES = ['alertmanager', 'webhook', 'slack', 'dingtalk', 'feishu', 'email'] as const;

export const ReceiverView = z
  .strictObject({
    name: z.string(),
    type: z.enum(RECEIVER_TYPES),
    language: z.enum(LANGUAGES),
    severities: z.array(z.enum(SEVERITIES)).meta({ description: 'Of which alerts it is told.' }),
    waiting: z.int().meta({ description: 'Messages stored and not yet delivered.' }),
    waitingSince: z.iso.datetime().nullable().meta({ description: 'When the oldest of them was stored.' }),
    lastError: z.string().nullable().meta({ description: 'Why the oldest of them did not arrive so far.' }),
  })
  .meta({ id: 'Receiver' });
export type ReceiverView = z.infer<typeof ReceiverView>;

export const ReceiverList = z
  .strictObject({ data: z.array(ReceiverView), nextCursor: z.null() })
  .meta({ id: 'ReceiverList' });

export const ReceiverTest = z
  .strictObject({
    delivered: z.boolean(),
    status: z.int().nullable().meta({ description: 'The HTTP status or SMTP code that came back.' }),
    answer: z.string().nullable().meta({ description: 'What came back, at most 500 characters.' }),
    error: z.string().nullable().meta({ description: 'Why it was not delivered.' }),
    durationMs: z.int(),
  })
  .meta({ id: 'ReceiverTest' });
export type ReceiverTest = z.infer<typeof ReceiverTest>;
