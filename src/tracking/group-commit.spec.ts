import { BufferFull, GroupCommit } from './group-commit.js';

const LIMITS = { group: 100, bufferBytes: 1000, bufferMs: 1000 };

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));
/** More than no time passes. */
const timePasses = async () => {
  for (const began = performance.now(); performance.now() - began < 1;) await nextTurn();
};

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
    await nextTurn();
    while (waiting.length > 0) {
      waiting.shift()?.();
      await nextTurn();
    }
  };
  return { groups, commit, finish };
}

describe('a group commit', () => {
  it('commits at once what arrives together, and then together what arrived meanwhile', async () => {
    const { groups, commit, finish } = database();
    const group = new GroupCommit(commit, () => 1, LIMITS);
    const first = ['a', 'b'].map((item) => group.add(item));
    await nextTurn();
    const second = ['c', 'd'].map((item) => group.add(item));
    await nextTurn();
    expect(groups).toEqual([['a', 'b']]);
    await finish();
    expect(await Promise.all([...first, ...second])).toEqual(['stored a', 'stored b', 'stored c', 'stored d']);
    expect(groups).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
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

  it('is full when the foremost has waited too long, and not because a commit takes long', async () => {
    const { commit, finish } = database();
    const group = new GroupCommit(commit, () => 1, { ...LIMITS, bufferMs: 0 });
    const underWay = group.add('under way');
    await timePasses();
    expect(group.isFull).toBe(false);
    const foremost = group.add('foremost');
    await timePasses();
    expect(group.isFull).toBe(true);
    await expect(group.add('too late')).rejects.toBeInstanceOf(BufferFull);
    const patient = group.add('patient', { patient: true });
    await finish();
    expect(await Promise.all([underWay, foremost, patient])).toEqual([
      'stored under way',
      'stored foremost',
      'stored patient',
    ]);
    expect(group.isFull).toBe(false);
  });

  it('is full when as many wait as go together, and keeps groups within that', async () => {
    const { groups, commit, finish } = database();
    const group = new GroupCommit(commit, () => 1, { ...LIMITS, group: 3 });
    const underWay = group.add('under way');
    await nextTurn();
    const waiting = ['a', 'b', 'c'].map((item) => group.add(item));
    expect(group.isFull).toBe(true);
    await expect(group.add('one too many')).rejects.toBeInstanceOf(BufferFull);
    const patient = ['d', 'e'].map((item) => group.add(item, { patient: true }));
    await finish();
    await Promise.all([underWay, ...waiting, ...patient]);
    expect(groups).toEqual([['under way'], ['a', 'b', 'c'], ['d', 'e']]);
    expect(group.isFull).toBe(false);
  });
});
