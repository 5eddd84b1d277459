import { expectedOutcome, type ExpectedSubjob, type SubjobStatus } from './outcome.js';

const leaves = (...statuses: SubjobStatus[]): ExpectedSubjob[] =>
  statuses.map((status, place) => ({ path: `batch_item/${place}`, status, leaf: true }));

it.each([
  ['success', leaves(), false, 'succeeded'],
  ['success', leaves(), true, 'failed'],
  ['success', leaves('skipped'), true, 'failed'],
  ['success', leaves('succeeded'), true, 'succeeded'],
  ['success', leaves('succeeded', 'failed'), true, 'partially_failed'],
  ['success', leaves('succeeded', 'failed'), false, 'partially_failed'],
  ['success', leaves('failed', 'failed'), false, 'failed'],
  ['failure', leaves(), false, 'failed'],
  ['failure', leaves('failed', 'succeeded'), true, 'partially_failed'],
  ['cancel', leaves('succeeded'), false, 'canceled'],
] as const)('%s over %j, an error of its own %s: %s', (word, subjobs, ownError, status) => {
  expect(expectedOutcome(word, subjobs, ownError)).toBe(status);
});
