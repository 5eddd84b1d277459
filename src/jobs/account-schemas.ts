import { z } from 'zod';
import { VENDORS } from '../domain/vendor.js';
import { Fault } from './job-schemas.js';

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

export const Discovery = z
  .strictObject({
    api: z.string(),
    state: z.enum(['waiting', 'running', 'failed']),
    from: z.iso.datetime().nullable(),
    to: z.iso.datetime().nullable().meta({ description: 'Jobs created from `from` to `to` are listed, newest first.' }),
    pages: z.int(),
    listed: z.int(),
    found: z.int().meta({ description: 'Those of the listed jobs that were not tracked yet.' }),
    startedAt: z.iso.datetime().nullable(),
    finishedAt: z.iso.datetime().nullable().meta({ description: 'Null while the pass is under way.' }),
    nextAt: z.iso.datetime().nullable().meta({ description: 'Then, or as soon as the budget has calls to spare.' }),
    error: Fault.nullable().meta({ description: 'Why the vendor does not list; it is tried again at `nextAt`.' }),
  })
  .meta({ id: 'Discovery', description: 'The pass under way through the listed jobs of an API, or the last one.' });
export type Discovery = z.infer<typeof Discovery>;

export const Account = z
  .strictObject({
    name: z.string(),
    vendor: z.enum(VENDORS),
    region: z.string(),
    claimOnly: z.boolean().meta({ description: 'No credentials: callbacks are all there is.' }),
    callbackUrls: z.array(z.string()).meta({ description: 'The token is `***` unless the key is of scope admin.' }),
    budgets: z.array(Budget),
    discovery: z.array(Discovery).nullable().meta({ description: 'Null without `discover`.' }),
    refusedCallbacks: z
      .record(z.string(), z.int())
      .meta({ description: 'By reason, since this instance started.', example: { bad_signature: 2 } }),
  })
  .meta({ id: 'Account' });
export type Account = z.infer<typeof Account>;

export const AccountList = z.strictObject({ data: z.array(Account), nextCursor: z.null() }).meta({ id: 'AccountList' });
