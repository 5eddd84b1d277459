import type { JobItem } from '../../src/jobs/job-schemas.js';
import { Mirror } from './mirror.js';
import type { TrackerApi } from './tracker-api.js';

const job = (vendorJobId: string, change: Partial<JobItem> = {}): JobItem =>
  ({
    id: vendorJobId,
    vendorJobId,
    status: 'running',
    confirmed: true,
    terminalAt: null,
    updatedAt: '2026-01-01T00:00:00Z',
    ...change,
  }) as JobItem;
const tracker = (...pages: JobItem[][]): TrackerApi =>
  ({
    async *changed() {
      yield* pages;
    },
  }) as unknown as TrackerApi;

it('a subjob that is taken for a job for a moment is not counted', async () => {
  const mirror = new Mirror((vendorJobId) => vendorJobId === 'part');
  const done = { status: 'failed', terminalAt: '2026-01-01T00:00:00Z' } as const;
  const news = await mirror.refresh(tracker([job('batch'), job('part', done), job('other', done)]));
  expect(news.map(({ vendorJobId }) => vendorJobId)).toEqual(['other']);
  expect(mirror.get('part')).toBeUndefined();
  expect(mirror.counts()).toMatchObject({ running: 1, failed: 1 });
  expect(mirror.example?.vendorJobId).toBe('other');
});
