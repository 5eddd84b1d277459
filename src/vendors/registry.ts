import { batchMediaProducing } from './alibaba/batch-media-producing.js';
import { dynamicImage } from './alibaba/dynamic-image.js';
import { mediaConvert } from './alibaba/media-convert.js';
import { mediaProducing } from './alibaba/media-producing.js';
import { snapshot } from './alibaba/snapshot.js';
import { editing } from './huawei/editing.js';
import type { Vendor } from '../domain/vendor.js';
import type { VendorApi } from './vendor-api.js';

/** Every vendor job API that Callsheet tracks. */
export const VENDOR_APIS: readonly VendorApi[] = [
  batchMediaProducing,
  mediaProducing,
  mediaConvert,
  dynamicImage,
  snapshot,
  editing,
];

export const API_NAMES = VENDOR_APIS.map((api) => api.name);

const BY_NAME = new Map(VENDOR_APIS.map((api) => [api.name, api]));

export function apiNamed(name: string): VendorApi | undefined {
  return BY_NAME.get(name);
}

/** The API of the batches whose parts are jobs of `api`. */
export function batchApiOf(api: string): VendorApi | undefined {
  return VENDOR_APIS.find(({ subjobApi }) => subjobApi === api);
}

export function apisOf(vendor: Vendor): VendorApi[] {
  return VENDOR_APIS.filter((api) => api.vendor === vendor);
}
