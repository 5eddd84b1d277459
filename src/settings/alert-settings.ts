import { z } from 'zod';
import { LANGUAGES, ReceiverFile, toReceiver, type Receiver } from './receiver-settings.js';

/** `alerts` in `callsheet.yaml`. */
export const AlertsFile = z.strictObject({
  language: z.enum(LANGUAGES, 'must be en or zh').default('en'),
  receivers: z.array(ReceiverFile).default([]),
});
export type AlertsFile = z.infer<typeof AlertsFile>;

export type AlertSettings = { receivers: Receiver[] };

export function toAlertSettings({ language, receivers }: AlertsFile): AlertSettings {
  return { receivers: receivers.map((receiver) => toReceiver(receiver, language)) };
}
