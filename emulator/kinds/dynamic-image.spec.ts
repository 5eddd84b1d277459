import { draw } from '../draw.js';
import { dynamicImage } from './dynamic-image.js';

const LIFE = { submittedAt: 1_800_000_000_000, startsAt: 1_800_000_002_000, endsAt: 1_800_000_010_000 };
const plan = (outcome: 'succeeded' | 'failed') =>
  dynamicImage.plan(draw(1, 'job', 1), { vendorJobId: 'abcdef0123', userData: '{}', outcome });

describe('an animated image at the vendor', () => {
  it('is Init until it ends, running or not', () => {
    const job = plan('succeeded');
    for (const at of [LIFE.submittedAt, LIFE.startsAt, LIFE.endsAt - 1]) {
      expect(job.document(LIFE, at)).toMatchObject({ JobId: 'abcdef0123\n', Status: 'Init' });
      expect(job.document(LIFE, at)).not.toHaveProperty('OutputUrl');
    }
  });

  it('ends with its file, or with the reason why there is none', () => {
    expect(plan('succeeded').document(LIFE, LIFE.endsAt)).toMatchObject({
      Status: 'Success',
      OutputUrl: expect.stringMatching(/\.gif$/),
    });
    const failed = plan('failed');
    expect(failed.document(LIFE, LIFE.endsAt)).toMatchObject({ Status: 'Fail', Code: failed.expectedError?.code });
    expect(failed.document(LIFE, LIFE.endsAt)).not.toHaveProperty('OutputUrl');
  });
});
