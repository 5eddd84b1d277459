import { spanOf } from './job-words.js';
import { cut, plain, widthOf } from './text.js';

describe('text on a terminal', () => {
  it.each([
    ['abc', 3],
    ['世界杯', 6],
    ['e\u0301te\u0301', 3],
    ['👨‍👩‍👧', 2],
    ['｢ｱ｣', 3],
    ['✓ ✗ ━ ● ○', 9],
  ])('%s takes %i columns', (text, width) => expect(widthOf(text)).toBe(width));

  it.each([
    ['abcdef', 4, 'abc…'],
    ['abcd', 4, 'abcd'],
    ['世界杯集锦', 6, '世界…'],
    ['世界杯集锦', 7, '世界杯…'],
    ['abc', 0, ''],
    ['abc', 1, '…'],
  ])('%s cut to %i is %s', (text, width, expected) => expect(cut(text, width)).toBe(expected));

  it('holds nothing that a terminal obeys', () => {
    expect(plain('a\u001b[2Jb\r\nc\u009bd\u202ee')).toBe('a [2Jb c de');
  });

  it.each([
    [0, '0s'],
    [59_999, '59s'],
    [185_000, '3m05s'],
    [7_620_000, '2h07m'],
    [1_036_800_000, '12d'],
    [-5, '0s'],
  ])('%i ms are %s', (ms, text) => expect(spanOf(ms)).toBe(text));
});
