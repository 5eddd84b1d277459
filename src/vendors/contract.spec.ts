import { nothingSeen, type JobSeen, type Json } from '../domain/observation.js';
import { contractChanges, fields, type Contract } from './contract.js';

const CONTRACT: Contract = {
  shape: {
    ...fields('text', 'JobId Status Url'),
    ...fields('number', 'Progress'),
    Config: 'any',
    Parts: [{ ...fields('text', 'Name Status'), Size: { ...fields('number', 'Width') } }],
  },
  always: ['JobId', 'Status', 'Parts[].Status'],
  onSuccess: ['Url'],
};

const GOOD = { JobId: 'j', Status: 'Running', Progress: 7, Config: [1, { a: {} }], Parts: [{ Status: 'Init' }] };

function changes(document: Json, seen: Partial<JobSeen> = {}): string[] {
  return contractChanges(CONTRACT, { ...nothingSeen('j'), document, ...seen }).map(
    ({ change, place }) => `${change} ${place}`,
  );
}

describe("a vendor's answer against its documentation", () => {
  it('is as it should be', () => {
    expect(changes(GOOD)).toEqual([]);
    expect(changes({ ...GOOD, Progress: ' 7 ', Parts: [] })).toEqual([]);
    expect(changes({ ...GOOD, Progress: null, Config: 'x' })).toEqual([]);
  });

  it('has a new field, told once however often it stands there', () => {
    expect(changes({ ...GOOD, Colour: 1 })).toEqual(['new_field Colour']);
    const part = { Status: 'Init', Size: { Width: 1, Depth: 2 } };
    expect(changes({ ...GOOD, Parts: [part, part] })).toEqual(['new_field Parts[].Size.Depth']);
  });

  it('lacks a field that every answer has', () => {
    const { Status: _status, ...rest } = GOOD;
    expect(changes(rest)).toEqual(['vanished_field Status']);
    expect(changes({ ...GOOD, Parts: [{ Status: 'Init' }, { Name: 'b' }] })).toEqual(['vanished_field Parts[].Status']);
  });

  it('lacks an object, and so all that is in it', () => {
    const nested: Contract = { shape: { Output: fields('text', 'Media') }, always: ['Output.Media'], onSuccess: [] };
    const missing = (document: Json) => contractChanges(nested, { ...nothingSeen('j'), document });
    expect(missing({})).toEqual([{ change: 'vanished_field', place: 'Output.Media' }]);
    expect(missing({ Output: {} })).toEqual([{ change: 'vanished_field', place: 'Output.Media' }]);
    expect(missing({ Output: { Media: 'm' } })).toEqual([]);
  });

  it('lacks a field that only a success has', () => {
    expect(changes(GOOD, { word: 'running' })).toEqual([]);
    expect(changes(GOOD, { word: 'succeeded' })).toEqual(['vanished_field Url']);
  });

  it.each<[string, Json]>([
    ['Status', { ...GOOD, Status: { value: 'Running' } }],
    ['Status', { ...GOOD, Status: 3 }],
    ['Progress', { ...GOOD, Progress: 'half' }],
    ['Progress', { ...GOOD, Progress: { value: 7 } }],
    ['Parts', { ...GOOD, Parts: { Status: 'Init' } }],
    ['Parts[]', { ...GOOD, Parts: ['Init'] }],
    ['Parts[].Size', { ...GOOD, Parts: [{ Status: 'Init', Size: 3 }] }],
  ])('has a %s of another type', (place, document) => {
    expect(changes(document)).toEqual([`changed_type ${place}`]);
  });

  it('uses a word that nobody has seen before, for the job or for a part', () => {
    const facts = { ...nothingSeen('j').facts, vendorStatus: 'Levitating' };
    expect(changes(GOOD, { word: null, facts })).toEqual(['unknown_word Levitating']);
    expect(changes(GOOD, { word: 'running', facts })).toEqual([]);
  });

  it('may name fields like those of every object', () => {
    expect(changes({ ...GOOD, constructor: 1, toString: 2 })).toEqual(['new_field constructor', 'new_field toString']);
  });
});
