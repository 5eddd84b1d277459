import { z } from 'zod';
import { ALERT_KINDS, SEVERITIES } from '../alerts/alert-message.js';
import { ALERT_STATUSES } from '../alerts/lifecycle.js';
import { SHARED_KINDS } from '../alerts/shared-values.js';
import { alertFilters, SilenceFilter } from '../alerts/silence.js';
import { commaList, plainText } from '../domain/job-filter.js';
import { pageParameters } from './page.js';

const LISTED_STATUSES = [...ALERT_STATUSES, 'silenced'] as const;

export const AlertListQuery = z.strictObject({
  status: commaList(z.enum(LISTED_STATUSES), LISTED_STATUSES)
    .optional()
    .meta({
      description: 'Statuses, separated by commas. `silenced`: not over, and covered by a silence.',
      example: ['open', 'acknowledged'],
    }),
  ...alertFilters,
  ...pageParameters,
});
export type AlertListQuery = z.infer<typeof AlertListQuery>;

export const AlertItem = z
  .strictObject({
    id: z.uuid(),
    rule: z.string().meta({ description: 'The name of the rule in callsheet.yaml.' }),
    kind: z.enum(ALERT_KINDS).meta({ description: 'What the rule watches for.' }),
    severity: z.enum(SEVERITIES),
    status: z.enum(ALERT_STATUSES).meta({ description: '`pending`: its rule wants to see it last; nobody was told.' }),
    silenceId: z.uuid().nullable().meta({ description: 'The silence that covers it.' }),
    account: z.string().nullable(),
    api: z.string().nullable(),
    template: z.string().nullable(),
    reason: z.string().meta({ description: 'Why this is wrong, in the words of the rule.' }),
    error: z
      .strictObject({ code: z.string().nullable(), message: z.string().nullable() })
      .nullable()
      .meta({ description: 'What the failures have in common; ids, numbers, hosts and URLs are taken out.' }),
    labels: z.record(z.string(), z.string()),
    failures: z.int().meta({ description: 'Since it was opened; of a figure, as it is now.' }),
    jobs: z.int(),
    opening: z.int().meta({ description: 'How often it was opened.' }),
    firstSeenAt: z.iso.datetime(),
    lastSeenAt: z.iso.datetime(),
    openedAt: z.iso.datetime().nullable(),
    acknowledgedAt: z.iso.datetime().nullable(),
    resolvedAt: z.iso.datetime().nullable(),
    resolvedBy: z.string().nullable().meta({ description: '`success`, `quiet`, `hand`, `figure` or `rule gone`.' }),
  })
  .meta({ id: 'AlertItem' });
export type AlertItem = z.infer<typeof AlertItem>;

export const AlertList = z
  .strictObject({ data: z.array(AlertItem), nextCursor: z.string().nullable() })
  .meta({ id: 'AlertList' });

export const AlertEvent = z
  .strictObject({
    at: z.iso.datetime(),
    kind: z.string().meta({
      description:
        '`pending`, `opened`, `reopened`, `acknowledged`, `silenced`, `silence_expired`, `resolved`, `told`, `delivered`, `undelivered`.',
    }),
    actor: z.string().nullable().meta({ description: 'A rule, a silence, or the key that asked for it.' }),
    receiver: z.string().nullable(),
    detail: z.string().nullable().meta({ description: 'Of `told`: why; otherwise whatever there is to say.' }),
  })
  .meta({ id: 'AlertEvent' });
export type AlertEvent = z.infer<typeof AlertEvent>;

export const AlertHistory = z
  .strictObject({ data: z.array(AlertEvent), nextCursor: z.string().nullable() })
  .meta({ id: 'AlertHistory' });

export const Alert = AlertItem.extend({
  sample: z
    .array(
      z.strictObject({
        jobId: z.uuid(),
        vendorJobId: z.string(),
        name: z.string().nullable(),
        subjobPath: z.string().nullable(),
        error: z.string().nullable(),
      }),
    )
    .meta({ description: 'The newest failures, at most 10.' }),
  shared: z
    .array(z.strictObject({ kind: z.enum(SHARED_KINDS), value: z.string(), failures: z.int() }))
    .meta({ description: 'What is named most often in errors and inputs, and by how many of the failures.' }),
  receivers: z
    .array(
      z.strictObject({
        name: z.string(),
        toldAt: z.iso.datetime().nullable(),
        nextAt: z.iso.datetime().nullable().meta({ description: 'When it is thought of again if nothing changes.' }),
      }),
    )
    .meta({ description: 'Who is told.' }),
  history: z.array(AlertEvent).meta({ description: 'The newest 50 events, newest first.' }),
}).meta({ id: 'Alert' });
export type Alert = z.infer<typeof Alert>;

const A_YEAR_MS = 365 * 86_400_000;

export const NewSilence = z
  .strictObject({
    filter: SilenceFilter.refine((filter) => Object.keys(filter).length > 0, 'must name something to silence'),
    endsAt: z.iso
      .datetime({ offset: true, error: 'must be a time such as 2026-11-21T08:00:00Z' })
      .transform((text) => new Date(text))
      .refine((date) => date.getTime() > Date.now(), 'must be in the future')
      .refine((date) => date.getTime() < Date.now() + A_YEAR_MS, 'must be within a year')
      .meta({ override: { type: 'string', format: 'date-time' } }),
    reason: plainText(500).trim().min(1),
    author: plainText(100).trim().min(1).optional().meta({ description: 'Left out: the name of the key.' }),
  })
  .meta({
    id: 'NewSilence',
    example: {
      filter: { account: 'media-cn', rule: 'subjob-failed' },
      endsAt: '2026-11-21T18:00:00Z',
      reason: 'the archive bucket is being moved',
    },
  });
export type NewSilence = z.infer<typeof NewSilence>;

export const Silence = z
  .strictObject({
    id: z.uuid(),
    filter: z.record(z.string(), z.union([z.string(), z.array(z.string())])),
    author: z.string(),
    reason: z.string(),
    createdAt: z.iso.datetime(),
    endsAt: z.iso.datetime(),
    endedAt: z.iso.datetime().nullable(),
    endedBy: z.string().nullable().meta({ description: 'The key that ended it; null: its time was over.' }),
  })
  .meta({ id: 'Silence' });
export type Silence = z.infer<typeof Silence>;

export const SilenceList = z
  .strictObject({ data: z.array(Silence), nextCursor: z.string().nullable() })
  .meta({ id: 'SilenceList' });

export const SilenceListQuery = z.strictObject({
  inForce: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional()
    .meta({ description: 'Only those in force, or only those that are over.', override: { type: 'boolean' } }),
  ...pageParameters,
});
export type SilenceListQuery = z.infer<typeof SilenceListQuery>;

export const RuleItem = z
  .looseObject({
    name: z.string(),
    on: z.enum(ALERT_KINDS),
    severity: z.enum(SEVERITIES),
    forMs: z.int(),
    labels: z.record(z.string(), z.string()),
    filter: z.record(z.string(), z.unknown()),
    receivers: z.array(z.string()).meta({ description: 'Who is told of its alerts.' }),
  })
  .meta({ id: 'Rule', description: 'A rule as it is in force, with its defaults; times in ms.' });
export type RuleItem = z.infer<typeof RuleItem>;

export const RuleList = z.strictObject({ data: z.array(RuleItem), nextCursor: z.null() }).meta({ id: 'RuleList' });
