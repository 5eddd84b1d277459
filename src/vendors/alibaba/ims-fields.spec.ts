import { jobWord, partWord } from './ims-fields.js';

describe('a status word of Alibaba IMS', () => {
  it.each([
    ['queued', ['Init', 'Inited', 'Queuing', 'Created', 'Submitted', 'Scheduled', 'initial']],
    ['running', ['Processing', 'Running', 'Executing', 'Analyzing', 'Analysing', 'Training', 'started']],
    ['succeeded', ['Success', 'success', 'Succeed', 'succeeded', 'Complete', 'Finished']],
    ['failed', ['Failed', 'failed', 'Fail', 'fail', 'Error']],
    ['canceled', ['Cancelled', 'Canceled', 'stopped', 'Deleted']],
  ])('means %s when it is one of %j, in any case', (meaning, words) => {
    for (const word of words) {
      for (const written of [word, word.toUpperCase(), word.toLowerCase()]) {
        expect([written, jobWord(written), partWord(written)]).toEqual([written, meaning, meaning]);
      }
    }
  });

  it('may be Skipped for a part, never for a job', () => {
    expect(partWord('Skipped')).toBe('skipped');
    expect(jobWord('Skipped')).toBeNull();
  });

  it('means nothing when nobody has seen it before', () => {
    for (const word of ['Levitating', '', 'constructor', '__proto__', 'toString', null]) {
      expect([word, partWord(word), jobWord(word)]).toEqual([word, null, null]);
    }
  });
});
