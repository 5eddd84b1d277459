import type { JobKind } from './kind.js';
import { dynamicImage } from './dynamic-image.js';
import { mediaConvert } from './media-convert.js';
import { mediaProducing } from './media-producing.js';

/** A new job kind is its own file and one line here. */
export const KINDS = {
  'alibaba-ims/media-producing': mediaProducing,
  'alibaba-ims/media-convert': mediaConvert,
  'alibaba-ims/dynamic-image': dynamicImage,
} as const satisfies Record<string, JobKind>;

export type Api = keyof typeof KINDS;

export const APIS = Object.keys(KINDS) as [Api, ...Api[]];
