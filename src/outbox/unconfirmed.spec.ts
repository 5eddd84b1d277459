import { confirmsWhatWasTold, eventsToTell, isUnconfirmedEnd, verdictOnFresh, verdictOnParked } from './unconfirmed.js';

const end = { kind: 'job.status' as const, to: 'succeeded', detail: { confirmed: false } };
const file = { kind: 'output.added' as const, to: 'oss://bucket/a.mp4', detail: null };
const news = { kind: 'contract.changed' as const, to: 'Mood', detail: null };

it('takes for an unconfirmed end only a final status that no answer has told of', () => {
  expect(isUnconfirmedEnd(end)).toBe(true);
  expect(isUnconfirmedEnd({ ...end, detail: { confirmed: true } })).toBe(false);
  expect(isUnconfirmedEnd({ ...end, to: 'running' })).toBe(false);
  expect(isUnconfirmedEnd({ ...end, kind: 'subjob.status', detail: null })).toBe(false);
});

it('lets a claim wait, unless callbacks are all there will ever be', () => {
  expect(verdictOnFresh({ confirmed: false, claimOnly: false })).toBe('wait');
  expect(verdictOnFresh({ confirmed: true, claimOnly: false })).toBe('confirmed');
  expect(verdictOnFresh({ confirmed: false, claimOnly: true })).toBe('believe');
});

it('believes a claim that has waited when the vendor has said nothing at all', () => {
  const waited = { confirmed: false, claimOnly: false, isDue: true, answered: false, told: false };
  expect(verdictOnParked({ ...waited, isDue: false })).toBe('wait');
  expect(verdictOnParked(waited)).toBe('believe');
  expect(verdictOnParked({ ...waited, answered: true })).toBe('forget');
  expect(verdictOnParked({ ...waited, confirmed: true, answered: true })).toBe('confirmed');
  expect(verdictOnParked({ ...waited, answered: true, claimOnly: true })).toBe('believe');
  // Once it was told, its confirmation is waited for, and is no news.
  const told = { ...waited, told: true };
  expect(verdictOnParked({ ...told, isDue: false })).toBe('wait');
  expect(verdictOnParked({ ...told, isDue: false, confirmed: true })).toBe('forget');
  expect(verdictOnParked(told)).toBe('forget');
  expect(confirmsWhatWasTold({ ...end, from: 'succeeded', detail: { confirmed: true } })).toBe(true);
  expect(confirmsWhatWasTold({ ...end, from: 'failed', detail: { confirmed: true } })).toBe(false);
});

it('tells everything once, and of a claim that was confirmed the files that came with it', () => {
  const written = [file, end, news];
  expect(eventsToTell(written, 'wait')).toEqual([news]);
  expect(eventsToTell(written, 'confirmed', true)).toEqual([file]);
  expect(eventsToTell(written, 'believe', true)).toEqual([file, end]);
  expect(eventsToTell(written, 'forget', true)).toEqual([]);
  expect(eventsToTell(written, 'confirmed')).toEqual([file, news]);
  expect(eventsToTell(written, 'believe')).toEqual(written);
});
