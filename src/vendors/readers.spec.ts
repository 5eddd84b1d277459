import { Fields, objectIn, parseJson } from './readers.js';

const of = (value: unknown) => Fields.of({ key: value as never }, 'Job');

describe("reading a vendor's values", () => {
  it('trims text, and takes empty text for absent', () => {
    expect(of(' a\n').text('key')).toBe('a');
    expect(of('\n').text('key')).toBeNull();
    expect(of(7).text('key')).toBe('7');
  });

  it.each<[string, unknown, number | null]>([
    ['a number', 7, 7],
    ['a number as text', ' 7 ', 7],
    ['"0.f"', '0.f', null],
    ['hexadecimal', '0x10', null],
    ['an exponent', '1e3', null],
    ['nothing', '', null],
    ['true', true, null],
    ['too great for the column', 1e12, null],
    ['negative', -1, null],
  ])('counts %s', (_, value, expected) => {
    expect(of(value).count('key')).toBe(expected);
  });

  it('notes what it could not read, with its place', () => {
    const fields = of('0.f');
    fields.scaled('key', 1000);
    expect(fields.notes).toEqual(['Job.key: "0.f" is not a number']);
  });

  it('makes ms of seconds and bit/s of kbit/s', () => {
    expect(of('403.039989').scaled('key', 1000)).toBe(403_040);
    expect(of('888.563').scaled('key', 1000)).toBe(888_563);
  });

  it('takes no id of more than 256 characters', () => {
    expect(of('x'.repeat(256)).id('key')).toHaveLength(256);
    expect(of('x'.repeat(257)).id('key')).toBeNull();
  });

  it.each<[unknown, string | null]>([
    ['2024-12-07T13:01:07Z\n', '2024-12-07T13:01:07.000Z'],
    [' 20261121023000 ', '2026-11-21T02:30:00.000Z'],
    [20201119103652, '2020-11-19T10:36:52.000Z'],
    ['0000-00-00T00:00:00Z', null],
    ['0001-01-01T00:00:00Z', null],
    ['9999-12-31T23:59:59Z', null],
    ['00000000000000', null],
    [20261321023000, null],
    ['2026112102300', null],
    [1763692200000, null],
    ['2023-11-21 11:33:51', null],
    ['now', null],
  ])('reads the time %j', (text, expected) => {
    expect(of(text).time('key')?.toISOString() ?? null).toBe(expected);
  });
});

describe('JSON from outside', () => {
  it('loses NUL and half surrogate pairs, which Postgres refuses', () => {
    expect(parseJson('{"a\\u0000":"b\\u0000c\\ud800"}')?.value).toEqual({ a: 'bc\ufffd' });
    expect(parseJson('{"a":"\\\\u0000 is text"}')?.value).toEqual({ a: '\\u0000 is text' });
    expect(parseJson('"\\ud83d\\ude00"')?.value).toBe('😀');
  });

  it('is refused when it is nested absurdly deep, and nothing breaks', () => {
    expect(parseJson('['.repeat(50_000) + ']'.repeat(50_000))).toBeNull();
    expect(parseJson('['.repeat(100) + ']'.repeat(100))).not.toBeNull();
  });

  it('is null when it is not JSON', () => {
    expect(parseJson('')).toBeNull();
    expect(parseJson('{“a”:1}')).toBeNull();
  });

  it('may stand in a text, as user data does', () => {
    expect(objectIn('{"a":1}')).toEqual({ a: 1 });
    expect(objectIn('user-data')).toBeNull();
    expect(objectIn('123')).toBeNull();
    expect(objectIn(null)).toBeNull();
  });
});
