import type { Account } from '../settings/settings.js';
import { hasToken, imsSignature, verifySignature } from './authenticate.js';

const ADDRESS = 'https://tracker.example.com/ims/callback';
const NOW = new Date(1_786_000_000_000);

function account(authKeys: string[], signature: 'required' | 'if-present' = 'required'): Account {
  return {
    name: 'media-cn',
    vendor: 'alibaba-ims',
    region: 'cn-shanghai',
    endpoint: 'https://ice.cn-shanghai.aliyuncs.com',
    credentials: null,
    callback: { tokens: ['0123456789abcdef', 'fedcba9876543210'], authKeys, signature },
    labelsFromUserData: [],
    projectId: null,
    discover: null,
    requestsPerSecond: 20,
  };
}

const signed = (key: string, at = 1_786_000_000, address = ADDRESS) => ({
  timestamp: String(at),
  signature: imsSignature(address, String(at), key),
});

describe('the signature of a callback', () => {
  it("is the MD5 of address, timestamp and key: the vendor's own example", () => {
    expect(imsSignature('https://www.example.com/your/callback', '1519375990', 'test123')).toBe(
      'c72b60894140fa98920f1279219b7ed4',
    );
    expect(imsSignature(ADDRESS, '1786000000', 'RotateMe123')).toBe('8f059321ef64823bf059a7dc4b1b0aee');
  });

  it('is taken with any of the keys of a rotation, in either case of letters', () => {
    const keys = account(['OldKey1', 'NewKey2']);
    for (const key of ['OldKey1', 'NewKey2']) {
      expect(verifySignature(keys, [ADDRESS], signed(key), NOW)).toEqual({ ok: true, verified: 'signature' });
    }
    const { timestamp, signature } = signed('NewKey2');
    expect(verifySignature(keys, [ADDRESS], { timestamp, signature: signature.toUpperCase() }, NOW).ok).toBe(true);
  });

  it('may cover the query or not', () => {
    const withQuery = `${ADDRESS}?a=1`;
    for (const address of [ADDRESS, withQuery]) {
      expect(verifySignature(account(['Key1']), [ADDRESS, withQuery], signed('Key1', undefined, address), NOW).ok).toBe(
        true,
      );
    }
  });

  it.each([
    ['missing', {}, 'signature_missing'],
    ['with another key', signed('Other1'), 'signature_wrong'],
    ['for another address', signed('Key1', 1_786_000_000, `${ADDRESS}/x`), 'signature_wrong'],
    ['301 s old', signed('Key1', 1_786_000_000 - 301), 'signature_expired'],
    ['301 s ahead', signed('Key1', 1_786_000_000 + 301), 'signature_expired'],
    [
      'with words for a timestamp',
      { timestamp: 'now', signature: imsSignature(ADDRESS, 'now', 'Key1') },
      'signature_expired',
    ],
  ])('is refused when it is %s', (_, headers, reason) => {
    const given = { timestamp: undefined, signature: undefined, ...headers };
    expect(verifySignature(account(['Key1']), [ADDRESS], given, NOW)).toEqual({ ok: false, reason });
  });

  it('may be missing, but not wrong, where it is only checked if present', () => {
    const lenient = account(['Key1'], 'if-present');
    expect(verifySignature(lenient, [ADDRESS], { timestamp: undefined, signature: undefined }, NOW).ok).toBe(true);
    expect(verifySignature(lenient, [ADDRESS], signed('Other1'), NOW).ok).toBe(false);
  });
});

describe('the token of a callback address', () => {
  it("is one of the account's tokens, whole", () => {
    expect(hasToken(account([]), '0123456789abcdef')).toBe(true);
    expect(hasToken(account([]), 'fedcba9876543210')).toBe(true);
    expect(hasToken(account([]), '0123456789abcde')).toBe(false);
    expect(hasToken(account([]), '')).toBe(false);
    expect(hasToken(undefined, '0123456789abcdef')).toBe(false);
  });
});
