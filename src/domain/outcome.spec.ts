import { outcome, partStatus } from './outcome.js';
import type { JobStatus, JobWord, SubjobStatus } from './status.js';

const parts = (...statuses: SubjobStatus[]) => statuses.map((status) => ({ status, leaf: true }));
const of = (word: JobWord, ...statuses: SubjobStatus[]) =>
  outcome({ word, parts: parts(...statuses), batch: false, batchError: false, settled: false });

describe('the outcome of a job', () => {
  it.each<[JobWord, SubjobStatus[], JobStatus]>([
    ['queued', [], 'queued'],
    ['running', ['succeeded', 'failed'], 'running'],
    ['succeeded', [], 'succeeded'],
    ['succeeded', ['succeeded', 'running'], 'running'],
    ['succeeded', ['failed', 'queued'], 'running'],
    ['succeeded', ['succeeded', 'succeeded'], 'succeeded'],
    ['succeeded', ['succeeded', 'skipped'], 'succeeded'],
    ['succeeded', ['succeeded', 'failed'], 'partially_failed'],
    ['succeeded', ['failed', 'failed'], 'failed'],
    ['succeeded', ['failed', 'skipped'], 'failed'],
    ['succeeded', ['skipped', 'skipped'], 'succeeded'],
    ['failed', [], 'failed'],
    ['failed', ['failed', 'skipped'], 'failed'],
    ['failed', ['succeeded', 'failed'], 'partially_failed'],
    ['failed', ['succeeded', 'running'], 'partially_failed'],
    ['canceled', ['succeeded', 'failed'], 'canceled'],
  ])('%s with parts %j is %s', (word, statuses, expected) => {
    expect(of(word, ...statuses)).toBe(expected);
  });

  it('counts a succeeded group without succeeded files as nothing when the job failed', () => {
    const group = { status: 'succeeded', leaf: false } as const;
    expect(
      outcome({
        word: 'failed',
        parts: [group, ...parts('failed')],
        batch: false,
        batchError: false,
        settled: false,
      }),
    ).toBe('failed');
  });

  it('takes a settled batch with what it has', () => {
    const batch = { word: 'succeeded', batch: true, batchError: false, settled: true } as const;
    expect(outcome({ ...batch, parts: parts('succeeded', 'running') })).toBe('succeeded');
    expect(outcome({ ...batch, parts: parts('failed', 'running') })).toBe('failed');
  });

  it('believes the error of a batch of which no part came to an end', () => {
    const batch = { word: 'succeeded', parts: [], batch: true, settled: false } as const;
    expect(outcome({ ...batch, batchError: true })).toBe('failed');
    expect(outcome({ ...batch, batchError: false })).toBe('succeeded');
    const skipped = { ...batch, parts: parts('skipped', 'skipped') };
    expect(outcome({ ...skipped, batchError: true })).toBe('failed');
    expect(outcome({ ...skipped, batchError: false })).toBe('succeeded');
    // Beside parts that ended it decides nothing.
    expect(outcome({ ...batch, parts: parts('succeeded'), batchError: true })).toBe('succeeded');
  });
});

describe('the status of a part', () => {
  it.each<[SubjobStatus, JobWord | null, SubjobStatus]>([
    ['running', 'failed', 'skipped'],
    ['queued', 'canceled', 'skipped'],
    ['succeeded', 'failed', 'succeeded'],
    ['running', 'succeeded', 'running'],
    ['running', null, 'running'],
  ])('%s in a job that is %s: %s', (status, word, expected) => {
    expect(partStatus(status, word)).toBe(expected);
  });
});
