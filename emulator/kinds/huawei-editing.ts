import type { Draw } from '../draw.js';
import { expectedOutcome } from '../outcome.js';
import { doneShare, type JobKind, type Life } from './kind.js';

const SIZES = [
  { width: 1280, height: 720, kbps: 1_000 },
  { width: 1920, height: 1080, kbps: 3_000 },
  { width: 720, height: 1280, kbps: 1_200 },
] as const;

/** Clipping jobs of Huawei MPC (sheet section 1): up to ten in one answer, and nobody calls back about them. */
export const huaweiEditing: JobKind = {
  api: 'huawei-mpc/editing',
  vendor: 'huawei-mpc',
  statusField: 'status',
  // Decimal, and below the greatest whole number of a JSON parser.
  idFrom: (hex) => String(Number.parseInt(hex.slice(0, 11), 16)),
  answer: (document) => ({ job_array: [document] }),
  documentIn: ({ job_array: jobs }, vendorJobId) => {
    if (!Array.isArray(jobs)) return undefined;
    const documents = jobs as Record<string, unknown>[];
    return documents.find((document) => String(document['job_id']).trim() === vendorJobId) ?? documents[0];
  },

  plan(draw, { vendorJobId, name = 'clip', ...order }) {
    const outcome = order.outcome ?? draw.weighted({ succeeded: 90, failed: 10 });
    if (outcome !== 'succeeded' && outcome !== 'failed') {
      throw new RangeError(`an editing job cannot end as ${outcome}: it has one output and no cancel word`);
    }
    const error = outcome === 'failed' ? { ...editingError(draw), ...order.error } : undefined;
    // The fields for it are not on the vendor's page and were in its SDKs for a while (sheet section 1.3).
    const told = draw.happens(0.5) || order.error ? error : undefined;
    const failedAt = draw.int(0, 95);
    const made = {
      metadata: [{ name: 'title', value: name }],
      output: {
        bucket: 'demo-bucket',
        location: 'cn-north-4',
        object: 'clips/',
        file_name: `${name}-${vendorJobId}.mp4`,
      },
      editing_output: outputFile(draw),
    };

    return {
      queueMs: order.queueMs ?? Math.min(draw.logNormal(4_000, 0.7), 120_000),
      durationMs: order.durationMs ?? Math.min(draw.logNormal(60_000, 0.7), 3_600_000),
      name,
      expectedStatus: expectedOutcome(error ? 'failure' : 'success', []),
      expectedSubjobs: [],
      expectedError: told,
      word,

      document(life, now) {
        const share = doneShare(life, now);
        const over = share === 1;
        return {
          job_id: vendorJobId,
          status: word(life, now),
          progress: over && !error ? 100 : Math.min(Math.floor(share * 100), error ? failedAt : 99),
          create_time: compactTime(life.submittedAt),
          ...(now >= life.startsAt && { start_time: compactTime(life.startsAt) }),
          ...(over && { end_time: compactTime(life.endsAt) }),
          ...(over && !error && made),
          ...(over && told && { error_code: told.code, description: told.message }),
        };
      },

      callbacks: () => [],
    };

    function word(life: Life, now: number) {
      if (now >= life.endsAt) return error ? 'FAILED' : 'SUCCEEDED';
      return now < life.startsAt ? 'WAITING' : 'PROCESSING';
    }
  },
};

function editingError(draw: Draw): { code: string; message: string } {
  return draw.pick([
    { code: 'MPC.10209', message: 'The OBS path of the input or output file is invalid.' },
    { code: 'MPC.10210', message: 'Failed to read the file from OBS.' },
    { code: 'MPC.10212', message: 'The operation failed.' },
  ]);
}

/** `duration` is a number of the file and a text of each stream, in one answer. */
function outputFile(draw: Draw) {
  const size = draw.pick(SIZES);
  const ms = draw.int(5_000, 180_000);
  const audioMs = ms - draw.int(0, 40);
  const audioBps = draw.pick([64_000, 96_000, 128_000]);
  const videoBps = Math.round(size.kbps * 1_000 * draw.between(0.8, 1.1));
  const bytes = Math.round(((videoBps + audioBps) * ms) / 8_000);
  const streamTime = (length: number) => ({
    duration: String(Math.round(length / 1_000)),
    duration_ms: String(length),
  });
  return {
    duration: Math.round(ms / 1_000),
    duration_ms: ms,
    format: 'MP4',
    size: Math.round(bytes / 1_024),
    size_byte: bytes,
    video_info: {
      width: size.width,
      height: size.height,
      bitrate: Math.round(videoBps / 1_000),
      bitrate_bps: videoBps,
      frame_rate: draw.pick([24, 25, 30]),
      codec: draw.pick(['H264', 'H265']),
      dynamic_range: draw.happens(0.1) ? 'HDR' : 'SDR',
      ...streamTime(ms),
      rotate: draw.happens(0.1) ? 90 : 0,
    },
    audio_info: draw.happens(0.05)
      ? []
      : [
          {
            codec: 'AAC',
            sample: draw.pick([44_100, 48_000]),
            channels: 2,
            bitrate: audioBps / 1_000,
            bitrate_bps: audioBps,
            ...streamTime(audioMs),
          },
        ],
  };
}

/** UTC without separators or zone. */
function compactTime(at: number): string {
  return new Date(at).toISOString().slice(0, 19).replaceAll(/\D/g, '');
}
