import { readReplayArguments, UsageError } from './replay-arguments.js';

const NOW = new Date('2026-11-20T12:00:00Z');
const read = (...args: string[]) => readReplayArguments(args, NOW);

describe('what npm run replay is asked for', () => {
  it('is everything, unless it is narrowed down', () => {
    expect(read()).toEqual({ since: null, accounts: null, apis: null, jobs: null, dryRun: false, help: false });
  });

  it('takes lists by commas, by repetition, and each name once', () => {
    expect(read('--account=a,b', '--account=b', '--api', 'x/y', '--job=1, 2', '--dry-run', '-h')).toEqual({
      since: null,
      accounts: ['a', 'b'],
      apis: ['x/y'],
      jobs: ['1', '2'],
      dryRun: true,
      help: true,
    });
  });

  it.each([
    ['2026-11-01', '2026-11-01T00:00:00.000Z'],
    ['2026-11-01T08:30Z', '2026-11-01T08:30:00.000Z'],
    ['2026-11-01T08:30:00+08:00', '2026-11-01T00:30:00.000Z'],
    ['90m', '2026-11-20T10:30:00.000Z'],
    ['36h', '2026-11-19T00:00:00.000Z'],
    ['7d', '2026-11-13T12:00:00.000Z'],
    ['2w', '2026-11-06T12:00:00.000Z'],
  ])('--since=%s is %s', (since, moment) => {
    expect(read(`--since=${since}`).since?.toISOString()).toBe(moment);
  });

  it.each([
    ['--since=yesterday', /--since: yesterday is neither/],
    ['--since=2026-02-30', /--since: 2026-02-30 is neither/],
    ['--since=2026-11-01T08:30', /is neither/],
    ['--since=', /is neither/],
    ['--account=a,,b', /--account: a name is missing/],
    ['--sinec=7d', /Unknown option '--sinec'.*usage:/s],
    ['media-cn', /Unexpected argument 'media-cn'.*usage:/s],
  ])('%s is wrong usage', (arg, message) => {
    expect(() => read(arg)).toThrow(UsageError);
    expect(() => read(arg)).toThrow(message);
  });
});
