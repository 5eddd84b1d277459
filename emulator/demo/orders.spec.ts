import { draw } from '../draw.js';
import type { SubmitOptions } from '../emulator.js';
import { shaped } from './orders.js';

const orders = (api: SubmitOptions['api']) =>
  Array.from({ length: 400 }, (_, seed) => shaped({ api, name: 'goal-tv-recap-0042' }, draw(seed)));
const share = (of: SubmitOptions[], has: (order: SubmitOptions) => unknown) => of.filter(has).length / of.length;

it('batches do everything that batches do, each now and then', () => {
  const batches = orders('alibaba-ims/batch-media-producing');
  const sometimes = (has: (order: SubmitOptions) => unknown) => {
    expect(share(batches, has)).toBeGreaterThan(0.02);
    expect(share(batches, has)).toBeLessThan(0.4);
  };
  sometimes(({ batchError }) => batchError);
  sometimes(({ openSubjobs }) => openSubjobs);
  sometimes(({ missingSubjobs }) => missingSubjobs);
  sometimes(({ outcome }) => outcome === 'partially_failed');
  for (const { batchError, subjobs = 0, openSubjobs = 0, outcome } of batches) {
    expect(batchError ? subjobs + openSubjobs : 0).toBe(0);
    expect(openSubjobs).toBeLessThanOrEqual(subjobs);
    if (outcome === 'partially_failed') expect(subjobs).toBeGreaterThan(1);
  }
});

it('only jobs with parts fail in part', () => {
  expect(share(orders('alibaba-ims/media-convert'), ({ outcome }) => outcome)).toBeGreaterThan(0.05);
  expect(share(orders('huawei-mpc/editing'), ({ outcome, subjobs }) => outcome ?? subjobs)).toBe(0);
});

it('every job is short enough to watch', () => {
  for (const { queueMs = 0, durationMs = 0 } of orders('huawei-mpc/editing')) {
    expect(queueMs + durationMs).toBeLessThan(90_000);
    expect(durationMs).toBeGreaterThan(5_000);
  }
});
