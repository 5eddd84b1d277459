import { draw } from '../draw.js';
import type { FinalStatus } from '../outcome.js';
import { mediaProducing } from './media-producing.js';

const life = { submittedAt: 0, startsAt: 4_000, endsAt: 14_000 };

function planned(outcome: FinalStatus) {
  return mediaProducing.plan(draw(7), { vendorJobId: 'job-1', userData: '{"k":"v"}', outcome });
}

it('a job waits, works and succeeds', () => {
  const seen = [0, 1_500, 4_000, 9_000, 13_999, 14_000].map((now) => planned('succeeded').document(life, now));
  expect(seen.map(({ Status, Progress }) => [Status, Progress])).toEqual([
    ['Init', 0],
    ['Queuing', 0],
    ['Processing', 0],
    ['Processing', 50],
    ['Processing', 99],
    ['Success', 100],
  ]);
  expect(seen.map((document) => 'CompleteTime' in document)).toEqual([false, false, false, false, false, true]);
  expect(seen.at(-1)).toMatchObject({
    JobId: 'job-1',
    UserData: '{"k":"v"}',
    Duration: expect.any(Number),
    CreateTime: '1970-01-01T00:00:00Z',
    CompleteTime: '1970-01-01T00:00:14Z',
  });
  expect(seen.at(-1)).not.toHaveProperty('Code');
});

it('a failed job says Failed when asked and Fail when it calls back', () => {
  const job = planned('failed');
  const document = job.document(life, 14_000);
  expect(document).toMatchObject({
    Status: 'Failed',
    Code: job.expectedError?.code,
    Message: job.expectedError?.message,
  });
  expect(document).not.toHaveProperty('Duration');
  expect(document['Progress']).toBeLessThan(100);
  expect(job.callbacks(life)).toEqual([
    expect.objectContaining({
      at: 14_000,
      eventType: 'ProduceMediaComplete',
      message: expect.objectContaining({ Status: 'Fail', JobId: 'job-1', ErrorCode: job.expectedError?.code }),
    }),
  ]);
});

it('a forged callback claims the opposite', () => {
  expect(planned('failed').forgery?.(life).message).toMatchObject({ Status: 'Success', ErrorCode: '' });
  expect(planned('succeeded').forgery?.(life).message).toMatchObject({ Status: 'Fail' });
});

it('cannot end as what it has no word for', () => {
  expect(() => planned('canceled')).toThrow(RangeError);
  expect(() => planned('partially_failed')).toThrow(RangeError);
});
