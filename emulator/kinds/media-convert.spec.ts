import { draw } from '../draw.js';
import type { FinalStatus } from '../outcome.js';
import { mediaConvert } from './media-convert.js';

type Detail = { Status: string; TaskId: string; Code?: string; Result?: Record<string, never>; Outputs?: Detail[] };
type Document = { State: string; Percent: number; OutputDetails: Detail[]; OutputGroupDetails: Detail[] };

const life = { submittedAt: 0, startsAt: 2_000, endsAt: 12_000 };
const ORDER = ['Init', 'Scheduled', 'Running', 'Success', 'Failed', 'Skipped'];
const SEEDS = Array.from({ length: 60 }, (_, seed) => seed);

function planned(seed: number, outcome?: FinalStatus, counts: { outputs?: number; groups?: number } = {}) {
  return mediaConvert.plan(draw(seed), { vendorJobId: `job-${seed}`, userData: '{}', outcome, ...counts });
}
const at = (job: ReturnType<typeof planned>, now: number) => job.document(life, now) as unknown as Document;
const leavesOf = ({ OutputDetails, OutputGroupDetails }: Document) => [
  ...OutputDetails,
  ...OutputGroupDetails.flatMap((group) => group.Outputs ?? []),
];

it('a job advances with its outputs and never goes back', () => {
  for (const seed of SEEDS) {
    const job = planned(seed);
    const seen = Array.from({ length: 27 }, (_, step) => at(job, step * 500));
    const running = seen.filter(({ State }) => ['Inited', 'Running'].includes(State)).map(({ Percent }) => Percent);
    expect(running).toEqual([...running].sort((a, b) => a - b));
    const partsOf = (document: Document) => [...leavesOf(document), ...document.OutputGroupDetails];
    const words = seen.map((document) => partsOf(document).map(({ Status }) => ORDER.indexOf(Status)));
    const wentBack = words.slice(1).filter((later, index) => {
      const before = words[index] ?? [];
      return later.some((word, place) => word < (before[place] ?? -1));
    });
    expect(wentBack).toEqual([]);
    expect(seen.slice(0, 4).every(({ State }) => State === 'Inited')).toBe(true);
    expect(seen.slice(4, 24).every(({ State }) => State === 'Running')).toBe(true);
    expect(seen.slice(24).every(({ State }) => ['Complete', 'Error', 'Cancelled'].includes(State))).toBe(true);
  }
});

it('its outputs pass through Scheduled, its groups through Running', () => {
  const words = new Set<string>();
  const groupWords = new Set<string>();
  for (let now = 0; now <= 12_000; now += 100) {
    const document = at(planned(3, 'succeeded', { outputs: 2, groups: 1 }), now);
    document.OutputDetails.forEach(({ Status }) => words.add(Status));
    document.OutputGroupDetails.forEach(({ Status }) => groupWords.add(Status));
  }
  expect([...words]).toEqual(expect.arrayContaining(['Init', 'Scheduled', 'Success']));
  expect([...groupWords]).toEqual(expect.arrayContaining(['Init', 'Running', 'Success']));
});

it.each(['succeeded', 'partially_failed', 'failed', 'canceled'] as const)(
  'a job ordered to be %s ends so',
  (outcome) => {
    for (const seed of SEEDS) {
      const job = planned(seed, outcome);
      const document = at(job, 12_000);
      const leaves = leavesOf(document).map(({ Status }) => Status);
      const all = [...leaves, ...document.OutputGroupDetails.map(({ Status }) => Status)];
      expect(job.expectedStatus).toBe(outcome);
      // Read off the document alone, by the outcome table.
      if (outcome === 'canceled') expect(document.State).toBe('Cancelled');
      if (outcome === 'succeeded') {
        expect(document.State).toBe('Complete');
        expect(leaves).toContain('Success');
        expect(all).not.toContain('Failed');
      }
      if (outcome === 'partially_failed') {
        expect(leaves).toContain('Success');
        expect(document.State === 'Error' || all.includes('Failed')).toBe(true);
      }
      if (outcome === 'failed') {
        expect(leaves).not.toContain('Success');
        expect(document.State === 'Error' || all.includes('Failed')).toBe(true);
      }
      if (document.State === 'Complete') expect(all).not.toContain('Init');
      if (outcome === 'failed' || outcome === 'partially_failed')
        expect(job.expectedError?.code).toMatch(/^InvalidParameter/);
    }
  },
);

it('a job has as many parts as ordered, and as its outcome needs', () => {
  for (const seed of SEEDS) {
    const partial = planned(seed, 'partially_failed', { outputs: 1 });
    expect(partial.expectedSubjobs.filter(({ leaf }) => leaf).length).toBeGreaterThanOrEqual(2);
    expect(planned(seed, 'partially_failed', { outputs: 0, groups: 1 }).expectedStatus).toBe('partially_failed');
    expect(planned(seed, undefined, { outputs: 0, groups: 0 }).expectedSubjobs).toEqual([]);
    expect(planned(seed, undefined, { outputs: 3, groups: 0 }).expectedSubjobs).toHaveLength(3);
  }
  expect(() => planned(1, 'partially_failed', { outputs: 1, groups: 0 })).toThrow('two outputs');
});

it('a finished file is described in text only, in two spellings', () => {
  const details = SEEDS.flatMap((seed) => leavesOf(at(planned(seed, 'succeeded'), 12_000)));
  const metas = details.flatMap(({ Result }) => (Result ? [Result['OutFileMeta'] as never as Meta] : []));
  type Meta = Record<'VideoStreamInfoList' | 'AudioStreamInfoList', Record<string, unknown>[]> & {
    FileBasicInfo: Record<string, unknown>;
  };
  const videos = metas.flatMap((meta) => meta.VideoStreamInfoList);
  const audios = metas.flatMap((meta) => meta.AudioStreamInfoList);
  expect(videos.length).toBeGreaterThan(50);
  videos.forEach((video) => expect(video).toMatchObject({ Bit_rate: expect.any(String), Codec_name: 'h264' }));
  audios.forEach((audio) => expect(audio).toMatchObject({ Bitrate: expect.any(String), CodecName: 'aac' }));
  const values = [...videos, ...audios, ...metas.map((meta) => meta.FileBasicInfo)].flatMap((part) =>
    Object.values(part),
  );
  expect(values.filter((value) => typeof value !== 'string')).toEqual([]);
});

it('every level calls back once, the job last', () => {
  const job = planned(5, 'succeeded', { outputs: 2, groups: 1 });
  const events = job.callbacks(life).sort((a, b) => a.at - b.at);
  const reported = job.expectedSubjobs.filter(({ status }) => status === 'succeeded').length;
  expect(events).toHaveLength(reported + 1);
  expect(events.at(-1)).toEqual({
    at: 12_000,
    eventType: 'MediaConvertComplete',
    message: { JobId: 'job-5', State: 'Complete' },
  });
  expect(new Set(events.map(({ eventType }) => eventType))).toEqual(
    new Set(['MediaConvertOutputComplete', 'MediaConvertOutputGroupComplete', 'MediaConvertComplete']),
  );
});
