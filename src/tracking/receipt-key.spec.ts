import { answerKey, callbackKey } from './receipt-key.js';

const key = (body: string, account = 'media-cn') => callbackKey(account, Buffer.from(body));
const answer = (body: string, asked = ['job-1']) =>
  answerKey('media-cn', 'alibaba-ims/media-convert', asked, Buffer.from(body));

describe('what makes two callbacks the same', () => {
  it('is their JSON, not its order of keys or white space', () => {
    expect(key('{"a":1000000000000001,"b":{"c":2,"d":3}}')).toBe(
      key('{ "b": {"d":3, "c":2}, "a":1000000000000001 }\n'),
    );
  });

  it.each([
    ['another value', '{"a":1}', '{"a":2}'],
    ['another type', '{"a":1}', '{"a":"1"}'],
    ['another order in a list', '[1,2]', '[2,1]'],
    ['long numbers that JSON.parse makes equal', '{"a":9007199254740993}', '{"a":9007199254740992}'],
    ['numbers too great for JSON.parse', '{"a":1e200000}', '{"a":null}'],
    ['bytes that are not JSON', 'job=1', 'job=2'],
    ['nothing and something', '', '{}'],
    ['halves of characters that UTF-8 cannot tell apart', '{"a":"\\ud800"}', '{"a":"\\ud801"}'],
    ['where one text ends and the next begins', '["ab","c"]', '["a","bc"]'],
    ['a key and a value', '{"a":"b"}', '["a","b"]'],
    ['a document and bytes that look like what is hashed of it', '{"a":1}', '{"1:a1,}'],
    ['a text and a word', '["true"]', '[true]'],
  ])('differs by %s', (_, a, b) => {
    expect(key(a)).not.toBe(key(b));
  });

  it('belongs to one account', () => {
    expect(key('{}', 'a')).not.toBe(key('{}', 'b'));
  });

  it('can be told of a body that is nested 50,000 levels deep', () => {
    const deep = '['.repeat(50_000) + ']'.repeat(50_000);
    expect(key(deep)).toBe(key(deep));
  });

  it('takes no longer for lists within lists than for a list', () => {
    const text = 'a'.repeat(1_000_000);
    const cost = (body: string) => {
      const times = Array.from({ length: 5 }, () => {
        const begun = process.cpuUsage();
        key(body);
        const { user, system } = process.cpuUsage(begun);
        return user + system;
      });
      return Math.min(...times);
    };
    // Copying the text once a level takes a thousand times as long as copying it once.
    const deep = cost(`${'[1,'.repeat(2000)}"${text}"${']'.repeat(2000)}`);
    expect(deep).toBeLessThan(30 * cost(`[${'1,'.repeat(2000)}"${text}"]`));
  });
});

describe('what makes two answers the same', () => {
  it('is all but the id that the vendor gives each request', () => {
    expect(answer('{"RequestId":"1","Job":{"State":"Running"}}')).toBe(
      answer('{"RequestId":"2","Job":{"State":"Running"}}'),
    );
    expect(answer('{"RequestId":"1","Job":{"State":"Running"}}')).not.toBe(
      answer('{"RequestId":"1","Job":{"State":"Complete"}}'),
    );
    expect(answer('{"RequestId":"1","n":12345678901234567890}')).toBe(
      answer('{"RequestId":"2","n":12345678901234567890}'),
    );
  });

  it('keeps the id of the request that made the job', () => {
    expect(answer('{"Job":{"RequestId":"1"}}')).not.toBe(answer('{"Job":{"RequestId":"2"}}'));
  });

  it('is about the same jobs, and never a callback', () => {
    expect(answer('{}', ['job-1'])).not.toBe(answer('{}', ['job-2']));
    expect(answer('{}')).not.toBe(key('{}'));
  });
});
