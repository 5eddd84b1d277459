import type { JobKind } from './kind.js';
import type { ImsKind } from './ims-kind.js';
import { batchMediaProducing } from './batch-media-producing.js';
import { dynamicImage } from './dynamic-image.js';
import { huaweiEditing } from './huawei-editing.js';
import { mediaConvert } from './media-convert.js';
import { mediaProducing } from './media-producing.js';
import { snapshot } from './snapshot.js';

/** A new job kind is its own file and one line here. */
export const KINDS = {
  'alibaba-ims/media-producing': mediaProducing,
  'alibaba-ims/media-convert': mediaConvert,
  'alibaba-ims/dynamic-image': dynamicImage,
  'alibaba-ims/snapshot': snapshot,
  'alibaba-ims/batch-media-producing': batchMediaProducing,
  'huawei-mpc/editing': huaweiEditing,
} as const satisfies Record<string, JobKind>;

export type Api = keyof typeof KINDS;

export const APIS = Object.keys(KINDS) as [Api, ...Api[]];

export const IMS_KINDS = Object.values<JobKind>(KINDS).filter((kind): kind is ImsKind => kind.vendor === 'alibaba-ims');
