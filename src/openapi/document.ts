import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiResponsesObject } from 'zod-openapi';
import { CreatedKey, KeyList, NewKey } from '../access/key-schemas.js';
import type { Scope } from '../access/scopes.js';
import { AccountList } from '../jobs/account-schemas.js';
import {
  Alert,
  AlertHistory,
  AlertList,
  AlertListQuery,
  NewSilence,
  RuleList,
  Silence,
  SilenceList,
  SilenceListQuery,
} from '../jobs/alert-schemas.js';
import { CallbackHealthList, CallbackHealthQuery } from '../jobs/callback-health-schemas.js';
import {
  DeliveryListQuery,
  EndpointDelivery,
  EndpointDeliveryList,
  EndpointList,
  EndpointTest,
  Redelivered,
  RedeliverQuery,
} from '../jobs/endpoint-schemas.js';
import { EVENT_BODIES } from '../jobs/event-schemas.js';
import {
  History,
  Job,
  JobChange,
  JobList,
  JobListQuery,
  LookupQuery,
  NewJob,
  NewJobs,
  ProblemDocument,
  SubjobList,
  SubjobListQuery,
  TrackedJobs,
  WaitQuery,
} from '../jobs/job-schemas.js';
import { Notification, NotificationList, NotificationListQuery } from '../jobs/notification-schemas.js';
import { PageQuery } from '../jobs/page.js';
import { Receipt, ReceiptList, ReceiptListQuery, Replayed } from '../jobs/receipt-schemas.js';
import { ReceiverList, ReceiverTest } from '../jobs/receiver-schemas.js';
import { Live, NotReady, Ready } from '../operations/health-schemas.js';
import { examples } from './examples.js';

const Id = z.strictObject({ id: z.uuid() });
const Name = z.strictObject({ name: z.string() });

const PROBLEMS = {
  400: 'What was sent cannot be used; `errors` names every place.',
  401: 'No key, or one that is not known.',
  403: 'The scope of the key is too small.',
  404: 'There is no such thing.',
  409: 'It cannot be done as things stand; `detail` says why.',
  410: 'The body of this receipt has expired.',
  413: 'The body is larger than 1 MiB.',
  415: 'The body is not JSON.',
  500: 'Something went wrong here; it was written to the log.',
  503: 'This instance is shutting down; ask again.',
} as const;

type Told = {
  summary: string;
  description?: string;
  scope?: Scope;
  path?: z.ZodObject;
  query?: z.ZodObject;
  body?: z.ZodType;
  example?: unknown;
  problems?: (keyof typeof PROBLEMS)[];
};

/** One operation of /v1: its answers by status, and the problems that any of its kind can have. */
function operation(tag: string, answers: Record<number, [what: string, schema: z.ZodType | null]>, told: Told) {
  const { summary, scope = 'read', path: pathParameters, query, body, problems = [] } = told;
  const usual = [400, 401, 403, ...(pathParameters ? [404] : []), ...(body ? [413, 415] : []), 500] as const;
  const failures = [...new Set([...usual, ...problems])] as (keyof typeof PROBLEMS)[];
  const responses: Record<string, unknown> = Object.fromEntries(
    failures.map((status) => [
      String(status),
      { description: PROBLEMS[status], content: { 'application/problem+json': { schema: ProblemDocument } } },
    ]),
  );
  for (const [status, [what, schema]] of Object.entries(answers)) {
    const example = told.example === undefined ? {} : { example: told.example };
    responses[status] = {
      description: what,
      ...(schema ? { content: { 'application/json': { schema, ...example } } } : {}),
    };
  }
  return {
    tags: [tag],
    summary,
    description: [told.description, `Scope: \`${scope}\`.`].filter(Boolean).join(' '),
    requestParams: { ...(pathParameters ? { path: pathParameters } : {}), ...(query ? { query } : {}) },
    ...(body ? { requestBody: { required: true, content: { 'application/json': { schema: body } } } } : {}),
    responses: responses as ZodOpenApiResponsesObject,
  } satisfies ZodOpenApiOperationObject;
}

function open(tag: string, summary: string, responses: ZodOpenApiResponsesObject): ZodOpenApiOperationObject {
  return { tags: [tag], summary, security: [], responses };
}

/** What we call, and others answer. */
function webhook(type: string, body: z.ZodType): ZodOpenApiOperationObject {
  return {
    tags: ['webhooks'],
    summary: `\`${type}\`, to an endpoint`,
    description:
      'By Standard Webhooks: `webhook-id`, `webhook-timestamp` and `webhook-signature`. See docs/webhooks.md.',
    security: [],
    requestBody: { required: true, content: { 'application/json': { schema: body } } },
    responses: { '2XX': { description: 'It was taken. Anything else, or nothing within 10 s: it is sent again.' } },
  };
}

const text = (description: string) => ({ description, content: { 'text/plain': { schema: z.string() } } });
const json = (description: string, schema: z.ZodType) => ({
  description,
  content: { 'application/json': { schema } },
});

/** The contract, from the schemas that check what comes in. */
export function openApiDocument() {
  return createDocument({
    openapi: '3.1.0',
    info: {
      title: 'Callsheet',
      version: version(),
      description:
        'Tracks cloud media jobs: is it done, where is the file, what went wrong. Every list answers `{data, nextCursor}`; ' +
        'errors are RFC 9457 problems. Times are ISO 8601 in UTC, durations in ms, sizes in bytes, bitrates in bit/s.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ key: [] }],
    tags: ['jobs', 'receipts', 'accounts', 'alerts', 'webhooks', 'keys', 'callbacks', 'operations'].map((name) => ({
      name,
    })),
    components: {
      securitySchemes: {
        key: { type: 'http', scheme: 'bearer', description: 'A key of scope `read`, `write` or `admin`.' },
      },
    },
    webhooks: Object.fromEntries([...EVENT_BODIES].map(([type, body]) => [type, { post: webhook(type, body) }])),
    paths: {
      '/v1/jobs': {
        get: operation(
          'jobs',
          { 200: ['A page of jobs.', JobList] },
          {
            summary: 'List jobs',
            query: JobListQuery,
            example: examples.jobList,
          },
        ),
        post: operation(
          'jobs',
          { 200: ['It was tracked already.', Job], 201: ['It is tracked from now on.', Job] },
          {
            summary: 'Track a job',
            description: 'It is looked at once, right away.',
            scope: 'write',
            body: NewJob,
            example: examples.job,
          },
        ),
      },
      '/v1/jobs/batch': {
        post: operation(
          'jobs',
          { 200: ['One result an item, in the same order.', TrackedJobs] },
          {
            summary: 'Track up to 1,000 jobs',
            description: 'Each item fails alone. Jobs are shown as lists show them.',
            scope: 'write',
            body: NewJobs,
            example: examples.trackedJobs,
          },
        ),
      },
      '/v1/jobs/{id}': {
        get: operation(
          'jobs',
          { 200: ['The job.', Job] },
          {
            summary: 'One job with its subjobs, outputs and streams',
            path: Id,
            query: WaitQuery,
            example: examples.job,
            problems: [503],
          },
        ),
        patch: operation(
          'jobs',
          { 200: ['The job.', Job] },
          {
            summary: 'Change labels',
            scope: 'write',
            path: Id,
            body: JobChange,
            example: examples.job,
          },
        ),
      },
      '/v1/jobs/{id}/close': {
        post: operation(
          'jobs',
          { 200: ['The job.', Job] },
          {
            summary: 'Stop watching',
            description: 'No more polls; what still arrives is recorded.',
            scope: 'write',
            path: Id,
            example: examples.job,
          },
        ),
      },
      '/v1/jobs/{id}/refresh': {
        post: operation(
          'jobs',
          { 202: ['It is due now.', Job] },
          {
            summary: 'Look now',
            scope: 'write',
            path: Id,
            example: examples.job,
            problems: [409],
          },
        ),
      },
      '/v1/jobs/{id}/history': {
        get: operation(
          'jobs',
          { 200: ['A page of its history.', History] },
          {
            summary: 'What changed, oldest first',
            path: Id,
            query: PageQuery,
            example: examples.history,
          },
        ),
      },
      '/v1/jobs/{id}/document': {
        get: operation(
          'jobs',
          { 200: ['The vendor’s object.', z.strictObject({ document: z.unknown() })] },
          {
            summary: 'The vendor’s own object of the job',
            description: 'From the newest receipt that showed it; null before the first.',
            problems: [410],
            path: Id,
          },
        ),
      },
      '/v1/jobs/{id}/receipts': {
        get: operation(
          'receipts',
          { 200: ['A page of receipts.', ReceiptList] },
          {
            summary: 'What the vendor said about a job, newest first',
            path: Id,
            query: PageQuery,
            example: examples.receiptList,
          },
        ),
      },
      '/v1/subjobs': {
        get: operation(
          'jobs',
          { 200: ['A page of subjobs.', SubjobList] },
          {
            summary: 'List subjobs across jobs',
            description: 'By their own status and creation, and by account, API, labels and `q` of their job.',
            query: SubjobListQuery,
          },
        ),
      },
      '/v1/lookup': {
        get: operation(
          'jobs',
          { 200: ['A page of jobs.', JobList] },
          {
            summary: 'Every job that an id or URL belongs to',
            query: LookupQuery,
            example: examples.jobList,
          },
        ),
      },
      '/v1/receipts': {
        get: operation(
          'receipts',
          { 200: ['A page of receipts.', ReceiptList] },
          {
            summary: 'What arrived, newest first, and what became of it',
            query: ReceiptListQuery,
            example: examples.receiptList,
          },
        ),
      },
      '/v1/receipts/{id}': {
        get: operation(
          'receipts',
          { 200: ['The receipt and its body.', Receipt] },
          {
            summary: 'One receipt, as it came',
            path: Id,
            example: examples.receipt,
            problems: [410],
          },
        ),
      },
      '/v1/receipts/{id}/replay': {
        post: operation(
          'receipts',
          { 202: ['It will be applied once more.', Replayed] },
          {
            summary: 'Apply a receipt once more',
            scope: 'write',
            path: Id,
            problems: [410],
          },
        ),
      },
      '/v1/accounts': {
        get: operation(
          'accounts',
          { 200: ['All accounts.', AccountList] },
          {
            summary: 'Accounts, their callback URLs, poll budgets and discovery',
            example: examples.accountList,
          },
        ),
      },
      '/v1/callback-health': {
        get: operation(
          'accounts',
          { 200: ['A page of hours.', CallbackHealthList] },
          {
            summary: 'Callbacks that were due and did not come, by hour',
            description:
              'Newest first. Of jobs that would have been known without their callback: those that somebody registered, ' +
              'and all where the account lists its jobs. A job counts ten minutes after it ended.',
            query: CallbackHealthQuery,
            example: examples.callbackHealthList,
          },
        ),
      },
      '/v1/receivers': {
        get: operation(
          'alerts',
          { 200: ['All receivers.', ReceiverList] },
          { summary: 'Who is told of alerts, and what waits for them', example: examples.receiverList },
        ),
      },
      '/v1/receivers/{name}/test': {
        post: operation(
          'alerts',
          { 200: ['What came back.', ReceiverTest] },
          {
            summary: 'Send a test message to a receiver',
            description: 'At once, past what waits for it. It is not tried again.',
            scope: 'write',
            path: Name,
            example: examples.receiverTest,
          },
        ),
      },
      '/v1/notifications': {
        get: operation(
          'alerts',
          { 200: ['A page of notifications.', NotificationList] },
          {
            summary: 'Who was told what, newest first, and whether it arrived',
            query: NotificationListQuery,
            example: examples.notificationList,
          },
        ),
      },
      '/v1/notifications/{id}/redeliver': {
        post: operation(
          'alerts',
          { 202: ['It will be sent once more.', Notification] },
          {
            summary: 'Send a notification once more',
            description: 'With the id and the dedup key it has, and for a day.',
            scope: 'write',
            path: Id,
          },
        ),
      },
      '/v1/alerts': {
        get: operation(
          'alerts',
          { 200: ['A page of alerts.', AlertList] },
          {
            summary: 'List alerts, the last seen first',
            description: 'Failures of one kind are one alert, however many there are.',
            query: AlertListQuery,
            example: examples.alertList,
          },
        ),
      },
      '/v1/alerts/{id}': {
        get: operation(
          'alerts',
          { 200: ['The alert.', Alert] },
          { summary: 'One alert with what its failures share, and who was told', path: Id, example: examples.alert },
        ),
      },
      '/v1/alerts/{id}/history': {
        get: operation(
          'alerts',
          { 200: ['A page of its history.', AlertHistory] },
          {
            summary: 'What became of an alert, and who was told what and when, oldest first',
            path: Id,
            query: PageQuery,
            example: examples.alertHistory,
          },
        ),
      },
      '/v1/alerts/{id}/acknowledge': {
        post: operation(
          'alerts',
          { 200: ['The alert.', Alert] },
          {
            summary: 'Somebody is at it',
            description: 'Receivers are told again only when it is over.',
            scope: 'write',
            path: Id,
            example: examples.alert,
            problems: [409],
          },
        ),
      },
      '/v1/alerts/{id}/resolve': {
        post: operation(
          'alerts',
          { 200: ['The alert.', Alert] },
          {
            summary: 'It is over',
            description: 'The next failure of its kind opens it again.',
            scope: 'write',
            path: Id,
            example: examples.alert,
          },
        ),
      },
      '/v1/alerts/{id}/reopen': {
        post: operation(
          'alerts',
          { 200: ['The alert.', Alert] },
          { summary: 'It is not over, or nobody’s any more', scope: 'write', path: Id, example: examples.alert },
        ),
      },
      '/v1/rules': {
        get: operation(
          'alerts',
          { 200: ['All rules.', RuleList] },
          {
            summary: 'The rules in force, with their defaults',
            description: 'They are written in callsheet.yaml.',
            example: examples.ruleList,
          },
        ),
      },
      '/v1/silences': {
        get: operation(
          'alerts',
          { 200: ['A page of silences.', SilenceList] },
          { summary: 'List silences, newest first', query: SilenceListQuery, example: examples.silenceList },
        ),
        post: operation(
          'alerts',
          { 201: ['The silence, in force.', Silence] },
          {
            summary: 'Silence alerts until a time',
            description:
              'An alert is covered when every filter that is given matches. When the silence ends and it is still open, receivers are told.',
            scope: 'write',
            body: NewSilence,
            example: examples.silence,
          },
        ),
      },
      '/v1/silences/{id}': {
        get: operation(
          'alerts',
          { 200: ['The silence.', Silence] },
          { summary: 'One silence', path: Id, example: examples.silence },
        ),
        delete: operation(
          'alerts',
          { 200: ['The silence, over.', Silence] },
          { summary: 'End a silence', scope: 'write', path: Id, example: examples.silence },
        ),
      },
      '/v1/endpoints': {
        get: operation(
          'webhooks',
          { 200: ['All endpoints.', EndpointList] },
          { summary: 'Who is sent outgoing events, and what waits for them', example: examples.endpointList },
        ),
      },
      '/v1/endpoints/{name}/test': {
        post: operation(
          'webhooks',
          { 200: ['What came back.', EndpointTest] },
          {
            summary: 'Send a test event to an endpoint',
            description: 'At once, past what waits for it. It is not tried again.',
            scope: 'write',
            path: Name,
            example: examples.endpointTest,
          },
        ),
      },
      '/v1/endpoints/{name}/deliveries': {
        get: operation(
          'webhooks',
          { 200: ['A page of deliveries.', EndpointDeliveryList] },
          {
            summary: 'What an endpoint was sent, newest first, and whether it arrived',
            path: Name,
            query: DeliveryListQuery,
            example: examples.endpointDeliveryList,
          },
        ),
      },
      '/v1/endpoints/{name}/deliveries/{id}/redeliver': {
        post: operation(
          'webhooks',
          { 202: ['It will be sent once more.', EndpointDelivery] },
          {
            summary: 'Send an event once more',
            description: 'With the id it has, and for a day.',
            scope: 'write',
            path: Name.extend(Id.shape),
          },
        ),
      },
      '/v1/endpoints/{name}/redeliver': {
        post: operation(
          'webhooks',
          { 202: ['They will be sent once more.', Redelivered] },
          {
            summary: 'Send once more all events that were given up',
            scope: 'write',
            path: Name,
            query: RedeliverQuery,
          },
        ),
      },
      '/v1/keys': {
        get: operation(
          'keys',
          { 200: ['All keys made through this API.', KeyList] },
          {
            summary: 'List keys',
            scope: 'admin',
          },
        ),
        post: operation(
          'keys',
          { 201: ['The key; it cannot be read again.', CreatedKey] },
          {
            summary: 'Make a key',
            scope: 'admin',
            body: NewKey,
          },
        ),
      },
      '/v1/keys/{id}': {
        delete: operation(
          'keys',
          { 204: ['It is revoked; other replicas follow within seconds.', null] },
          {
            summary: 'Revoke a key',
            scope: 'admin',
            path: Id,
          },
        ),
      },
      '/callbacks/{account}/{token}': {
        post: {
          ...open('callbacks', 'A vendor’s callback', {
            200: text('`ok`: it is stored.'),
            401: text('The signature is missing, wrong, or more than 5 minutes off.'),
            404: text('There is no such account, or the token is wrong.'),
            413: text('The body is larger than 1 MiB.'),
            503: text('It could not be stored; call again.'),
          }),
          description:
            'Any content type. What is not JSON or names no job is kept as an unmatched receipt, also with 200.',
          requestParams: { path: z.strictObject({ account: z.string(), token: z.string() }) },
          requestBody: { content: { '*/*': { schema: z.unknown() } } },
        },
      },
      '/health/live': { get: open('operations', 'Whether the process is up', { 200: json('It is.', Live) }) },
      '/health/ready': {
        get: open('operations', 'Whether it can do its work', {
          200: json('It can.', Ready),
          503: {
            description: 'It cannot, and why.',
            content: { 'application/problem+json': { schema: NotReady } },
          },
        }),
      },
      '/metrics': { get: open('operations', 'Metrics for Prometheus', { 200: text('In its text format.') }) },
      '/openapi.json': {
        get: open('operations', 'This document', { 200: json('OpenAPI 3.1.', z.looseObject({ openapi: z.string() })) }),
      },
      '/docs': {
        get: open('operations', 'A page to read this document', {
          200: { description: 'HTML.', content: { 'text/html': { schema: z.string() } } },
        }),
      },
    },
  });
}

/** From package.json, seen from `src/openapi` as well as from `dist/src/openapi`. */
function version(): string {
  const up = import.meta.dirname.includes(`${path.sep}dist${path.sep}`) ? '../../..' : '../..';
  const text = readFileSync(path.join(import.meta.dirname, up, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
