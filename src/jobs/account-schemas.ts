import { z } from 'zod';
import { VENDORS } from '../domain/vendor.js';

export const Budget = z
  .strictObject({
    api: z.string(),
    requestsPerSecond: z.number().meta({ description: 'The limit.' }),
    currentRate: z.number().meta({ description: 'What the vendor lets through at present, in requests a second.' }),
    throttledAt: z.iso.datetime().nullable(),
    paused: z
      .strictObject({
        at: z.iso.datetime(),
        code: z.string().nullable(),
        reason: z.string().nullable(),
        scope: z.enum(['account', 'api']).nullable(),
      })
      .nullable(),
    clockSkewMs: z.int().nullable(),
  })
  .meta({ id: 'Budget' });

export const Account = z
  .strictObject({
    name: z.string(),
    vendor: z.enum(VENDORS),
    region: z.string(),
    claimOnly: z.boolean().meta({ description: 'No credentials: callbacks are all there is.' }),
    callbackUrls: z.array(z.string()).meta({ description: 'The token is `***` unless the key is of scope admin.' }),
    budgets: z.array(Budget),
    refusedCallbacks: z
      .record(z.string(), z.int())
      .meta({ description: 'By reason, since this instance started.', example: { bad_signature: 2 } }),
  })
  .meta({ id: 'Account' });
export type Account = z.infer<typeof Account>;

export const AccountList = z.strictObject({ data: z.array(Account), nextCursor: z.null() }).meta({ id: 'AccountList' });
