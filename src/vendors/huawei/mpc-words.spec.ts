import { isNoTask, mpcWord } from './mpc-words.js';

describe('a status word of Huawei MPC', () => {
  it.each([
    ['queued', ['INIT', 'WAITING', 'NEED_TO_BE_AUDIT']],
    ['running', ['PREPROCESSING', 'PROCESSING', 'TRANSCODING']],
    ['succeeded', ['SUCCEED', 'SUCCEEDED']],
    ['failed', ['FAILED']],
    ['canceled', ['CANCELED', 'CANCELLED']],
  ])('means %s when it is one of %j, in any case', (meaning, words) => {
    for (const word of words) {
      for (const written of [word, word.toLowerCase(), `${word.slice(0, 1)}${word.slice(1).toLowerCase()}`]) {
        expect([written, mpcWord(written)]).toEqual([written, meaning]);
      }
    }
  });

  it('means nothing when nobody has seen it before', () => {
    for (const word of ['LEVITATING', '', 'NO_TASK', 'constructor', '__proto__', 'toString', null]) {
      expect([word, mpcWord(word)]).toEqual([word, null]);
    }
  });

  it('is NO_TASK, in any case, when there is no such job', () => {
    expect(['NO_TASK', 'no_task', 'FAILED', '', null].map(isNoTask)).toEqual([true, true, false, false, false]);
  });
});
