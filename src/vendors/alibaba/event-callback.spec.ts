import type { Json } from '../../domain/observation.js';
import { apisOf } from '../registry.js';
import type { ExpectedCallback } from '../event-callback.js';
import { imsEventCallback } from './event-callback.js';

const OURS = 'https://callsheet.example.com/callbacks/media-cn/AKSECRETFINDME-token-1';
const KEY = 'AKSECRETFINDMEkey1';
const KINDS = ['batch-media-producing', 'media-producing', 'media-convert', 'dynamic-image'];
const EXPECTED: ExpectedCallback = {
  urls: [OURS, OURS.replace('token-1', 'token-22')],
  authKeys: [KEY],
  signature: 'required',
  apis: apisOf('alibaba-ims').filter(({ name }) => KINDS.includes(name.replace('alibaba-ims/', ''))),
};
const ALL = EXPECTED.apis.flatMap(({ callback }) => callback?.events ?? []);
const SETTING = {
  RequestId: '11-DB8D',
  CallbackType: 'HTTP',
  CallbackQueueName: 'ice-callback-queue',
  CallbackURL: OURS,
  EventTypeList: ALL.join(','),
  AuthSwitch: 'on',
  AuthKey: KEY,
};

const compare = (answer: Json, expected: Partial<ExpectedCallback> = {}) =>
  imsEventCallback.compare(answer, { ...EXPECTED, ...expected });
const wrong = (answer: Json, expected: Partial<ExpectedCallback> = {}) =>
  compare(answer, expected)
    .filter(({ ok }) => !ok)
    .map(({ text }) => text);

describe("the account's own callback setting", () => {
  it('is as it should be', () => {
    expect(compare(SETTING)).toEqual([
      { ok: true, text: `CallbackURL matches (${OURS.length} bytes)` },
      { ok: true, text: `EventTypeList has all ${ALL.length} events` },
      { ok: true, text: 'AuthSwitch is on, AuthKey matches' },
    ]);
    expect(ALL).toContain('DynamicImageComplete');
  });

  it('may hold any of several tokens and keys, more events, and blanks between them', () => {
    const setting = {
      ...SETTING,
      CallbackURL: EXPECTED.urls[1] ?? '',
      EventTypeList: ['TranscodeComplete', ...ALL].join(' , '),
    };
    expect(wrong(setting, { authKeys: ['another', KEY] })).toEqual([]);
  });

  it.each([
    [
      'leads elsewhere',
      'https://other.example.com/AKSECRETFINDME',
      /\(it has 40 bytes, ours 71 or 72\): it leads to https:\/\/other\.example\.com$/,
    ],
    [
      'has another token',
      OURS.replace('token-1', 'token-0'),
      /\(it has 71 bytes, .*token is not one of callback\.tokens/,
    ],
    ['has a slash at its end', `${OURS}/`, /\(it has 72 bytes, .*blanks or a slash around it/],
    ['has a blank before it', ` ${OURS}`, /\(it has 72 bytes, .*blanks or a slash around it/],
    [
      'is in capitals',
      OURS.toUpperCase(),
      /CallbackURL does not match .*: it leads to https:\/\/callsheet\.example\.com$/,
    ],
    ['is no URL', 'AKSECRETFINDME', /it leads to no address$/],
    ['is empty', '', /CallbackURL is empty/],
  ])('does not match when its address %s', (_, url, expected) => {
    expect(wrong({ ...SETTING, CallbackURL: url })).toEqual([expect.stringMatching(expected)]);
  });

  it.each([
    [
      'jobs that cannot carry a NotifyAddress',
      ['MediaConvertComplete', 'DynamicImageComplete'],
      [/^EventTypeList lacks MediaConvertComplete, DynamicImageComplete: media-convert and dynamic-image jobs cannot/],
    ],
    [
      'jobs that can',
      ['ProduceMediaComplete'],
      [/^EventTypeList lacks ProduceMediaComplete: these call back only where the job carries/],
    ],
    [
      'both',
      ALL,
      [/^EventTypeList lacks MediaConvertComplete.*cannot carry/, /lacks .*BatchProduceMediaComplete.*only where/],
    ],
  ])('lacks events of %s', (_, lacking, expected) => {
    const EventTypeList = ALL.filter((event) => !lacking.includes(event)).join(',');
    expect(wrong({ ...SETTING, EventTypeList })).toEqual(expected.map((text) => expect.stringMatching(text)));
  });

  it.each([
    ['on with another key', { AuthKey: 'AKSECRETFINDME-other' }, {}, /^AuthKey does not match/],
    ['on and tells no key', { AuthKey: '' }, {}, /^AuthKey does not match/],
    ['on, but no keys are configured', {}, { authKeys: [] }, /^AuthSwitch is on, but no authKeys/],
    ['off', { AuthSwitch: 'off', AuthKey: '' }, {}, /^AuthSwitch is off, .* answered 401$/],
    ['off', { AuthSwitch: 'off' }, { signature: 'if-present' as const }, /^AuthSwitch is off, .* their token alone$/],
    ['not told', { AuthSwitch: null }, {}, /^AuthSwitch is off/],
  ])('does not authenticate as we do: it is %s', (_, change, expected, said) => {
    expect(wrong({ ...SETTING, ...change }, expected)).toEqual([expect.stringMatching(said)]);
  });

  it('needs no authentication where we want none', () => {
    expect(wrong({ ...SETTING, AuthSwitch: 'OFF', AuthKey: '' }, { authKeys: [] })).toEqual([]);
  });

  it.each([
    [
      'a queue',
      { ...SETTING, CallbackType: 'MNS' },
      /^CallbackType is MNS, queue ice-callback-queue: Callsheet does not read queues/,
    ],
    [
      'a queue, as older answers tell it',
      { CallbackQueueName: 'ice-callback-q', EventTypeList: '' },
      /^CallbackType is MNS, queue ice-callback-q/,
    ],
    [
      'nothing',
      { RequestId: 'x', CallbackType: '', CallbackURL: '', CallbackQueueName: '' },
      /^nothing is set for the account/,
    ],
    ['no object', 'AKSECRETFINDME', /^nothing is set/],
    ['a list', [], /^nothing is set/],
    ['odd values', { CallbackType: { a: 1 }, CallbackURL: 7, EventTypeList: 3, AuthKey: [KEY] }, /^nothing is set/],
  ])('is %s', (_, answer, expected) => {
    expect(wrong(answer)).toEqual([expect.stringMatching(expected)]);
  });

  it('is never told with a token or a key', () => {
    const settings = [SETTING, { ...SETTING, CallbackURL: `${OURS}x`, AuthKey: `${KEY}x`, EventTypeList: '' }];
    for (const setting of settings) expect(JSON.stringify(compare(setting))).not.toContain('AKSECRETFINDME');
  });
});
