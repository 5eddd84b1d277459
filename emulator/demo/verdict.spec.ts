import type { Seen } from './mirror.js';
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

it("compares every finished job with the emulator's truth", () => {
  const truth = (vendorJobId: string, expectedStatus: Truth['expectedStatus'], endedMinutesAgo = 0): Truth => ({
    vendorJobId,
    api: 'alibaba-ims/media-convert',
    expectedStatus,
    endsAt: NOW - endedMinutesAgo * 60_000,
  });
  const truths = [
    truth('good', 'succeeded'),
    truth('wrong', 'failed'),
    truth('claimed', 'failed'),
    truth('late', 'succeeded', 6),
    truth('unheard', 'succeeded', 6),
    truth('new', 'succeeded', -1),
  ];
  const seen = new Map<string, Seen>(
    (
      [
        ['good', 'succeeded', true],
        ['wrong', 'succeeded', true],
        ['claimed', 'succeeded', false],
        ['late', 'running', false],
      ] as const
    ).map(([vendorJobId, status, settled]) => [vendorJobId, { id: 'id', vendorJobId, status, settled }]),
  );
  const verdict = verdictOn(truths, (id) => seen.get(id), NOW);
  expect(verdict).toMatchObject({
    played: 6,
    finished: 2,
    differing: [{ vendorJobId: 'wrong', status: 'succeeded', expectedStatus: 'failed' }],
    overdue: [
      { vendorJobId: 'late', status: 'running' },
      { vendorJobId: 'unheard', status: null },
    ],
  });
  expect(verdictLines(verdict)).toEqual([
    'jobs: 6 played, 2 finished, 4 under way',
    'as the emulator played them: 1 of 2 finished jobs',
    '  differs: alibaba-ims/media-convert wrong is succeeded, the emulator played failed',
    '  overdue: alibaba-ims/media-convert late is still running, the emulator played succeeded',
    '  unknown: alibaba-ims/media-convert unheard: nobody registered it and its callbacks were dropped',
  ]);
});
