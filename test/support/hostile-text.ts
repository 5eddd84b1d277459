/** The largest body that the callback endpoint takes. */
export const SIZE = 1024 * 1024;

/** Each is what a careless pattern begins to match, goes on to match, and gives up at the end of the text. */
const UNITS = [
  ...[
    '"',
    '\\"',
    '"\\"',
    '[',
    '[1,',
    '{"a":',
    '"RequestId":"',
    ' ',
    ' ,',
    '\n',
    '1',
    '1.',
    '+1',
    '1:',
    'a',
    'a-',
    '-a',
  ],
  ...['a.', '-', '.', '.,:;', 'a:', 'a:/', 'http://', 'a/', '/a.', '/', '<a', '<n>, ', 'a@', '_', '*1', '%', 'bucket '],
  ...['clip ', '素材', 'xn--', '.com', '\0', '\ud800', '😀'],
];

/** Neighbors differ, because such names of hosts take longest to encode. */
const CHINESE = Array.from({ length: 20_000 }, (_, i) => String.fromCodePoint(0x4e00 + i)).join('');

export const filled = (unit: string, length: number) => unit.repeat(Math.ceil(length / unit.length)).slice(0, length);

/** Hostile texts of so many characters, by what they are made of. */
export function hostileTexts(length: number): [name: string, text: string][] {
  const texts = UNITS.map((unit): [string, string] => [unit, `${filled(unit, length - 1)}\u0001`]);
  const urls = ['a', '.', '/', '@', '%', 'xn--', CHINESE].map((unit): [string, string] => [
    `http://${unit.slice(0, 5)}`,
    `http://${filled(unit, length - 7)}`,
  ]);
  return [...texts, ...urls];
}

/** A mebibyte of JSON in the shapes that are expensive to walk through: deep, wide, and texts within texts. */
export function hostileDocuments(): [name: string, json: string][] {
  const nested = (open: string, close: string, depth: number): [string, string] => {
    const leaf = filled('a', SIZE - depth * (open.length + close.length) - 2);
    return [`${depth} times ${open}`, `${open.repeat(depth)}"${leaf}"${close.repeat(depth)}`];
  };
  let inText = '[]';
  while (inText.length < SIZE / 3) inText = JSON.stringify([inText, inText.length]);
  const wide = (item: (i: number) => string, size: number) =>
    Array.from({ length: SIZE / size }, (_, i) => item(i)).join();
  return [
    ...[100, 4000, SIZE / 16].flatMap((depth) => [
      nested('[', ']', depth),
      nested('[1,', ',"a"]', depth),
      nested('{"a":', '}', depth),
    ]),
    ['objects', `[${wide(() => '{"Status":""}', 14)}]`],
    ['numbers as text', `[${wide((i) => `"${i}"`, 8)}]`],
    ['many keys', `{${wide((i) => `"key-${i}":${i}`, 18)}}`],
    ['long keys', `{${wide((i) => `"${filled('a', 1000)}${i}":[]`, 1012)}}`],
    ['JSON in text', inText],
  ];
}
