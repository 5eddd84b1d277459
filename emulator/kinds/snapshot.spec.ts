import { draw } from '../draw.js';
import type { FinalStatus } from '../outcome.js';
import { snapshot } from './snapshot.js';

const LIFE = { submittedAt: 1_800_000_000_000, startsAt: 1_800_000_002_000, endsAt: 1_800_000_010_000 };
const plan = (outcome: FinalStatus, seed = 1) =>
  snapshot.plan(draw(seed, 'job'), { vendorJobId: 'abcdef0123', userData: '{}', outcome });

describe('a snapshot job at the vendor', () => {
  it('is Init until it ends, running or not', () => {
    const job = plan('succeeded');
    for (const at of [LIFE.submittedAt, LIFE.startsAt, LIFE.endsAt - 1]) {
      expect(job.document(LIFE, at)).toMatchObject({ JobId: 'abcdef0123', Status: 'Init' });
      expect(job.document(LIFE, at)).not.toHaveProperty('FinishTime');
    }
  });

  it('ends well, or with the reason why not', () => {
    expect(plan('succeeded').document(LIFE, LIFE.endsAt)).toMatchObject({ Status: 'Success' });
    expect(plan('succeeded').document(LIFE, LIFE.endsAt)).not.toHaveProperty('Code');
    const failed = plan('failed');
    expect(failed.document(LIFE, LIFE.endsAt)).toMatchObject({ Status: 'Fail', Code: failed.expectedError?.code });
    expect(failed.callbacks(LIFE)).toMatchObject([{ eventType: 'SnapshotComplete', message: { Status: 'Fail' } }]);
  });

  it('names its files by a pattern that fits its type', () => {
    const patterns: Record<string, string> = {};
    for (let seed = 0; seed < 30; seed++) {
      const { Type, Output } = plan('succeeded', seed).document(LIFE, LIFE.endsAt);
      patterns[String(Type)] = (Output as { Media: string }).Media;
    }
    expect(patterns).toEqual({
      Normal: expect.stringMatching(/\{Count\}\.jpg$/),
      Sprite: expect.stringMatching(/\{TileCount\}\.jpg$/),
      WebVtt: expect.stringMatching(/\.vtt$/),
    });
  });

  it('cannot end as what it has no word for', () => {
    expect(() => plan('canceled')).toThrow(RangeError);
    expect(() => plan('partially_failed')).toThrow(RangeError);
  });
});
