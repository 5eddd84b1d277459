import { Patience } from './patience.js';

const never = new Promise<never>(() => undefined);

describe('patience', () => {
  it('hands on what comes in time, results and errors', async () => {
    const patience = new Patience(1000);
    expect(await patience.within(Promise.resolve('stored'))).toBe('stored');
    await expect(patience.within(Promise.reject(new Error('no disk')))).rejects.toThrow('no disk');
  });

  it('gives up when the time is up, on one after the other', async () => {
    const patience = new Patience(50);
    const outcomes: string[] = [];
    const wait = (name: string) =>
      patience.within(never).catch((error: Error) => outcomes.push(`${name}: ${error.message}`));
    await Promise.all([wait('first'), wait('second'), patience.within(Promise.resolve('in time'))]);
    await wait('third');
    expect(outcomes).toEqual(
      ['first', 'second', 'third'].map((name) => `${name}: the database did not commit within 50 ms`),
    );
  });
});
