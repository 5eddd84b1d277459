import { draw, type Draw } from '../emulator/draw.js';
import { callbackBody } from '../emulator/ims-callback.js';
import { batchMediaProducing } from '../emulator/kinds/batch-media-producing.js';
import { dynamicImage } from '../emulator/kinds/dynamic-image.js';
import { huaweiEditing } from '../emulator/kinds/huawei-editing.js';
import type { JobKind, Life, Order } from '../emulator/kinds/kind.js';
import { mediaConvert } from '../emulator/kinds/media-convert.js';
import { mediaProducing } from '../emulator/kinds/media-producing.js';

/** Stands in templates where a job's id goes; as long as one. */
export const JOB_ID_PLACE = '_'.repeat(32);

export const LIFE: Life = {
  submittedAt: Date.UTC(2026, 10, 20, 8, 0, 0),
  startsAt: Date.UTC(2026, 10, 20, 8, 0, 4),
  endsAt: Date.UTC(2026, 10, 20, 8, 1, 0),
};
const WORDS = [
  'autumn',
  'campaign',
  'vertical',
  'cut',
  'subtitled',
  'voice-over',
  'draft',
  'final',
  'review',
  'clip',
] as const;
const VARIETY = 64;

/** What the callbacks speak of. */
export const CALLBACK_API = mediaProducing.api;

/** `ProduceMediaComplete` callbacks of exactly `bytes` bytes, no two alike, each with `JOB_ID_PLACE` for the job. */
export function callbackTemplates(bytes: number): string[] {
  return Array.from({ length: 4 * VARIETY }, (_, i) => {
    const missing = bytes - callbackTemplate(i, '').length;
    return callbackTemplate(i, prose(draw('note', i), missing));
  });
}

/** People put what their own systems need into the user data, which is most of a callback. */
function callbackTemplate(i: number, note: string): string {
  const userData = JSON.stringify({ ...tenant(draw('user', i)), note });
  const order = { vendorJobId: JOB_ID_PLACE, userData, outcome: 'succeeded' } as const;
  const [event] = mediaProducing.plan(draw('callback', i), order).callbacks(LIFE);
  if (!event) throw new Error('a producing job calls back once');
  return callbackBody(event, '1234567890123456', event.at);
}

export function tenant(random: Draw): Record<string, string> {
  return { NotifyAddress: 'https://callsheet.example/callbacks/bench/', batch: random.hex(16), shop: random.hex(8) };
}

function prose(random: Draw, length: number): string {
  let text = '';
  while (text.length < length) text += `${random.pick(WORDS)} ${random.hex(4)} `;
  return text.slice(0, length);
}

/** A kind of job for the apply benchmark: final Get answers of one shape. */
export type AnswerKind = {
  api: string;
  shape: string;
  /** How much work one job is, in jobs of the simplest kind: so many fewer are enough to measure. */
  weight: number;
  jobsPerAnswer: number;
  /** The `n`-th answer, no id of which occurs in another one. */
  answer(n: number): { vendorJobIds: string[]; body: Buffer };
};

/** One kind after the other, from the simplest to a batch as large as they come. */
export function answerKinds(): AnswerKind[] {
  return [
    imsAnswers({ kind: mediaProducing, root: 'MediaProducingJob', shape: '1 output' }),
    imsAnswers({ kind: dynamicImage, root: 'DynamicImageJob', shape: '1 output' }),
    editingAnswers(),
    convertAnswers(),
    batchAnswers(10),
    batchAnswers(1000),
  ];
}

type Shaped = { kind: JobKind; root: string; shape: string; weight?: number; order?: Partial<Order>; variety?: number };

function imsAnswers({ kind, root, shape, weight = 1, order, variety = VARIETY }: Shaped): AnswerKind {
  const templates = Array.from({ length: variety }, (_, i) => {
    const userData = JSON.stringify(tenant(draw('user', i)));
    const plan = kind.plan(draw(kind.api, i), { vendorJobId: JOB_ID_PLACE, userData, outcome: 'succeeded', ...order });
    return answerTemplate(draw('request', i), root, plan.document(LIFE, LIFE.endsAt));
  });
  return { api: kind.api, shape, weight, jobsPerAnswer: 1, answer: (n) => personal(templates, n) };
}

function batchAnswers(subjobs: number): AnswerKind {
  return imsAnswers({
    kind: batchMediaProducing,
    root: 'EditingBatchJob',
    shape: `${subjobs.toLocaleString('en-US')} subjobs and outputs`,
    weight: subjobs / 2,
    order: { subjobs, openSubjobs: 0 },
    variety: Math.max(1, Math.round(VARIETY / subjobs)),
  });
}

const IDS_PER_CALL = 10;

/** Ten jobs an answer, as they are asked for. */
function editingAnswers(): AnswerKind {
  const templates = Array.from({ length: VARIETY }, (_, i) => {
    const order = { vendorJobId: JOB_ID_PLACE, userData: '' };
    const plan = huaweiEditing.plan(draw('editing', i), { ...order, outcome: 'succeeded' });
    return JSON.stringify(plan.document(LIFE, LIFE.endsAt));
  });
  return {
    api: huaweiEditing.api,
    shape: '1 output, 2 streams, 10 an answer',
    weight: 1,
    jobsPerAnswer: IDS_PER_CALL,
    answer: (n) => {
      const vendorJobIds = Array.from({ length: IDS_PER_CALL }, (_, k) => String(10_000_000 + n * IDS_PER_CALL + k));
      const jobs = vendorJobIds.map((id, k) =>
        (templates[(n + k) % templates.length] ?? '').replaceAll(JOB_ID_PLACE, id),
      );
      return { vendorJobIds, body: Buffer.from(`{"job_array":[${jobs.join(',')}]}`) };
    },
  };
}

/** 4 subjobs (two outputs, a group, its one output), 3 outputs, 6 streams: drawn until the dice fall so. */
function convertAnswers(): AnswerKind {
  const templates: string[] = [];
  for (let i = 0; templates.length < VARIETY; i++) {
    const order = { vendorJobId: JOB_ID_PLACE, userData: JSON.stringify(tenant(draw('user', i))) };
    const plan = mediaConvert.plan(draw('convert', i), { ...order, outcome: 'succeeded', outputs: 2, groups: 1 });
    const document = plan.document(LIFE, LIFE.endsAt);
    const template = answerTemplate(draw('request', i), 'Job', document);
    const streams = template.match(/"(Codec_name|CodecName)":/g)?.length ?? 0;
    if (plan.expectedSubjobs.length === 4 && streams === 6) templates.push(template);
  }
  const shape = '4 subjobs, 3 outputs, 6 streams';
  return { api: mediaConvert.api, shape, weight: 1, jobsPerAnswer: 1, answer: (n) => personal(templates, n) };
}

function answerTemplate(random: Draw, root: string, document: object): string {
  return JSON.stringify({ RequestId: random.uuid().toUpperCase(), [root]: document });
}

/** Every id of the template (32 hexadecimal digits, or a UUID) becomes the job's own. */
export function personal(templates: string[], n: number): { vendorJobIds: string[]; body: Buffer } {
  const tail = n.toString(16).padStart(8, '0');
  const vendorJobId = `b0b0b0b0b0b0b0b0b0b0b0b0${tail}`;
  const text = (templates[n % templates.length] ?? '')
    .replaceAll(JOB_ID_PLACE, vendorJobId)
    .replace(/\b([0-9a-f]{24})[0-9a-f]{8}\b/g, `$1${tail}`)
    .replace(/\b([0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{4})[0-9A-F]{8}\b/g, `$1${tail.toUpperCase()}`);
  return { vendorJobIds: [vendorJobId], body: Buffer.from(text) };
}
