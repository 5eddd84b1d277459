import { encodedPath, encodedQuery } from './rfc3986.js';

describe('what is signed and sent of an address', () => {
  it('is encoded as RFC 3986 says', () => {
    expect(encodedQuery({ 'a b': "é+!'()*~-._/" })).toBe('a%20b=%C3%A9%2B%21%27%28%29%2A~-._%2F');
    expect(encodedPath('/v2/a b/*')).toBe('/v2/a%20b/%2A');
  });

  it('has its parameters sorted by name, then by value, as text', () => {
    expect(encodedQuery({ b: '1', a: ['2', '10'], 'a-': '0' })).toBe('a=10&a=2&a-=0&b=1');
  });
});
