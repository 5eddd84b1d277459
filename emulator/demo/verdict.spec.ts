import { verdictLines, verdictOn, type Truth } from './verdict.js';

const NOW = Date.parse('2026-01-01T00:10:00Z');
const truth = (vendorJobId: string, endedMinutesAgo: number, unannounced?: true): Truth => ({
  vendorJobId,
  api: 'alibaba-ims/media-producing',
  expectedStatus: 'succeeded',
  endsAt: NOW - endedMinutesAgo * 60_000,
  ...(unannounced && { unannounced }),
});

it('a job that only a listing can find has more time to be found', () => {
  const truths = [truth('registered', 6), truth('listed', 6, true), truth('overlooked', 9, true)];
  const verdict = verdictOn(truths, () => undefined, NOW);
  expect(verdict.overdue.map(({ vendorJobId }) => vendorJobId)).toEqual(['registered', 'overlooked']);
  expect(verdictLines(verdict).slice(2)).toEqual([
    '  unknown: alibaba-ims/media-producing registered: nobody registered it and its callbacks were dropped',
    '  unknown: alibaba-ims/media-producing overlooked: nobody registered it and no listing has found it',
  ]);
});
