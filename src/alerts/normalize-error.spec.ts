import { fingerprintOf, normalizeError } from './normalize-error.js';

it.each([
  ['The specified clips id not found:["30d0b5e871eebb2ff7f6c75a0001"]', 'The specified clips id not found:["<id>"]'],
  [
    'The specified clips id not found:["30d0b5e871eebb2ff7f6c75a0001", "9d2e3f0ac2a34e0c8d7b0001"]',
    'The specified clips id not found:["<id>"]',
  ],
  ['The resource operated "InputFile" is bad', 'The resource operated "InputFile" is bad'],
  [
    'The specified "Width_Height" has exceeded maximum value.',
    'The specified "Width_Height" has exceeded maximum value.',
  ],
  ['cannot read oss://bucket-7/in/a.mp4: 404', 'cannot read <url> <n>'],
  [
    'download http://a.oss-cn-shanghai.aliyuncs.com/x.mp4 failed after 3 tries',
    'download <url> failed after <n> tries',
  ],
  ['timeout of media.example.com:443 (10.1.2.3:80)', 'timeout of <host> (<host>)'],
  ['job 0199b5a0-1111-7000-8000-000000000001 took 12.5 s', 'job <id> took <n> s'],
  ['cannot open in/2024/a-1.mp4', 'cannot open <path>'],
  ['素材 ****4d7cf14dc7b83b0e801c**** 不存在', '素材 <id> 不存在'],
  ['  two\n lines ', 'two lines'],
  ['<30d0b5e871-eebb2ff7f6c75a0001> a-1 +1 x+1 1-2 1.2.3', '<30d0b5e871-<id>> a-<n> <n> x+<n> <n>-<n> <n>.<n>'],
  ['a//b/c.mp4 </a.b2> my_b.x.com a..com x.com_y', 'a/<path> </a.b2> my_b.<host> a..com x.com_y'],
  ['1http://a _http://b a.b+http://c', '1http://a _http://b <url>'],
])('%s', (message, expected) => {
  expect(normalizeError(message)).toBe(expected);
});

it('is cut without breaking a character in two', () => {
  expect(normalizeError('😀'.repeat(400))?.isWellFormed()).toBe(true);
  expect(normalizeError(`x${'😀'.repeat(400)}`)?.isWellFormed()).toBe(true);
});

it('has nothing to say about no message', () => expect(normalizeError(null)).toBeNull());

it('keeps groups apart by rule, account, API, template and code', () => {
  const group = { rule: 'r', account: 'a', api: 'v/k', template: null, code: 'C', message: 'm' };
  const others = [
    { ...group, rule: 'x' },
    { ...group, account: 'x' },
    { ...group, api: 'x' },
    { ...group, template: 'x' },
    { ...group, code: 'x' },
    { ...group, message: 'x' },
  ];
  expect(new Set([group, ...others].map(fingerprintOf)).size).toBe(7);
  expect(fingerprintOf(group)).toBe(fingerprintOf({ ...group }));
  expect(fingerprintOf(group)).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
});
