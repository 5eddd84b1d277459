import { draw } from '../draw.js';
import type { FinalStatus } from '../outcome.js';
import { huaweiEditing } from './huawei-editing.js';

const at = (text: string) => Date.parse(`2026-11-21T${text}Z`);
const life = { submittedAt: at('02:30:00'), startsAt: at('02:30:04'), endsAt: at('02:31:31') };
const planned = (outcome: FinalStatus, seed = 1) =>
  huaweiEditing.plan(draw(seed), { vendorJobId: '30647', userData: '{}', outcome, name: 'recap' });

it('a clip waits, works and succeeds', () => {
  const job = planned('succeeded');
  expect(job.document(life, life.submittedAt)).toEqual({
    job_id: '30647',
    status: 'WAITING',
    progress: 0,
    create_time: '20261121023000',
  });
  expect(job.document(life, life.endsAt - 1)).toEqual({
    job_id: '30647',
    status: 'PROCESSING',
    progress: 99,
    create_time: '20261121023000',
    start_time: '20261121023004',
  });
  expect(job.document(life, life.endsAt)).toEqual({
    job_id: '30647',
    status: 'SUCCEEDED',
    progress: 100,
    create_time: '20261121023000',
    start_time: '20261121023004',
    end_time: '20261121023131',
    metadata: [{ name: 'title', value: 'recap' }],
    output: { bucket: 'demo-bucket', location: 'cn-north-4', object: 'clips/', file_name: 'recap-30647.mp4' },
    editing_output: expect.objectContaining({ format: 'MP4' }),
  });
});

it('its file speaks of time in numbers, its streams in text', () => {
  const { editing_output: file } = planned('succeeded').document(life, life.endsAt) as { editing_output: any };
  expect(file).toMatchObject({ duration: expect.any(Number), duration_ms: expect.any(Number) });
  for (const stream of [file.video_info, ...file.audio_info]) {
    expect(stream).toMatchObject({
      duration: expect.any(String),
      duration_ms: expect.any(String),
      codec: expect.any(String),
    });
  }
});

it('a failed clip has no file, and half of them say why', () => {
  const ends = Array.from({ length: 60 }, (_, seed) => planned('failed', seed));
  const documents = ends.map((job) => job.document(life, life.endsAt));
  for (const document of documents) {
    expect(document).toMatchObject({ status: 'FAILED', end_time: '20261121023131' });
    for (const field of ['metadata', 'output', 'editing_output']) expect(document).not.toHaveProperty(field);
  }
  const told = documents.filter((document) => 'error_code' in document);
  expect(told.length).toBeGreaterThan(15);
  expect(told.length).toBeLessThan(45);
  expect(ends.map((job) => job.expectedError?.code)).toEqual(documents.map((document) => document['error_code']));
});

it('never calls back, and cannot end as what it has no word for', () => {
  expect(planned('succeeded').callbacks(life)).toEqual([]);
  expect(() => planned('canceled')).toThrow(RangeError);
  expect(() => planned('partially_failed')).toThrow(RangeError);
});
