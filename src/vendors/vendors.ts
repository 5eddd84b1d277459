import type { Vendor } from '../domain/vendor.js';
import { imsEventCallback } from './alibaba/event-callback.js';
import { ImsClient } from './alibaba/ims-client.js';
import { mpcEndpointOf } from './huawei/endpoints.js';
import { MpcClient } from './huawei/mpc-client.js';
import type { EventCallback } from './event-callback.js';
import type { Connection, VendorClient } from './vendor-client.js';

/** What is particular to a vendor rather than to one of its job APIs. */
type VendorFamily = {
  /** Where jobs of a region are asked for; null: not known, it must be configured. */
  endpointOf(region: string): string | null;
  connect(connection: Connection): VendorClient;
  /** null: no such setting, or nobody calls back. */
  eventCallback: EventCallback | null;
};

const FAMILIES: Record<Vendor, VendorFamily> = {
  'alibaba-ims': {
    endpointOf: (region) => `https://ice.${region}.aliyuncs.com`,
    connect: (connection) => new ImsClient(connection),
    eventCallback: imsEventCallback,
  },
  'huawei-mpc': {
    endpointOf: mpcEndpointOf,
    connect: (connection) => new MpcClient(connection),
    eventCallback: null,
  },
};

export function endpointOf(vendor: Vendor, region: string): string | null {
  return FAMILIES[vendor].endpointOf(region);
}

export function connect(vendor: Vendor, connection: Connection): VendorClient {
  return FAMILIES[vendor].connect(connection);
}

export function eventCallbackOf(vendor: Vendor): EventCallback | null {
  return FAMILIES[vendor].eventCallback;
}
