import { randomBytes } from 'node:crypto';
import type { Account } from '../emulator.js';

type Common = Account & { name: string; region: string };
export type ImsAccount = Common & { vendor: 'alibaba-ims'; token: string; callbackAuthKey: string; discover: boolean };
export type HuaweiAccount = Common & { vendor: 'huawei-mpc'; projectId: string };
export type DemoAccount = ImsAccount | HuaweiAccount;

/** Often enough to be seen at work. */
const DISCOVER = { every: '30s', window: '1d' };

/** Two regions of one cloud, the first of them listed for jobs that nobody announced, and one region of another. */
export function demoAccounts(): DemoAccount[] {
  return [
    imsAccount('media-cn', 'cn-shanghai', true),
    imsAccount('media-sg', 'ap-southeast-1', false),
    {
      vendor: 'huawei-mpc',
      name: 'clips-cn-north',
      region: 'cn-north-4',
      projectId: randomBytes(16).toString('hex'),
      ...keys(),
    },
  ];
}

function imsAccount(name: string, region: string, discover: boolean): ImsAccount {
  return {
    vendor: 'alibaba-ims',
    name,
    region,
    discover,
    ...keys(),
    callbackAuthKey: randomBytes(12).toString('hex'),
    token: randomBytes(12).toString('hex'),
  };
}

function keys() {
  return { accessKeyId: `demo${randomBytes(8).toString('hex')}`, accessKeySecret: randomBytes(16).toString('hex') };
}

/** The account as the tracker's `callsheet.yaml` has it. */
export function configurationOf(account: DemoAccount, endpoint: string): Record<string, unknown> {
  const { name, vendor, region, accessKeyId, accessKeySecret } = account;
  const common = { name, vendor, region, endpoint, accessKeyId, accessKeySecret };
  if (account.vendor === 'huawei-mpc') return { ...common, projectId: account.projectId, requestsPerMinute: 80 };
  return {
    ...common,
    callback: { tokens: [account.token], authKeys: [account.callbackAuthKey] },
    labelsFromUserData: ['tenant', 'videoId'],
    ...(account.discover && { discover: DISCOVER }),
  };
}
