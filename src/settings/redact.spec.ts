import { redactor } from './redact.js';

describe('redaction', () => {
  const secret = 'AKSECRETFINDME/+"x';
  const redact = redactor([secret, 'AKSECRETFINDME']);

  it.each([
    ['as it is', secret],
    ['in JSON', JSON.stringify({ key: secret })],
    ['in JSON in JSON', JSON.stringify({ userData: JSON.stringify({ key: secret }) })],
    ['in a URL', `https://a.example/?token=${encodeURIComponent(secret)}`],
    ['twice', `${secret} and ${secret}`],
  ])('hides a secret %s', (_, text) => {
    expect(redact(text)).toContain('***');
    expect(redact(text)).not.toContain('AKSECRETFINDME');
    expect(redact(text)).not.toContain('/+');
  });

  it('leaves everything else alone', () => {
    expect(redact('nothing to see')).toBe('nothing to see');
    expect(redactor([])('nothing to hide')).toBe('nothing to hide');
    expect(redactor(['a', ''])('abc')).toBe('abc');
  });
});
