import type { Account } from '../jobs/account-schemas.js';
import type { Alert, AlertEvent, AlertItem, RuleItem, Silence } from '../jobs/alert-schemas.js';
import type { CallbackHealth } from '../jobs/callback-health-schemas.js';
import type { EndpointDelivery, EndpointTest, EndpointView } from '../jobs/endpoint-schemas.js';
import type { HistoryEvent, Job, JobItem, Subjob, TrackedJobs } from '../jobs/job-schemas.js';
import type { Notification } from '../jobs/notification-schemas.js';
import type { Receipt, ReceiptItem } from '../jobs/receipt-schemas.js';
import type { ReceiverTest, ReceiverView } from '../jobs/receiver-schemas.js';

/** What the contract shows, checked by the compiler against the schemas it belongs to. */

const ID = '0199b5a0-0000-7000-8000-00000000000';
const BEGUN = '2024-12-07T13:01:07.000Z';
const ENDED = '2024-12-07T13:04:40.000Z';

const fault = { code: 'InvalidParameter.ResourceContentBad', message: 'The resource operated InputFile is bad' };

const item: JobItem = {
  id: `${ID}1`,
  account: 'media-cn',
  api: 'alibaba-ims/media-convert',
  vendorJobId: '4579b5e7a7b54ed1b0b5a3c2d1e0f9a8',
  status: 'partially_failed',
  vendorStatus: 'Complete',
  confirmed: true,
  outcomeKnown: true,
  contradicted: false,
  via: 'poll',
  progress: 100,
  name: 'job-1-20241205-102045',
  pipelineId: '83500c0f2d8d4f0b9e2a7c1d5e6f7a8b',
  templateId: null,
  labels: { tenant: 'acme' },
  error: fault,
  vendorError: fault,
  userData: { videoId: 'ddd333' },
  userDataRaw: '{"videoId":"ddd333"}',
  parentJobId: null,
  registered: true,
  callbackExpected: false,
  vendorCreatedAt: BEGUN,
  vendorFinishedAt: ENDED,
  createdAt: BEGUN,
  updatedAt: ENDED,
  terminalAt: ENDED,
  closedAt: null,
  nextPollAt: null,
  subjobCounts: { total: 2, succeeded: 1, failed: 1, skipped: 0 },
};

const part: Subjob = {
  id: `${ID}2`,
  parentId: null,
  path: 'output/0',
  kind: 'output',
  vendorSubjobId: '4215e0421f6b4b7c8d9e0a1b2c3d4e5f',
  name: '720P-mp4',
  position: 0,
  status: 'succeeded',
  vendorStatus: 'Success',
  error: null,
  vendorError: null,
  vendorCreatedAt: BEGUN,
  vendorFinishedAt: ENDED,
  outputs: [
    {
      id: `${ID}3`,
      url: 'oss://bucket/path/to/video.mp4',
      mediaId: '9066a1b2c3d4e5f60718293a4b5c6d7e',
      format: 'hls,applehttp',
      durationMs: 403040,
      sizeBytes: 31737,
      bitrateBps: 888563,
      width: 848,
      height: 478,
      streams: [
        {
          type: 'video',
          index: 0,
          codec: 'h264',
          profile: 'High',
          width: 848,
          height: 478,
          fps: 25,
          durationMs: 403040,
          bitrateBps: 888563,
          pixelFormat: 'yuv420p',
          rotateDegrees: 0,
          frames: 10040,
          language: 'cn',
          raw: { Index: '0', Codec_name: 'h264' },
        },
        {
          type: 'audio',
          index: 1,
          codec: 'aac',
          sampleFormat: 'fltp',
          sampleRateHz: 44100,
          channels: 2,
          channelLayout: 'stereo',
          bitrateBps: null,
          durationMs: 403040,
          language: 'cn',
          raw: { Index: '1', CodecName: 'aac' },
        },
      ],
    },
  ],
};

const failedPart: Subjob = {
  ...part,
  id: `${ID}4`,
  path: 'output/1',
  name: '1080P-mp4',
  position: 1,
  status: 'failed',
  vendorStatus: 'Fail',
  error: fault,
  vendorError: fault,
  outputs: [],
};

const job: Job = { ...item, outputs: [], subjobs: [part, failedPart], notes: [] };

const receiptItem: ReceiptItem = {
  id: `${ID}5`,
  account: 'media-cn',
  via: 'callback',
  api: null,
  asked: [],
  verified: 'signature',
  httpStatus: null,
  contentType: 'application/json',
  receivedAt: ENDED,
  sizeBytes: 49,
  state: 'unmatched',
  reason: 'names no job',
  expired: false,
};

const body = { EventType: 'MediaConvertComplete', MessageBody: {} };
const receipt: Receipt = {
  ...receiptItem,
  seen: 2,
  jobIds: [],
  bodyEncoding: 'text',
  body: JSON.stringify(body),
  json: body,
};

const event: HistoryEvent = {
  sequence: 2,
  kind: 'job.status',
  subjobId: null,
  from: 'running',
  to: 'partially_failed',
  via: 'poll',
  vendorAt: ENDED,
  recordedAt: ENDED,
  receiptId: `${ID}6`,
  detail: { confirmed: true, vendorStatus: 'Complete' },
};

const account: Account = {
  name: 'media-cn',
  vendor: 'alibaba-ims',
  region: 'cn-shanghai',
  claimOnly: false,
  callbackUrls: ['https://callsheet.example.com/callbacks/media-cn/***'],
  budgets: [
    {
      api: 'alibaba-ims/media-convert',
      requestsPerSecond: 20,
      currentRate: 20,
      throttledAt: null,
      paused: null,
      clockSkewMs: null,
    },
  ],
  discovery: [
    {
      api: 'alibaba-ims/media-convert',
      state: 'waiting',
      from: '2024-12-07T12:01:07.000Z',
      to: BEGUN,
      pages: 3,
      listed: 245,
      found: 2,
      startedAt: BEGUN,
      finishedAt: '2024-12-07T13:01:08.000Z',
      nextAt: '2024-12-07T13:11:08.000Z',
      error: null,
    },
  ],
  refusedCallbacks: { token: 2 },
};

const callbackHealth: CallbackHealth = {
  account: 'media-cn',
  api: 'alibaba-ims/media-producing',
  hour: '2024-12-07T13:00:00.000Z',
  due: 1000,
  late: 3,
  lost: 12,
  share: 0.012,
  interval: [0.006878, 0.020857],
};

const receiver: ReceiverView = {
  name: 'on-call',
  type: 'dingtalk',
  language: 'zh',
  severities: ['warning', 'critical'],
  waiting: 1,
  waitingSince: ENDED,
  lastError: 'did not answer within 10 s',
};

const receiverTest: ReceiverTest = {
  delivered: false,
  status: 200,
  answer: '{"errcode":310000,"errmsg":"sign not match"}',
  error: 'refused: {"errcode":310000,"errmsg":"sign not match"}',
  durationMs: 84,
};

const notification: Notification = {
  id: `${ID}7`,
  receiver: 'on-call',
  alertId: `${ID}8`,
  dedupKey: `${ID}8/1`,
  reason: 'opened',
  status: 'delivered',
  attempts: 2,
  nextAttemptAt: null,
  createdAt: BEGUN,
  attemptedAt: ENDED,
  settledAt: ENDED,
  lastStatus: 200,
  lastError: null,
  answer: '{"errcode":0,"errmsg":"ok"}',
};

const endpoint: EndpointView = {
  name: 'orders',
  url: 'https://orders.example.com/callsheet',
  events: ['job.succeeded', 'job.failed'],
  filter: { account: ['media-cn'], label: ['tenant:acme'] },
  waiting: 1,
  waitingSince: ENDED,
  lastError: 'answered 500: out of order',
};

const endpointTest: EndpointTest = {
  delivered: true,
  status: 204,
  answer: '',
  error: null,
  durationMs: 84,
};

const endpointDelivery: EndpointDelivery = {
  id: `${ID}7`,
  type: 'job.succeeded',
  jobId: `${ID}1`,
  status: 'pending',
  attempts: 1,
  nextAttemptAt: ENDED,
  createdAt: BEGUN,
  attemptedAt: BEGUN,
  settledAt: null,
  lastStatus: 500,
  lastError: 'answered 500: out of order',
  answer: 'out of order',
};

const alertItem: AlertItem = {
  id: `${ID}7`,
  rule: 'subjob-failed',
  kind: 'subjob-failed',
  severity: 'warning',
  status: 'open',
  silenceId: null,
  account: 'media-cn',
  api: 'alibaba-ims/batch-media-producing',
  template: null,
  reason: 'a part of a job failed',
  error: { code: 'InvalidMaterial.NotFound', message: 'The specified clips id not found:["<id>"]' },
  labels: { team: 'shorts' },
  failures: 20,
  jobs: 4,
  opening: 1,
  firstSeenAt: BEGUN,
  lastSeenAt: ENDED,
  openedAt: BEGUN,
  acknowledgedAt: null,
  resolvedAt: null,
  resolvedBy: null,
};

const opened: AlertEvent = {
  at: BEGUN,
  kind: 'opened',
  actor: 'rule subjob-failed',
  receiver: null,
  detail: 'a part of a job failed',
};
const told: AlertEvent = { at: ENDED, kind: 'told', actor: null, receiver: 'on-call', detail: 'opened' };

const alert: Alert = {
  ...alertItem,
  sample: [
    {
      jobId: `${ID}1`,
      vendorJobId: 'b6b2750d4308892ac33302380001',
      name: null,
      subjobPath: 'batch_item/8e81933d44e3ae69e2f814850002',
      error: 'The specified clips id not found:["30d0b5e871eebb2ff7f6c75a0001"]',
    },
  ],
  shared: [{ kind: 'clip', value: '30d0b5e871eebb2ff7f6c75a0001', failures: 20 }],
  receivers: [{ name: 'on-call', toldAt: ENDED, nextAt: '2024-12-07T17:04:40.000Z' }],
  history: [told, opened],
};

const silence: Silence = {
  id: `${ID}8`,
  filter: { account: ['media-cn'], rule: ['subjob-failed'] },
  author: 'mei',
  reason: 'the archive bucket is being moved',
  createdAt: BEGUN,
  endsAt: '2024-12-07T18:00:00.000Z',
  endedAt: null,
  endedBy: null,
};

const rule: RuleItem = {
  name: 'failing-template',
  on: 'failure-share',
  severity: 'critical',
  forMs: 0,
  labels: {},
  filter: { account: ['media-cn'] },
  receivers: ['on-call'],
  windowMs: 3_600_000,
  minimum: 20,
  above: 0.1,
};

const trackedJobs: TrackedJobs = {
  results: [
    { status: 201, job: item },
    {
      status: 400,
      problem: {
        type: 'urn:callsheet:problem:invalid_input',
        title: 'Bad Request',
        status: 400,
        detail: 'What was sent cannot be used; see errors',
        errors: [{ path: 'jobs[1].account', message: 'there is no account media-us' }],
      },
    },
  ],
};

export const examples = {
  job,
  jobList: { data: [item], nextCursor: null },
  trackedJobs,
  history: { data: [event], nextCursor: null },
  receipt,
  receiptList: { data: [receiptItem], nextCursor: null },
  callbackHealthList: { data: [callbackHealth], nextCursor: null },
  receiverList: { data: [receiver], nextCursor: null },
  receiverTest,
  notificationList: { data: [notification], nextCursor: null },
  endpointList: { data: [endpoint], nextCursor: null },
  endpointTest,
  endpointDeliveryList: { data: [endpointDelivery], nextCursor: null },
  alert,
  alertList: { data: [alertItem], nextCursor: null },
  alertHistory: { data: [opened, told], nextCursor: null },
  silence,
  silenceList: { data: [silence], nextCursor: null },
  ruleList: { data: [rule], nextCursor: null },
  accountList: { data: [account], nextCursor: null },
};
