import type { Json } from '../domain/observation.js';
import { namedBy, sharedBy, tally, type Tallied } from './shared-values.js';

const CLIP = '30d0b5e871eebb2ff7f6c75a0001';
const MEDIA = '9d2e3f0ac2a34e0c8d7b0001';

describe('what a failure names', () => {
  it.each([
    [`The specified clips id not found:["${CLIP}"]`, [{ kind: 'clip', value: CLIP }]],
    [`Media ${MEDIA} is not ready`, [{ kind: 'media', value: MEDIA }]],
    [`素材 ${MEDIA} 不存在`, [{ kind: 'media', value: MEDIA }]],
    [`Request ${MEDIA} failed`, []],
    [
      'cannot read oss://bucket-7/in/a.mp4.',
      [
        { kind: 'bucket', value: 'bucket-7' },
        { kind: 'url', value: 'oss://bucket-7/in/a.mp4' },
      ],
    ],
    ['bucket: demo-bucket is frozen', [{ kind: 'bucket', value: 'demo-bucket' }]],
    [
      'GET https://user:pw@demo.oss-cn-shanghai.aliyuncs.com/a.mp4?Signature=x timed out',
      [
        { kind: 'bucket', value: 'demo' },
        { kind: 'host', value: 'demo.oss-cn-shanghai.aliyuncs.com' },
        { kind: 'url', value: 'https://demo.oss-cn-shanghai.aliyuncs.com/a.mp4' },
      ],
    ],
  ])('in "%s"', (message, expected) => {
    expect(namedBy(message, [])).toEqual(expected);
  });

  it('is read out of inputs of any shape, JSON in text included', () => {
    const inputs: Json[] = [
      JSON.stringify({ MediaGroupArray: [{ GroupName: 'intro-2024-number-1', MediaArray: [MEDIA, 'oss://b/x.mp4'] }] }),
      { Type: 'OSS', OssFile: { Bucket: 'demo-bucket', Object: 'in/a.mp4' } },
      { VideoTrackClips: [{ MediaId: CLIP }, { MediaId: CLIP }] },
      [{ bucket: 'obs-bucket', object: 'x' }],
      null,
    ];
    expect(namedBy(null, inputs)).toEqual([
      { kind: 'media', value: MEDIA },
      { kind: 'media', value: CLIP },
      { kind: 'bucket', value: 'b' },
      { kind: 'bucket', value: 'demo-bucket' },
      { kind: 'bucket', value: 'obs-bucket' },
      { kind: 'url', value: 'oss://b/x.mp4' },
    ]);
  });

  it('is named once, by the word of the error', () => {
    const named = namedBy(`clips id not found: ${CLIP}, ${CLIP}`, [{ MediaArray: [CLIP] }]);
    expect(named).toEqual([{ kind: 'clip', value: CLIP }]);
  });

  it('is no URL whose host is longer than a host can be', () => {
    const longest = ['a'.repeat(63), 'b'.repeat(63), 'c'.repeat(63), 'd'.repeat(61)].join('.');
    const urls = [
      `https://${longest}/x`,
      `https://e${longest}ee/x`,
      `https:////${'\u7d20'.repeat(256)}/x`,
      `https://h\t${longest}/x`,
    ];
    expect(namedBy(null, [{ Urls: urls }])).toEqual([
      { kind: 'host', value: longest },
      { kind: 'host', value: 'h' },
      { kind: 'url', value: `https://${longest}/x` },
      { kind: 'url', value: 'https://h' },
    ]);
  });

  it('ends somewhere, however deep or wide the inputs are', () => {
    let deep: any = MEDIA;
    for (let i = 0; i < 1000; i++) deep = { MediaArray: deep };
    const wide = { MediaArray: Array.from({ length: 1000 }, (_, i) => `${MEDIA}${i}`) };
    expect(namedBy(null, [deep, wide])).toHaveLength(20);
  });
});

describe('what failures share', () => {
  const failures = (count: number, named: (i: number) => string[]) =>
    Array.from({ length: count }).reduce<Tallied[]>(
      (known, _, i) =>
        tally(
          known,
          named(i).map((value) => ({ kind: 'media', value })),
        ),
      [],
    );

  it('is counted exactly while there is room', () => {
    const known = failures(60, (i) => ['in-all', i % 3 === 0 ? 'in-some' : `once-${i}`]);
    expect(sharedBy(known, 60, 5)).toEqual([
      { kind: 'media', value: 'in-all', failures: 60 },
      { kind: 'media', value: 'in-some', failures: 20 },
    ]);
  });

  it('is not lost among any number of others, and never said to be more than it is', () => {
    const known = failures(2000, (i) => [
      ...(i % 4 === 0 ? ['in-a-quarter'] : []),
      ...[1, 2, 3].map((k) => `${i}-${k}`),
    ]);
    expect(known).toHaveLength(100);
    const [first] = sharedBy(known, 2000, 5);
    expect(first?.value).toBe('in-a-quarter');
    expect(first?.failures).toBeLessThanOrEqual(500);
    expect(first?.failures).toBeGreaterThan(400);
  });

  it('is everything that the only failure names', () => {
    expect(
      sharedBy(
        failures(1, () => ['a', 'b']),
        1,
        5,
      ),
    ).toHaveLength(2);
    expect(
      sharedBy(
        failures(2, (i) => [`only-${i}`]),
        2,
        5,
      ),
    ).toEqual([]);
  });
});
