import { z } from 'zod';
import { commaList, Moment } from '../domain/job-filter.js';
import { EVENT_TYPES } from '../settings/webhook-settings.js';
import { testFields, waitingFields } from './channel-schemas.js';
import { pageParameters } from './page.js';

const DELIVERY_STATUSES = ['pending', 'delivered', 'undelivered'] as const;

export const EndpointView = z
  .strictObject({
    name: z.string(),
    url: z.string().meta({ description: 'Without its query, which may hold a secret.' }),
    events: z.array(z.enum(EVENT_TYPES)),
    filter: z.record(z.string(), z.unknown()).meta({ description: 'Of jobs, as `GET /v1/jobs` takes it.' }),
    ...waitingFields,
  })
  .meta({ id: 'Endpoint' });
export type EndpointView = z.infer<typeof EndpointView>;

export const EndpointList = z
  .strictObject({ data: z.array(EndpointView), nextCursor: z.null() })
  .meta({ id: 'EndpointList' });

export const EndpointTest = z.strictObject(testFields).meta({ id: 'EndpointTest' });
export type EndpointTest = z.infer<typeof EndpointTest>;

export const DeliveryListQuery = z.strictObject({
  status: commaList(z.enum(DELIVERY_STATUSES), DELIVERY_STATUSES)
    .optional()
    .meta({ description: 'What became of them, separated by commas.', example: ['undelivered'] }),
  jobId: z.uuid().optional().meta({ description: 'The id of a job.' }),
  ...pageParameters,
});
export type DeliveryListQuery = z.infer<typeof DeliveryListQuery>;

export const EndpointDelivery = z
  .strictObject({
    id: z.uuid().meta({ description: 'The `webhook-id` it is sent with, at every attempt.' }),
    type: z.string().meta({ description: 'Of the event: `job.succeeded`, `output.ready`...' }),
    jobId: z.string(),
    status: z.enum(DELIVERY_STATUSES).meta({ description: '`undelivered`: given up.' }),
    attempts: z.int(),
    nextAttemptAt: z.iso.datetime().nullable(),
    createdAt: z.iso.datetime(),
    attemptedAt: z.iso.datetime().nullable(),
    settledAt: z.iso.datetime().nullable(),
    lastStatus: z.int().nullable().meta({ description: 'The HTTP status that came back last.' }),
    lastError: z.string().nullable(),
    answer: z.string().nullable().meta({ description: 'What came back last, at most 500 characters.' }),
  })
  .meta({ id: 'EndpointDelivery' });
export type EndpointDelivery = z.infer<typeof EndpointDelivery>;

export const EndpointDeliveryList = z
  .strictObject({ data: z.array(EndpointDelivery), nextCursor: z.string().nullable() })
  .meta({ id: 'EndpointDeliveryList' });

export const RedeliverQuery = z.strictObject({
  createdAfter: Moment.optional().meta({ description: 'Only what was stored then or later.' }),
});
export type RedeliverQuery = z.infer<typeof RedeliverQuery>;

export const Redelivered = z
  .strictObject({ redelivered: z.int().meta({ description: 'How many will be sent once more.' }) })
  .meta({ id: 'Redelivered' });
export type Redelivered = z.infer<typeof Redelivered>;
