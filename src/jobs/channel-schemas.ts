import { z } from 'zod';

/** What is shown of every channel, be it a receiver of alerts or an endpoint. */
export const waitingFields = {
  waiting: z.int().meta({ description: 'Messages stored and not yet delivered.' }),
  waitingSince: z.iso.datetime().nullable().meta({ description: 'When the oldest of them was stored.' }),
  lastError: z.string().nullable().meta({ description: 'Why the oldest of them did not arrive so far.' }),
};
export type Waiting = z.infer<z.ZodObject<typeof waitingFields>>;

/** What comes of trying one. */
export const testFields = {
  delivered: z.boolean(),
  status: z.int().nullable().meta({ description: 'The HTTP status or SMTP code that came back.' }),
  answer: z.string().nullable().meta({ description: 'What came back, at most 500 characters.' }),
  error: z.string().nullable().meta({ description: 'Why it was not delivered.' }),
  durationMs: z.int(),
};
export type ChannelTest = z.infer<z.ZodObject<typeof testFields>>;
