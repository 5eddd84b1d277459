import type { JobItem } from '../../src/jobs/job-schemas.js';
import { APIS } from '../kinds/kinds.js';
import { lineWidth, toText } from './line.js';
import { table } from './table.js';

const NOW = Date.parse('2026-01-01T00:10:00Z');
const jobs = APIS.map(
  (api, place) =>
    ({
      api,
      vendorJobId: `${place}579b5e7a7b54ed1`,
      status: 'running',
      confirmed: true,
      via: 'callback',
      progress: api.includes('batch') ? null : 40,
      name: null,
      labels: { tenant: 'kidsplanet' },
      error: null,
      createdAt: '2026-01-01T00:09:18Z',
      terminalAt: null,
      subjobCounts: api.includes('batch') ? { total: 12, succeeded: 10, failed: 2, skipped: 0 } : { total: 0 },
    }) as unknown as JobItem,
);

it('every kind has its row in a hundred columns, and its name in full', () => {
  const [titles, ...rows] = table(jobs, NOW, 100).map((line) => {
    expect(lineWidth(line)).toBeLessThanOrEqual(100);
    return toText(line, false);
  });
  for (const title of ['STATUS', 'API', 'JOB', 'PROGRESS', 'PARTS', 'VIA', 'AGE', 'NOTE'])
    expect(titles).toContain(title);
  const kinds = rows.map((row) => /^● running {4}(\S+) +kidsplanet/.exec(row)?.[1]);
  expect(kinds.every((kind) => kind !== undefined && !kind.includes('…'))).toBe(true);
  expect(new Set(kinds).size).toBe(APIS.length);
  expect(kinds).toEqual(
    expect.arrayContaining(['batch-producing', 'media-producing', 'media-convert', 'dynamic-image', 'huawei-editing']),
  );
  expect(rows.find((row) => row.includes('batch-producing'))).toContain('10/12 ✗2');
});
