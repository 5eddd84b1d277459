import { draw as drawBy, type Draw } from '../draw.js';
import { expectedOutcome, type ExpectedSubjob, type FinalStatus } from '../outcome.js';
import { imsAnswers, type ImsKind, vendorTime } from './ims-kind.js';
import { type Life, momentOf, type Order, type PlannedSubjob } from './kind.js';
import { mediaProducing, type Product, producing, producingError } from './media-producing.js';

const JOB_TYPES = [
  'Script',
  'Smart_Mix',
  'Sports_Highlights',
  'Screen_Media_Highlights',
  'Smart_Mix_Media_Select',
  'Smart_Mix_Timeline_Organize',
  'Screen_Media_Highlights_Media_Select',
  'Screen_Media_Highlights_Timeline_Organize',
  'Scene_Batch_Editing',
] as const;

/** How the batch is over: with parts, each with its own end; with a failure word; without a part, and an error instead. */
type Ending = 'parts' | 'failure' | 'error';

type Part = PlannedSubjob & { product: Product };

/**
 * GetBatchMediaProducingJob and its BatchProduceMediaComplete callback (sheet sections 5.3 and 2.3). Its subjobs are
 * ordinary producing jobs, which can be asked for one by one; `Finished` says nothing about how they went.
 */
export const batchMediaProducing: ImsKind = {
  api: 'alibaba-ims/batch-media-producing',
  getAction: 'GetBatchMediaProducingJob',
  ...imsAnswers('EditingBatchJob'),
  statusField: 'Status',
  list: {
    action: 'ListBatchMediaProducingJobs',
    key: 'EditingBatchJobList',
    style: 'results',
    without: ['SubJobList'],
    filters: { JobId: ({ vendorJobId }) => vendorJobId, JobType: ({ document }) => document()['JobType'] },
  },

  plan(draw, order) {
    const { vendorJobId, userData, name } = order;
    const outcome =
      order.outcome ??
      (order.batchError ? 'failed' : draw.weighted({ succeeded: 76, partially_failed: 15, failed: 9 }));
    const ending = endingFor(draw, order, outcome);
    const last = ending === 'failure' ? 'Failed' : 'Finished';
    const { parts, finishShare } = plannedParts(draw, order, outcome, ending);
    const error = ending === 'parts' ? undefined : { ...producingError(draw), ...order.error };
    const subjobs = parts.map(({ vendorJobId: id, plan }): ExpectedSubjob => ({
      path: `batch_item/${id}`,
      status: plan.expectedStatus === 'failed' ? 'failed' : 'succeeded',
      leaf: true,
    }));
    const fixed = {
      JobId: vendorJobId,
      JobType: draw.pick(JOB_TYPES),
      InputConfig: JSON.stringify(inputConfig(draw, order.input)),
      EditingConfig: JSON.stringify({
        MediaConfig: { Volume: 0 },
        SpeechConfig: { Volume: 1 },
        BackgroundMusicConfig: { Volume: 0.3 },
      }),
      OutputConfig: JSON.stringify({
        MediaURL: mediaUrl(order, '{index}'),
        Count: parts.length + (order.missingSubjobs ?? 0),
        MaxDuration: 15,
        Width: 1080,
        Height: 1920,
        Video: { Crf: 27 },
      }),
      UserData: userData,
    };
    const silent = draw.happens(0.5);
    const lastWordAt = (life: Life) => Math.round(momentOf(life, finishShare));

    return {
      queueMs: order.queueMs ?? Math.min(draw.logNormal(4_000, 0.7), 120_000),
      durationMs: order.durationMs ?? Math.min(draw.logNormal(120_000, 0.6), 7_200_000),
      name,
      expectedStatus: expectedOutcome(last === 'Finished' ? 'success' : 'failure', subjobs, error !== undefined),
      expectedSubjobs: subjobs,
      expectedError: error,
      subjobs: parts,
      lastWordAt,
      word,

      document(life, now) {
        const over = now >= lastWordAt(life);
        return {
          ...fixed,
          Status: word(life, now),
          ...(over && error && { Extend: JSON.stringify({ ErrorCode: error.code, ErrorMessage: error.message }) }),
          ...(!(over && error) && !silent && { Extend: '{}' }),
          CreateTime: vendorTime(life.submittedAt),
          ModifiedTime: vendorTime(over ? lastWordAt(life) : Math.max(life.submittedAt, Math.min(now, life.startsAt))),
          ...(over && { CompleteTime: vendorTime(lastWordAt(life)) }),
          // Nothing is begun before the batch is.
          SubJobList: now < life.startsAt ? [] : parts.map((part) => entry(part, life, now)),
        };
      },

      callbacks: (life) => [{ at: lastWordAt(life), ...completion(last) }],
      forgery: () => completion(last === 'Finished' ? 'Failed' : 'Finished'),
    };

    function word(life: Life, now: number) {
      if (now >= lastWordAt(life)) return last;
      return now < life.startsAt ? 'Init' : 'Processing';
    }

    /** No word about the subjobs. */
    function completion(status: 'Finished' | 'Failed') {
      return {
        eventType: 'BatchProduceMediaComplete',
        message: { Status: status, UserData: userData, JobId: vendorJobId },
      };
    }
  },
};

function endingFor(draw: Draw, order: Order, outcome: FinalStatus): Ending {
  const { subjobs = 0, openSubjobs = 0, batchError } = order;
  if (outcome === 'canceled') throw new RangeError('a batch cannot end as canceled: it has no cancel word');
  if (batchError && (outcome !== 'failed' || subjobs > 0 || openSubjobs > 0)) {
    throw new RangeError('a batch that ends with an error of its own has failed and has no subjobs');
  }
  if (batchError) return 'error';
  // A failure word ends the batch at once: then nothing can be open.
  if (outcome !== 'failed' || openSubjobs > 0) return 'parts';
  const maybe = (wanted: boolean, weight: number) => (wanted ? weight : 0);
  return draw.weighted({
    parts: maybe(order.subjobs !== 0, 4),
    failure: 4,
    error: maybe(subjobs === 0 && batchError === undefined, 2),
  });
}

function plannedParts(draw: Draw, order: Order, outcome: FinalStatus, ending: Ending) {
  const open = order.openSubjobs ?? 0;
  const count = order.subjobs ?? drawnCount(draw, open, ending);
  if (open > count) throw new RangeError(`${open} of ${count} subjobs cannot be open`);
  if (outcome === 'partially_failed' && count < 2) throw new RangeError('a partial failure needs at least two subjobs');
  if (outcome === 'failed' && ending === 'parts' && count === 0) {
    throw new RangeError('without subjobs no subjob can fail');
  }

  const callsBack = order.subjobCallbacks ?? draw.happens(1 / 3);
  const finishShare = open > 0 ? draw.between(0.5, 0.7) : 1;
  const ends = draw.shuffled(endsOf(draw, outcome, count));
  const parts = Array.from({ length: count }, (_, place): Part => {
    const vendorJobId = draw.hex(32);
    const [from, to] = turn(draw, place - (count - open), finishShare);
    // Drawn by its own id: what becomes of a subjob does not depend on how many there are.
    const plan = producing(
      drawBy('subjob', vendorJobId),
      { vendorJobId, userData: order.userData, outcome: ends[place], name: order.name, error: order.error },
      { mediaUrl: mediaUrl(order, place), materials: { Title: `Title ${place + 1}`, SpeechText: `Text ${place + 1}` } },
    );
    return {
      vendorJobId,
      kind: mediaProducing,
      plan,
      product: plan.product,
      callsBack,
      lifeIn: (life) => ({
        submittedAt: life.startsAt,
        startsAt: Math.round(momentOf(life, from)),
        endsAt: Math.round(momentOf(life, to)),
      }),
    };
  });
  return { parts, finishShare };
}

/** A batch that fails as a whole has often not come so far as to begin a subjob. */
function drawnCount(draw: Draw, open: number, ending: Ending): number {
  if (ending === 'error' || (ending === 'failure' && draw.happens(0.3))) return 0;
  return draw.int(Math.max(3, open), Math.max(12, open));
}

function endsOf(draw: Draw, outcome: FinalStatus, count: number): ('succeeded' | 'failed')[] {
  if (outcome !== 'partially_failed')
    return Array.from({ length: count }, () => (outcome === 'failed' ? outcome : 'succeeded'));
  return [
    'succeeded',
    'failed',
    ...Array.from({ length: count - 2 }, () => draw.weighted({ succeeded: 3, failed: 1 })),
  ];
}

/** Which shares of the batch's run a subjob takes; `late` counts those that outlast its last word, the first of them to the end. */
function turn(draw: Draw, late: number, finishShare: number): [number, number] {
  const from = draw.between(0, 0.4) * finishShare;
  const share = draw.next();
  if (late < 0) return [from, from + (finishShare - from) * (0.2 + 0.75 * share)];
  return [from, late === 0 ? 1 : finishShare + (1 - finishShare) * (0.4 + 0.6 * share)];
}

function entry({ vendorJobId, product, lifeIn }: Part, life: Life, now: number) {
  const { startsAt, endsAt } = lifeIn(life);
  const { error } = product;
  const over = now >= endsAt;
  return {
    MediaId: product.MediaId,
    JobId: vendorJobId,
    MediaURL: product.MediaURL,
    Status: over ? (error ? 'Failed' : 'Success') : now < startsAt ? 'Init' : 'Processing',
    ...(over && error && { ErrorCode: error.code, ErrorMessage: error.message }),
    ...(over && !error && { Duration: product.seconds }),
    ProjectId: product.ProjectId,
  };
}

function mediaUrl({ vendorJobId, name }: Order, place: number | '{index}'): string {
  return `http://demo-bucket.oss-cn-shanghai.aliyuncs.com/batch/${name ?? 'short'}-${vendorJobId.slice(0, 8)}_${place}.mp4`;
}

function inputConfig(draw: Draw, input?: string) {
  const group = (name: string) => ({
    GroupName: name,
    MediaArray: Array.from({ length: draw.int(1, 3) }, () => draw.hex(32)).concat(input ?? []),
  });
  return { MediaGroupArray: [group('opening'), group('main')], TitleArray: ['Title 1'], SpeechTextArray: ['Text 1'] };
}
