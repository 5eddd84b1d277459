import { draw } from '../draw.js';
import type { FinalStatus } from '../outcome.js';
import { batchMediaProducing } from './batch-media-producing.js';
import type { Order } from './kind.js';

type Entry = { JobId: string; Status: string; MediaURL: string; ErrorCode?: string; Duration?: number };
type Document = {
  Status: string;
  SubJobList: Entry[];
  OutputConfig: string;
  InputConfig: string;
  Extend?: string;
  JobType: string;
};

const life = { submittedAt: 0, startsAt: 5_000, endsAt: 105_000 };
const SEEDS = Array.from({ length: 60 }, (_, seed) => seed);

function planned(seed: number, order: Partial<Order> = {}) {
  return batchMediaProducing.plan(draw(seed), { vendorJobId: `batch-${seed}`, userData: '{"k":"v"}', ...order });
}
const at = (job: ReturnType<typeof planned>, now: number) => job.document(life, now) as unknown as Document;
const wordsOf = ({ SubJobList }: Document) => SubJobList.map(({ Status }) => Status);
const extendOf = ({ Extend }: Document) => JSON.parse(Extend ?? '{}') as { ErrorCode?: string; ErrorMessage?: string };

it('a batch waits, works and finishes, its subjobs one after the other', () => {
  const job = planned(1, { outcome: 'succeeded', subjobs: 6 });
  const seen = [0, 4_999, 5_000, 50_000, 104_999, 105_000].map((now) => at(job, now));
  expect(seen.map(({ Status }) => Status)).toEqual([
    'Init',
    'Init',
    'Processing',
    'Processing',
    'Processing',
    'Finished',
  ]);
  expect(seen.map(({ SubJobList }) => SubJobList.length)).toEqual([0, 0, 6, 6, 6, 6]);
  expect(new Set(wordsOf(at(job, 20_000)))).toEqual(new Set(['Init', 'Processing']));
  expect(wordsOf(at(job, 105_000))).toEqual(Array.from({ length: 6 }, () => 'Success'));
  expect(seen.map((document) => 'CompleteTime' in document)).toEqual([false, false, false, false, false, true]);
  expect(seen.at(-1)).toMatchObject({ JobId: 'batch-1', UserData: '{"k":"v"}', CompleteTime: '1970-01-01T00:01:45Z' });
  expect(seen.at(-1)).not.toHaveProperty('Progress');
});

it('says the same of a subjob as the subjob does when it is asked itself', () => {
  for (const seed of SEEDS.slice(0, 12)) {
    const job = planned(seed, { outcome: 'partially_failed' });
    for (let now = 5_000; now <= 105_000; now += 10_000) {
      const own = (job.subjobs ?? []).map(({ plan, lifeIn }) => plan.document(lifeIn(life), now));
      const listed = own.map(({ JobId, MediaId, MediaURL, ProjectId, Duration, Code, Message, Status }) => ({
        ...{ JobId, MediaId, MediaURL, ProjectId, Duration, ErrorCode: Code, ErrorMessage: Message },
        Status: Status === 'Queuing' ? 'Init' : Status,
      }));
      expect(at(job, now).SubJobList).toEqual(listed);
    }
  }
});

it.each(['succeeded', 'partially_failed', 'failed'] as const)('a batch ordered to be %s ends so', (outcome) => {
  for (const seed of SEEDS) {
    const job = planned(seed, { outcome });
    const document = at(job, 105_000);
    const words = wordsOf(document);
    expect(job.expectedStatus).toBe(outcome);
    expect(job.expectedSubjobs).toEqual(
      document.SubJobList.map(({ JobId, Status }) => ({
        path: `batch_item/${JobId}`,
        status: Status === 'Success' ? 'succeeded' : 'failed',
        leaf: true,
      })),
    );
    // Read off the document alone, by the outcome table.
    if (outcome === 'succeeded') expect(new Set(words)).toEqual(new Set(['Success']));
    if (outcome === 'partially_failed') expect(new Set(words)).toEqual(new Set(['Success', 'Failed']));
    if (outcome === 'failed') expect(words).not.toContain('Success');
    if (outcome !== 'failed') expect(document.Status).toBe('Finished');
  }
});

it('fails in three ways: by its word, by all of its subjobs, or with an error in the place of subjobs', () => {
  const ends = SEEDS.map((seed) => at(planned(seed, { outcome: 'failed' }), 105_000));
  const way = (document: Document) =>
    document.Status === 'Failed' ? 'word' : document.SubJobList.length > 0 ? 'subjobs' : 'error';
  expect(new Set(ends.map(way))).toEqual(new Set(['word', 'subjobs', 'error']));
  for (const document of ends) expect(Boolean(extendOf(document).ErrorCode)).toBe(way(document) !== 'subjobs');

  const told = planned(3, { batchError: true });
  expect(told).toMatchObject({ expectedStatus: 'failed', expectedSubjobs: [] });
  const document = at(told, 105_000);
  expect(document).toMatchObject({ Status: 'Finished', SubJobList: [] });
  expect(extendOf(document)).toEqual({
    ErrorCode: told.expectedError?.code,
    ErrorMessage: told.expectedError?.message,
  });
  expect(extendOf(at(told, 104_000))).toEqual({});
});

it('has three to twelve subjobs, or as many as were ordered', () => {
  const counts = SEEDS.map((seed) => planned(seed, { outcome: 'succeeded' }).expectedSubjobs.length);
  expect([Math.min(...counts), Math.max(...counts)]).toEqual([3, 12]);
  expect(planned(1, { subjobs: 40 }).expectedSubjobs).toHaveLength(40);
  expect(planned(1, { subjobs: 0, outcome: 'succeeded' })).toMatchObject({
    expectedStatus: 'succeeded',
    expectedSubjobs: [],
  });
});

it('can finish before its last subjobs do', () => {
  for (const outcome of ['succeeded', 'partially_failed', 'failed'] as const) {
    for (const seed of SEEDS) {
      const job = planned(seed, { outcome, subjobs: 5, openSubjobs: 2 });
      const lastWordAt = job.lastWordAt?.(life) ?? NaN;
      expect(at(job, lastWordAt - 1).Status).toBe('Processing');
      const finished = at(job, lastWordAt);
      expect(finished.Status).toBe('Finished');
      expect(wordsOf(finished).filter((word) => word === 'Processing')).toHaveLength(2);
      expect(wordsOf(at(job, 104_999))).toContain('Processing');
      expect(wordsOf(at(job, 105_000))).not.toContain('Processing');
      expect(job.expectedStatus).toBe(outcome);
    }
  }
});

it('can announce more videos than it makes', () => {
  const job = planned(2, { subjobs: 4, missingSubjobs: 3, outcome: 'succeeded' });
  const { OutputConfig, SubJobList } = at(job, 105_000);
  expect(JSON.parse(OutputConfig)).toMatchObject({ Count: 7, MediaURL: expect.stringContaining('_{index}.mp4') });
  expect(SubJobList.map(({ MediaURL }) => MediaURL.slice(-6))).toEqual(['_0.mp4', '_1.mp4', '_2.mp4', '_3.mp4']);
  expect(job.expectedStatus).toBe('succeeded');
});

it('calls back without a word about its subjobs', () => {
  const word = (outcome: FinalStatus, more: Partial<Order> = {}) =>
    SEEDS.flatMap((seed) =>
      planned(seed, { outcome, ...more })
        .callbacks(life)
        .map(({ message }) => message['Status']),
    );
  expect(planned(1, { outcome: 'partially_failed' }).callbacks(life)).toEqual([
    {
      at: 105_000,
      eventType: 'BatchProduceMediaComplete',
      message: { Status: 'Finished', UserData: '{"k":"v"}', JobId: 'batch-1' },
    },
  ]);
  expect(new Set(word('failed'))).toEqual(new Set(['Finished', 'Failed']));
  expect(new Set(word('partially_failed'))).toEqual(new Set(['Finished']));
  expect(planned(1, { outcome: 'succeeded' }).forgery?.(life).message).toMatchObject({ Status: 'Failed' });

  const early = planned(1, { outcome: 'succeeded', openSubjobs: 1 });
  expect(early.callbacks(life)).toMatchObject([{ at: early.lastWordAt?.(life), message: { Status: 'Finished' } }]);
  expect(early.lastWordAt?.(life)).toBeLessThan(105_000);
});

it('refuses what cannot be', () => {
  const wrong: Partial<Order>[] = [
    { outcome: 'canceled' },
    { outcome: 'partially_failed', subjobs: 1 },
    { subjobs: 2, openSubjobs: 3 },
    { batchError: true, subjobs: 2 },
    { batchError: true, outcome: 'succeeded' },
  ];
  for (const order of wrong) expect(() => planned(1, order)).toThrow(RangeError);
});
