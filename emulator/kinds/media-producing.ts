import type { Draw } from '../draw.js';
import { expectedOutcome } from '../outcome.js';
import { imsAnswers, type ImsKind, vendorTime } from './ims-kind.js';
import { doneShare, type Life, type Order, type PlannedJob } from './kind.js';

const DAY_MS = 86_400_000;

/** GetMediaProducingJob and its ProduceMediaComplete callback (sheet sections 5.2, 2.2 and 2.3). */
export const mediaProducing: ImsKind = {
  api: 'alibaba-ims/media-producing',
  getAction: 'GetMediaProducingJob',
  ...imsAnswers('MediaProducingJob'),
  statusField: 'Status',
  list: {
    action: 'ListMediaProducingJobs',
    key: 'MediaProducingJobList',
    style: 'results',
    without: ['Timeline', 'Progress', 'VodMediaId', 'SubJobMaterials'],
    filters: {
      ProjectId: ({ document }) => document()['ProjectId'],
      MasterJobId: ({ parent }) => parent,
      Keyword: ({ vendorJobId }) => vendorJobId,
    },
    widestMs: 30 * DAY_MS,
    sizeAsText: true,
  },
  plan: (draw, order) => producing(draw, order),
};

/** What the list of a batch says of this job too. */
export type Product = {
  ProjectId: string;
  MediaId: string;
  MediaURL: string;
  seconds: number;
  error?: { code: string; message: string };
};

/** What is known of a job that a batch began. */
type Part = { mediaUrl: string; materials: Record<string, string> };

export function producing(draw: Draw, order: Order, part?: Part): PlannedJob & { product: Product } {
  const { vendorJobId, userData, name } = order;
  const outcome = order.outcome ?? draw.weighted({ succeeded: 92, failed: 8 });
  if (outcome !== 'succeeded' && outcome !== 'failed') {
    throw new RangeError(`a media producing job cannot end as ${outcome}: it has one output and no cancel word`);
  }

  const error = outcome === 'failed' ? { ...producingError(draw), ...order.error } : undefined;
  const forgedError = producingError(draw);
  const failedAt = draw.int(0, 95);
  const ids = { ProjectId: draw.hex(32), MediaId: draw.hex(32) };
  const MediaURL =
    part?.mediaUrl ??
    `http://demo-bucket.oss-cn-shanghai.aliyuncs.com/produced/${name ?? 'video'}-${vendorJobId.slice(0, 8)}.mp4`;
  const timeline = { VideoTracks: [{ VideoTrackClips: clips(draw) }] };
  const mediaSeconds = Math.round(draw.between(6, 180) * 100) / 100;

  return {
    queueMs: order.queueMs ?? Math.min(draw.logNormal(3_000, 0.8), 120_000),
    durationMs: order.durationMs ?? Math.min(draw.logNormal(45_000, 0.7), 3_600_000),
    name,
    expectedStatus: expectedOutcome(error ? 'failure' : 'success', []),
    expectedSubjobs: [],
    expectedError: error,
    product: { ...ids, MediaURL, seconds: mediaSeconds, error },
    word,

    document(life, now) {
      const share = doneShare(life, now);
      const over = share === 1;
      return {
        JobId: vendorJobId,
        ...ids,
        MediaURL,
        Timeline: JSON.stringify(timeline),
        ...(over && !error && { Duration: mediaSeconds }),
        CreateTime: vendorTime(life.submittedAt),
        ...(over && { CompleteTime: vendorTime(life.endsAt) }),
        ModifiedTime: vendorTime(over ? life.endsAt : Math.max(life.submittedAt, Math.min(now, life.startsAt))),
        Status: word(life, now),
        ...(over && error && { Code: error.code, Message: error.message }),
        UserData: userData,
        ...(part && { SubJobMaterials: JSON.stringify(part.materials) }),
        Progress: over && !error ? 100 : Math.min(Math.floor(share * 100), error ? failedAt : 99),
      };
    },

    callbacks: (life) => [
      { at: life.endsAt, eventType: 'ProduceMediaComplete', message: completion(error ? 'Fail' : 'Success', error) },
    ],
    forgery: () => ({
      eventType: 'ProduceMediaComplete',
      message: error ? completion('Success') : completion('Fail', forgedError),
    }),
  };

  function word(life: Life, now: number) {
    return now >= life.endsAt ? (error ? 'Failed' : 'Success') : waiting(life, now);
  }

  /** `Fail`, where the Get answer says `Failed` (sheet section 2.3). */
  function completion(status: 'Success' | 'Fail', reason?: { code: string; message: string }) {
    return {
      Status: status,
      MediaURL,
      MediaId: ids.MediaId,
      ProjectId: ids.ProjectId,
      ErrorCode: reason?.code ?? '',
      ErrorMessage: reason?.message ?? '',
      JobId: vendorJobId,
      UserData: userData,
    };
  }
}

/** A new job is `Init` for a moment; most of its wait is `Queuing`. */
function waiting(life: Life, now: number): string {
  if (now >= life.startsAt) return 'Processing';
  return now - life.submittedAt < (life.startsAt - life.submittedAt) / 4 ? 'Init' : 'Queuing';
}

function clips(draw: Draw) {
  return Array.from({ length: draw.int(1, 4) }, () => ({ MediaId: draw.hex(32) }));
}

/** Codes seen inside answers of this API (sheet section 8.2, the last paragraph). */
export function producingError(draw: Draw): { code: string; message: string } {
  return draw.pick([
    { code: 'InvalidMaterial.NotFound', message: `The specified clips id not found:["${draw.hex(32)}"]` },
    { code: 'ExceededMaximumValue', message: 'The specified "Width_Height" has exceeded maximum value.' },
    { code: 'ResourceNotFound', message: 'The specified resource is not found.' },
  ]);
}
