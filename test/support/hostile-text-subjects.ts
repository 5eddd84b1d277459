import type { AlertMessage } from '../../src/alerts/alert-message.js';
import { inputsIn } from '../../src/alerts/job-inputs.js';
import { messageText, plainText } from '../../src/alerts/messages.js';
import { normalizeError } from '../../src/alerts/normalize-error.js';
import { alertOf } from '../../src/alerts/receivers/alertmanager.js';
import { slackBody } from '../../src/alerts/receivers/slack.js';
import { namedBy } from '../../src/alerts/shared-values.js';
import { SilenceFilter } from '../../src/alerts/silence.js';
import { NewKey } from '../../src/access/key-schemas.js';
import { verifySignature } from '../../src/callbacks/authenticate.js';
import type { Json, Observation } from '../../src/domain/observation.js';
import { newJob, transition } from '../../src/domain/transition.js';
import { JobListQuery, LookupQuery, NewJob } from '../../src/jobs/job-schemas.js';
import { comparePaths } from '../../src/jobs/job-view.js';
import { bodyView } from '../../src/jobs/receipt-view.js';
import { redacted, redactor } from '../../src/settings/redact.js';
import type { Account } from '../../src/settings/settings.js';
import { interpret, type ReadableReceipt } from '../../src/tracking/interpret.js';
import { answerKey, callbackKey } from '../../src/tracking/receipt-key.js';
import { isTransient } from '../../src/tracking/transient.js';
import { errorKindOf as imsErrorKindOf } from '../../src/vendors/alibaba/ims-errors.js';
import { contractChanges, type ObjectShape, type Shape } from '../../src/vendors/contract.js';
import { retryAfterMs } from '../../src/vendors/http.js';
import { errorKindOf as mpcErrorKindOf } from '../../src/vendors/huawei/mpc-errors.js';
import { apiNamed, VENDOR_APIS } from '../../src/vendors/registry.js';
import type { VendorApi } from '../../src/vendors/vendor-api.js';
import { encodedPath, encodedQuery } from '../../src/vendors/rfc3986.js';

import { hostileDocuments, hostileTexts, SIZE } from './hostile-text.js';

/** A function that meets text from outside, and by their names the inputs that it is given one after the other. */
export type Subject = { inputs: () => [name: string, input: string][]; read: (input: string) => unknown };

const JOB = 'job-1';
const REDACT = redactor(['aaaaaaaaaaaaaaaa', 'a-a-a-a-a-a-a-', '"\\"\\"\\"\\"\\"\\"', 's3cr3t-of-an-account']);
/** The longest error message that the readers of vendors' documents keep. */
const MESSAGE = 4096;

/** A text of a mebibyte in `fields` equal parts. */
const text = (read: (text: string) => unknown, fields = 1): Subject => ({
  inputs: () => hostileTexts(Math.floor(SIZE / fields)),
  read,
});

/** A mebibyte as one message, and as many messages of the greatest length: what is cut is quick to read as well. */
const messages = (read: (text: string) => unknown): Subject => ({
  inputs: () => [...hostileTexts(SIZE), ...hostileTexts(MESSAGE)],
  read: (message) => {
    for (let size = 0; size < SIZE; size += message.length) read(message);
  },
});

const body = (read: (body: Buffer) => unknown): Subject => ({
  inputs: () => [...hostileTexts(SIZE), ...hostileDocuments()],
  read: (body) => read(Buffer.from(body)),
});

const documents = (read: (json: string) => unknown): Subject => ({ inputs: hostileDocuments, read });

/** An object with every documented field of a vendor, each holding `value`. */
function objectOf(shape: ObjectShape, value: Json): { [key: string]: Json } {
  const fieldOf = (field: Shape): Json => {
    if (typeof field === 'string') return value;
    return Array.isArray(field) ? [objectOf(field[0] as ObjectShape, value)] : objectOf(field as ObjectShape, value);
  };
  return Object.fromEntries(Object.entries(shape).map(([key, field]) => [key, fieldOf(field)]));
}

/** Where an answer has the job. */
const ANSWERS: Record<string, (job: string) => string> = {
  'alibaba-ims/batch-media-producing': (job) => `{"EditingBatchJob":${job}}`,
  'alibaba-ims/media-producing': (job) => `{"MediaProducingJob":${job}}`,
  'alibaba-ims/media-convert': (job) => `{"Job":${job}}`,
  'alibaba-ims/dynamic-image': (job) => `{"DynamicImageJob":${job}}`,
  'alibaba-ims/snapshot': (job) => `{"SnapshotJob":${job}}`,
  'huawei-mpc/editing': (job) => `{"job_array":[${job}]}`,
};

/** Reads an answer as the tracker does, up to what changes in its job. */
function applyAnswer(api: string, job: string): void {
  apply({ via: 'poll', api, asked: [JOB], body: Buffer.from(ANSWERS[api]?.(job) ?? '') });
}

function applyCallback(message: string): void {
  for (const event of ['ProduceMediaComplete', 'MediaConvertComplete', 'SnapshotComplete', 'Unknown']) {
    const callback = `{"EventType":"${event}","MessageBody":${message}}`;
    apply({ via: 'callback', api: null, asked: [], body: Buffer.from(callback) });
  }
}

function apply(receipt: ReadableReceipt): void {
  for (const meaning of interpret(receipt)) {
    if (meaning.kind === 'problem') continue;
    const now = new Date();
    const observation: Observation = {
      ...{ via: receipt.via, receiptId: JOB, number: 1, askedAt: now, receivedAt: now, seen: meaning.seen },
      kind: meaning.kind === 'speaks' && meaning.evidence ? 'evidence' : 'claim',
    };
    const rules = { outcomeInParts: true, batch: true, claimOnly: false };
    transition(newJob(now, 'poll'), observation, rules);
    const api = apiNamed(receipt.api ?? '');
    if (api) contractChanges(api.contract, meaning.seen);
    if (api?.inputs) namedBy(null, inputsIn(meaning.seen.document, api.inputs));
  }
}

function alertMessage(text: string): AlertMessage {
  return {
    ...{ reason: 'opened', dedupKey: text },
    alert: {
      ...{ id: JOB, rule: text, kind: 'job-failed', severity: 'warning', status: 'open', reason: text },
      ...{ account: text, api: text, template: text, error: { code: text, message: text }, failures: 2, jobs: 2 },
      ...{ firstSeenAt: '', lastSeenAt: '', openedAt: new Date(0).toISOString(), resolvedAt: null, url: null },
      labels: { [text]: text },
    },
    sample: [{ jobId: JOB, vendorJobId: text, name: text, subjobPath: text, error: text, url: null }],
    shared: [{ kind: 'url', value: text, failures: 2 }],
  };
}

const ACCOUNT = { callback: { authKeys: ['key'], signature: 'required' } } as unknown as Account;

const CLAIM = ['Status', 'State', 'ErrorCode', 'ErrorMessage', 'Code', 'Message', 'UserData', 'MediaURL', 'EventTime'];

function answersOf({ name, contract: { shape }, inputs = [] }: VendorApi): [string, Subject][] {
  const ids = { JobId: JOB, job_id: JOB };
  // Counted in the text, because lists and objects hold fields too.
  const fields = JSON.stringify(objectOf(shape, 0)).split(':0').length;
  const list = Object.entries(shape).find(([, field]) => Array.isArray(field))?.[0];
  const places = [...(list === undefined ? [] : [list]), ...inputs.map((place) => place.split('.')[0] ?? place)];
  return [
    [
      `an answer of ${name}`,
      text((text) => applyAnswer(name, JSON.stringify({ ...objectOf(shape, text), ...ids })), fields),
    ],
    ...places.map((place): [string, Subject] => [
      `${place} in an answer of ${name}`,
      documents((json) => applyAnswer(name, `{"JobId":"${JOB}","job_id":"${JOB}","${place}":${json}}`)),
    ]),
  ];
}

export const SUBJECTS: Record<string, Subject> = {
  'the grouping of errors': messages(normalizeError),
  'the values in an error': messages((message) => namedBy(message, [])),
  'the values in texts of inputs': messages((text) => namedBy(null, [{ Url: text, MediaIds: [text], Bucket: text }])),
  'the values in inputs': documents((json) => namedBy(null, [json, JSON.parse(json) as Json])),
  'messages about alerts': text((text) => {
    const message = messageText(alertMessage(text), 'en');
    plainText(message);
    slackBody(message);
    alertOf(alertMessage(text), { language: 'zh', repostIntervalMs: 1000 }, 0);
  }, 16),
  'a receipt that is shown': body((body) => bodyView(body, REDACT)),
  'bytes that are shown': body((body) => bodyView(Buffer.concat([body, Buffer.from([0xff])]), REDACT)),
  'what makes a callback': body((body) => callbackKey('media-cn', body)),
  'what makes an answer': body((body) => answerKey('media-cn', 'alibaba-ims/media-convert', [JOB], body)),
  'a callback of any content': body((body) => apply({ via: 'callback', api: null, asked: [], body })),
  'a callback about a job': text(
    (text) => applyCallback(JSON.stringify({ JobId: JOB, ...Object.fromEntries(CLAIM.map((name) => [name, text])) })),
    CLAIM.length,
  ),
  'a callback with a document in it': documents((json) =>
    applyCallback(`{"JobId":"${JOB}","UserData":${json},"Status":${json}}`),
  ),
  'an answer of any content': body((body) =>
    VENDOR_APIS.forEach(({ name }) => apply({ via: 'poll', api: name, asked: [JOB], body })),
  ),
  'a listing of any content': body((body) => apply({ via: 'list', api: 'alibaba-ims/media-convert', asked: [], body })),
  'a long listing': documents((json) =>
    apply({ via: 'list', api: 'alibaba-ims/media-convert', asked: [], body: Buffer.from(`{"Jobs":${json}}`) }),
  ),
  ...Object.fromEntries(VENDOR_APIS.flatMap(answersOf)),
  'secrets in an answer of /v1': body((body) => redacted(JSON.stringify({ text: body.toString() }), REDACT)),
  'what /v1 is asked': text((text) => {
    NewJob.safeParse({ account: text, api: text, vendorJobId: text, labels: { [text]: text } });
    JobListQuery.safeParse({ q: text, label: text, account: text, api: text, cursor: text, createdAfter: text });
    LookupQuery.safeParse({ ref: text });
    SilenceFilter.safeParse({ rule: text, account: text, alertId: text });
    NewKey.safeParse({ name: text, scope: text });
  }, 16),
  signatures: text((text) => verifySignature(ACCOUNT, [text], { timestamp: text, signature: text }, new Date())),
  'what vendors answer beside the body': text((text) => {
    retryAfterMs({ 'retry-after': text }, 0);
    imsErrorKindOf(text, 400);
    mpcErrorKindOf(text, 400);
    isTransient(Object.assign(new Error(text), { code: text }));
  }),
  'what is sent to vendors': text((text) => {
    const sent = text.toWellFormed();
    encodedQuery({ [sent]: [sent, encodedPath(sent)] });
  }, 3),
  'the order of parts': text((text) => comparePaths(text, `${text}1`)),
};
