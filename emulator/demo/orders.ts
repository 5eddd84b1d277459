import { draw as drawBy, type Draw } from '../draw.js';
import type { Api, SubmitOptions } from '../emulator.js';

const LASTS_MS = { least: 9_000, most: 84_000 };
const WAITS_MS = { least: 1_000, most: 6_000 };
const PARTLY_FAILED = 0.12;
const OTHER_SCRIPTS = 0.15;
const TITLES = ['世界杯集锦', '早间新闻', '新品开箱', '旅行日记', '예고편', 'été-à-la-mer'] as const;
const SUBJOBS = { least: 3, most: 12 };
/** What batches do now and then: say nothing but an error, finish before their subjobs do, make fewer than announced. */
const BATCHES = { error: 0.06, open: 0.3, missing: 0.15 };
/** What usually goes wrong: jobs of one kind fail for one reason, as a rule, and so are one alert. */
const USUAL: Record<Api, NonNullable<SubmitOptions['error']>> = {
  'alibaba-ims/batch-media-producing': {
    code: 'ExceededMaximumValue',
    message: 'The specified "Width_Height" has exceeded maximum value.',
  },
  'alibaba-ims/media-producing': { code: 'ResourceNotFound', message: 'The specified resource is not found.' },
  'alibaba-ims/media-convert': {
    code: 'InvalidParameter.ResourceContentBad',
    message: 'The resource operated "InputFile" is bad',
  },
  'alibaba-ims/dynamic-image': {
    code: 'ResourceNotFound',
    message: 'The specified resource for "CustomTemplate" could not be found.',
  },
  'alibaba-ims/snapshot': {
    code: 'InvalidParameter.ResourceContentBad',
    message: 'The resource operated "InputFile" is bad',
  },
  'huawei-mpc/editing': { code: 'MPC.10209', message: 'The OBS path of the input or output file is invalid.' },
};

/** Short enough to watch, with parts that fail more often than they should, and titles in several scripts. */
export function shaped(order: SubmitOptions, drawn: Draw): SubmitOptions {
  const lasts = LASTS_MS.least * (LASTS_MS.most / LASTS_MS.least) ** drawn.next();
  const partlyFailed = drawn.happens(PARTLY_FAILED);
  const title = drawn.happens(OTHER_SCRIPTS) ? `${drawn.pick(TITLES)}-${drawn.int(1, 99)}` : order.name;
  return {
    ...order,
    name: title,
    queueMs: drawn.between(WAITS_MS.least, WAITS_MS.most),
    durationMs: lasts,
    error: USUAL[order.api],
    // The customers of a kind share a template.
    templateId: drawBy('template', order.api).hex(32),
    ...(order.api === 'alibaba-ims/media-convert' && partlyFailed && { outcome: 'partially_failed' }),
    ...(order.api === 'alibaba-ims/batch-media-producing' && batch(drawn, partlyFailed)),
  };
}

function batch(drawn: Draw, partlyFailed: boolean): Partial<SubmitOptions> {
  if (partlyFailed) return { outcome: 'partially_failed', ...sizes(drawn) };
  return drawn.happens(BATCHES.error) ? { batchError: true } : sizes(drawn);
}

function sizes(drawn: Draw): Partial<SubmitOptions> {
  return {
    subjobs: drawn.int(SUBJOBS.least, SUBJOBS.most),
    ...(drawn.happens(BATCHES.open) && { openSubjobs: drawn.int(1, 3) }),
    ...(drawn.happens(BATCHES.missing) && { missingSubjobs: drawn.int(1, 3) }),
  };
}
