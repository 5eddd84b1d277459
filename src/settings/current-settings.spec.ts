import { CurrentSettings } from './current-settings.js';
import { loadSettings } from './load-settings.js';
import type { Account, Settings } from './settings.js';

function settings(secret: string, token: string): Settings {
  const account: Account = {
    name: 'media-cn',
    vendor: 'alibaba-ims',
    region: 'cn-shanghai',
    endpoint: 'https://ice.cn-shanghai.aliyuncs.com',
    credentials: { accessKeyId: `${secret}-id`, accessKeySecret: secret },
    callback: { tokens: [token], authKeys: [], signature: 'required' },
    labelsFromUserData: [],
    projectId: null,
    discover: null,
    requestsPerSecond: 20,
  };
  return { ...loadSettings({}, '/nonexistent'), accounts: [account] };
}

describe('the settings in force', () => {
  it('hide secrets that are in force and those that were', () => {
    const current = new CurrentSettings(settings('first-secret', 'first-token-0123456789'));
    current.replace(settings('second-secret', 'second-token-0123456789'));

    const text = 'first-secret second-secret first-token-0123456789 second-token-0123456789';
    expect(current.redact(text)).toBe('*** *** *** ***');
    expect(current.redactForAdmin(text)).toBe('*** *** first-token-0123456789 second-token-0123456789');
  });

  it('know accounts as they are now', () => {
    const current = new CurrentSettings(settings('first-secret', 'first-token-0123456789'));
    current.replace({ ...current.value, accounts: [] });
    expect(current.account('media-cn')).toBeUndefined();
    expect(current.canAsk('media-cn')).toBe(false);
  });
});
