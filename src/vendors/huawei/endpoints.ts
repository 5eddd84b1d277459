/** From the region table of the vendor's SDK (`MpcRegion`); the oldest region kept the service's former name. */
const HOSTS: Record<string, string> = {
  'cn-north-1': 'mts.cn-north-1.myhuaweicloud.com',
  'cn-north-4': 'mpc.cn-north-4.myhuaweicloud.com',
  'cn-east-2': 'mpc.cn-east-2.myhuaweicloud.com',
  'cn-east-3': 'mpc.cn-east-3.myhuaweicloud.com',
  'cn-south-1': 'mpc.cn-south-1.myhuaweicloud.com',
  'ap-southeast-3': 'mpc.ap-southeast-3.myhuaweicloud.com',
};

/** null: not in the table, and a host must not be guessed from a region. */
export function mpcEndpointOf(region: string): string | null {
  const host = Object.hasOwn(HOSTS, region) ? HOSTS[region] : undefined;
  return host === undefined ? null : `https://${host}`;
}
