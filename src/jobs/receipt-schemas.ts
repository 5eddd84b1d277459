import { z } from 'zod';
import { commaList, plainText } from '../domain/job-filter.js';
import { VIAS } from '../domain/observation.js';
import { pageParameters } from './page.js';

/** `applied` is what is neither waiting nor a problem. */
export const RECEIPT_STATES = ['pending', 'applied', 'unmatched', 'rejected', 'failed'] as const;
export type ReceiptState = (typeof RECEIPT_STATES)[number];

export const ReceiptListQuery = z.strictObject({
  state: commaList(z.enum(RECEIPT_STATES), RECEIPT_STATES)
    .optional()
    .meta({ description: 'What became of them, separated by commas.', example: ['unmatched', 'failed'] }),
  account: commaList(plainText(63).min(1)).optional().meta({ description: 'Accounts, separated by commas.' }),
  ...pageParameters,
});
export type ReceiptListQuery = z.infer<typeof ReceiptListQuery>;

export const ReceiptItem = z
  .strictObject({
    id: z.uuid(),
    account: z.string().nullable(),
    via: z.enum(VIAS).nullable(),
    api: z.string().nullable(),
    asked: z.array(z.string()).meta({ description: 'The vendor job ids that were asked about.' }),
    verified: z.string().nullable().meta({ description: '`token`, `signature` or `credentials`.' }),
    httpStatus: z.int().nullable(),
    contentType: z.string().nullable(),
    receivedAt: z.iso.datetime(),
    sizeBytes: z.int().nullable(),
    state: z.enum(RECEIPT_STATES),
    reason: z.string().nullable(),
    expired: z.boolean().meta({ description: 'The body is gone, and with it what is null here.' }),
  })
  .meta({ id: 'ReceiptItem' });
export type ReceiptItem = z.infer<typeof ReceiptItem>;

export const ReceiptList = z
  .strictObject({ data: z.array(ReceiptItem), nextCursor: z.string().nullable() })
  .meta({ id: 'ReceiptList' });

export const Receipt = ReceiptItem.extend({
  seen: z.int().meta({ description: 'How often the same thing came.' }),
  jobIds: z.array(z.uuid()).meta({ description: 'The jobs it spoke about, at most 100.' }),
  bodyEncoding: z.enum(['text', 'base64']),
  body: z.string(),
  json: z.unknown().meta({ description: 'The body as JSON, null where it is not JSON.' }),
}).meta({ id: 'Receipt' });
export type Receipt = z.infer<typeof Receipt>;

export const Replayed = z
  .strictObject({ id: z.uuid(), state: z.literal('pending') })
  .meta({ id: 'Replayed', example: { id: '0199b5a0-0000-7000-8000-000000000001', state: 'pending' } });
