import { draw, type Draw } from '../emulator/draw.js';
import { callbackBody } from '../emulator/ims-callback.js';
import type { Life } from '../emulator/kinds/kind.js';
import { mediaConvert } from '../emulator/kinds/media-convert.js';
import { mediaProducing } from '../emulator/kinds/media-producing.js';

/** Stands in templates where a job's id goes; as long as one. */
export const JOB_ID_PLACE = '_'.repeat(32);

const LIFE: Life = {
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

function tenant(random: Draw): Record<string, string> {
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
  /** The final answer about job `n`, no id of which occurs in another one's. */
  answer(n: number): { vendorJobId: string; body: Buffer };
};

export function producingAnswers(): AnswerKind {
  const templates = Array.from({ length: VARIETY }, (_, i) => {
    const order = { vendorJobId: JOB_ID_PLACE, userData: JSON.stringify(tenant(draw('user', i))) };
    const plan = mediaProducing.plan(draw('producing', i), { ...order, outcome: 'succeeded' });
    return answerTemplate(draw('request', i), 'MediaProducingJob', plan.document(LIFE, LIFE.endsAt));
  });
  return { api: mediaProducing.api, shape: '1 output', answer: (n) => personal(templates, n) };
}

/** 4 subjobs (two outputs, a group, its one output), 3 outputs, 6 streams: drawn until the dice fall so. */
export function convertAnswers(): AnswerKind {
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
  return { api: mediaConvert.api, shape, answer: (n) => personal(templates, n) };
}

function answerTemplate(random: Draw, root: string, document: object): string {
  return JSON.stringify({ RequestId: random.uuid().toUpperCase(), [root]: document });
}

/** Every id of the template (32 hexadecimal digits, or a UUID) becomes the job's own. */
function personal(templates: string[], n: number): { vendorJobId: string; body: Buffer } {
  const tail = n.toString(16).padStart(8, '0');
  const vendorJobId = `b0b0b0b0b0b0b0b0b0b0b0b0${tail}`;
  const text = (templates[n % templates.length] ?? '')
    .replaceAll(JOB_ID_PLACE, vendorJobId)
    .replace(/\b([0-9a-f]{24})[0-9a-f]{8}\b/g, `$1${tail}`)
    .replace(/\b([0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{4})[0-9A-F]{8}\b/g, `$1${tail.toUpperCase()}`);
  return { vendorJobId, body: Buffer.from(text) };
}
