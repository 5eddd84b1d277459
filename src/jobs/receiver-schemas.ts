import { z } from 'zod';
import { SEVERITIES } from '../alerts/alert-message.js';
import { LANGUAGES } from '../settings/receiver-settings.js';
import { testFields, waitingFields } from './channel-schemas.js';

export const RECEIVER_TYPES = ['alertmanager', 'webhook', 'slack', 'dingtalk', 'feishu', 'email'] as const;

export const ReceiverView = z
  .strictObject({
    name: z.string(),
    type: z.enum(RECEIVER_TYPES),
    language: z.enum(LANGUAGES),
    severities: z.array(z.enum(SEVERITIES)).meta({ description: 'Of which alerts it is told.' }),
    ...waitingFields,
  })
  .meta({ id: 'Receiver' });
export type ReceiverView = z.infer<typeof ReceiverView>;

export const ReceiverList = z
  .strictObject({ data: z.array(ReceiverView), nextCursor: z.null() })
  .meta({ id: 'ReceiverList' });

export const ReceiverTest = z.strictObject(testFields).meta({ id: 'ReceiverTest' });
export type ReceiverTest = z.infer<typeof ReceiverTest>;
