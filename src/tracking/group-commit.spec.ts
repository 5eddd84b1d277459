import { BufferFull, GroupCommit } from './group-commit.js';

const LIMITS = { group: 100, inFlight: 1, bufferBytes: 1000 };

/** A database that commits when told to, and refuses whole groups that hold `poison`. */
function database(poison?: string) {
  const groups: string[][] = [];
  const waiting: (() => void)[] = [];
  const commit = async (group: string[]): Promise<string[]> => {
    groups.push(group);
    await new Promise<void>((resolve) => waiting.push(resolve));
    if (poison !== undefined && group.includes(poison)) throw new Error('invalid byte sequence');
    return group.map((item) => `stored ${item}`);
  };
  const finish = async (): Promise<void> => {
    while (waiting.length > 0) {
      waiting.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { groups, commit, finish };
}

describe('a group commit', () => {
  it('commits a lone item at once, and what arrives meanwhile together', async () => {
    const { groups, commit, finish } = database();
    const group = new GroupCommit(commit, () => 1, LIMITS);
    const results = Promise.all(['a', 'b', 'c'].map((item) => group.add(item)));
    await finish();
    expect(await results).toEqual(['stored a', 'stored b', 'stored c']);
    expect(groups).toEqual([['a'], ['b', 'c']]);
  });

  it('lets only the bad item of a group fail', async () => {
    const { commit, finish } = database('bad');
    const group = new GroupCommit(commit, () => 1, LIMITS);
    const results = Promise.allSettled(['first', 'a', 'b', 'bad', 'c', 'd'].map((item) => group.add(item)));
    await finish();
    expect((await results).map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
    ]);
  });

  it('refuses what its buffer cannot hold, and takes it again when there is room', async () => {
    const { commit, finish } = database();
    const group = new GroupCommit(commit, (item: string) => item.length, { ...LIMITS, bufferBytes: 10 });
    const first = group.add('12345678');
    await expect(group.add('123')).rejects.toBeInstanceOf(BufferFull);
    await finish();
    await first;
    const second = group.add('123');
    await finish();
    expect(await second).toBe('stored 123');
    expect(group.bufferedBytes).toBe(0);
  });

  it('keeps groups within their size and in flight within their number', async () => {
    const { groups, commit, finish } = database();
    const group = new GroupCommit(commit, () => 1, { group: 3, inFlight: 2, bufferBytes: 1000 });
    const results = Promise.all(Array.from({ length: 8 }, (_, i) => group.add(String(i))));
    expect(groups).toHaveLength(2);
    await finish();
    await results;
    expect(groups.map((members) => members.length)).toEqual([1, 1, 3, 3]);
  });
});
