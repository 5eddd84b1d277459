import { z } from 'zod';
import { JOB_STATUSES, SUBJOB_STATUSES } from './status.js';

/** Text that Postgres takes: no NUL, no half of a surrogate pair. Text longer than `max` is refused before it is matched. */
export function plainText(max: number) {
  return z
    .string()
    .max(max, { abort: true })
    .regex(/^[^\0\p{Surrogate}]*$/u, 'must not hold NUL characters or broken Unicode');
}

/** `a,b,c`, each one of `item`. Documented as the list it is. */
export function commaList<Item extends z.ZodType<unknown, string>>(item: Item, enumerated?: readonly string[]) {
  return z
    .string()
    .max(2000)
    .transform((text) => text.split(',').map((part) => part.trim()))
    .pipe(z.array(item))
    .meta({
      param: { style: 'form', explode: false },
      override: { type: 'array', items: { type: 'string', ...(enumerated ? { enum: [...enumerated] } : {}) } },
    });
}

export const LabelKey = plainText(64).regex(/^[^:]+$/, 'must be 1 to 64 characters without a colon');
export const LabelValue = plainText(256);

const LABEL_FILTER = /^([^:]+):(.*)$/s;

const Label = plainText(400)
  .regex(LABEL_FILTER, 'must be key:value')
  .transform((text): [key: string, value: string] => {
    const [, key = '', value = ''] = LABEL_FILTER.exec(text) ?? [];
    return [key, value];
  });

const Labels = z
  .union([Label.transform((label) => [label]), z.array(Label).max(20)], {
    error: 'must be key:value, at most 20 of them',
  })
  .meta({
    description: '`key:value`. Repeatable: all of them must hold.',
    example: ['tenant:acme'],
    override: { type: 'array', items: { type: 'string', pattern: '^[^:]+:' }, maxItems: 20 },
  });

/** A time or a date. */
export /** A time or a date. */
const Moment = z
  .union([z.iso.datetime({ offset: true }), z.iso.date()], {
    error: 'must be a time such as 2026-11-21T08:00:00Z, or a date',
  })
  .transform((text) => new Date(text))
  .meta({ override: { type: 'string', anyOf: [{ format: 'date-time' }, { format: 'date' }] } });

/** Whose jobs. */
export const ownerFilters = {
  account: commaList(plainText(63).min(1)).optional().meta({ description: 'Accounts, separated by commas.' }),
  api: commaList(plainText(100).regex(/^[^/]+\/[^/]+$/, 'must be vendor/kind'))
    .optional()
    .meta({ description: 'Vendor APIs such as `alibaba-ims/media-convert`, separated by commas.' }),
};

const common = {
  ...ownerFilters,
  label: Labels.optional(),
  q: plainText(2048).trim().min(1).optional().meta({
    description:
      'An exact id of ours or of the vendor, an exact output URL, or the beginning of the name or of `vendorJobId`.',
  }),
  createdAfter: Moment.optional().meta({ description: 'Created then or later.' }),
  createdBefore: Moment.optional().meta({ description: 'Created earlier.' }),
};

/** Which jobs: the query of a list, and as a map the filter of an alert rule, an export or a webhook. */
export const JobFilter = z.strictObject({
  status: commaList(z.enum(JOB_STATUSES), JOB_STATUSES)
    .optional()
    .meta({ description: 'Statuses, separated by commas.', example: ['failed', 'partially_failed'] }),
  ...common,
});
export type JobFilter = z.infer<typeof JobFilter>;

/** Which subjobs: by their own status and creation, and by everything else of their job. */
export const SubjobFilter = z.strictObject({
  status: commaList(z.enum(SUBJOB_STATUSES), SUBJOB_STATUSES)
    .optional()
    .meta({ description: 'Statuses of the subjobs, separated by commas.', example: ['failed'] }),
  ...common,
});
export type SubjobFilter = z.infer<typeof SubjobFilter>;
