import { withoutTrailing } from './text.js';

it.each([
  ['https://a.example//', '/', 'https://a.example'],
  ['oss://b/x.mp4.,:;', '.,:;', 'oss://b/x.mp4'],
  ['a/b', '/', 'a/b'],
  ['///', '/', ''],
  ['', '/', ''],
])('"%s" without trailing "%s"', (text, characters, expected) => {
  expect(withoutTrailing(text, characters)).toBe(expected);
});
