import { z } from 'zod';
import { Moment, ownerFilters } from '../domain/job-filter.js';
import { pageParameters } from './page.js';

export const CallbackHealthQuery = z.strictObject({
  ...ownerFilters,
  from: Moment.optional().meta({ description: 'Hours that begin then or later.' }),
  to: Moment.optional().meta({ description: 'Hours that begin earlier.' }),
  ...pageParameters,
});
export type CallbackHealthQuery = z.infer<typeof CallbackHealthQuery>;

export const CallbackHealth = z
  .strictObject({
    account: z.string(),
    api: z.string(),
    hour: z.iso.datetime().meta({ description: 'The hour in which the jobs ended, by its beginning.' }),
    due: z.int().meta({ description: 'Jobs that ended and whose callback was expected.' }),
    late: z.int().meta({ description: 'Learned by poll first; the callback came afterwards.' }),
    lost: z.int().meta({ description: 'Learned by poll; no callback came within ten minutes.' }),
    share: z.number().min(0).max(1).meta({ description: '`lost` of `due`.' }),
    interval: z
      .tuple([z.number().min(0).max(1), z.number().min(0).max(1)])
      .meta({ description: 'The 95 % confidence interval of `share` (Wilson).' }),
  })
  .meta({ id: 'CallbackHealth' });
export type CallbackHealth = z.infer<typeof CallbackHealth>;

export const CallbackHealthList = z
  .strictObject({ data: z.array(CallbackHealth), nextCursor: z.string().nullable() })
  .meta({ id: 'CallbackHealthList' });
