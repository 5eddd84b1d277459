import { z } from 'zod';
import { plainText } from '../domain/job-filter.js';
import { SCOPES } from './scopes.js';

export const NewKey = z
  .strictObject({
    // The name is written to the log with every change that the key makes.
    name: plainText(100)
      .trim()
      .min(1)
      .regex(/^\P{Cc}*$/u, 'must not hold control characters'),
    scope: z.enum(SCOPES),
  })
  .meta({ id: 'NewKey', example: { name: 'dashboard', scope: 'read' } });
export type NewKey = z.infer<typeof NewKey>;

export const Key = z
  .strictObject({
    id: z.uuid(),
    name: z.string(),
    scope: z.enum(SCOPES),
    createdAt: z.iso.datetime(),
    revokedAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Key' });
export type Key = z.infer<typeof Key>;

export const CreatedKey = Key.extend({
  key: z.string().meta({ description: 'The key itself. It is shown this once and cannot be read again.' }),
}).meta({ id: 'CreatedKey' });

export const KeyList = z.strictObject({ data: z.array(Key), nextCursor: z.null() }).meta({ id: 'KeyList' });
