import type { Draw } from '../draw.js';
import { expectedOutcome } from '../outcome.js';
import { vendorTime } from './ims-kind.js';
import { doneShare, type Life, type Order, type PlannedJob } from './kind.js';

/** What is particular to one kind of processing job. */
type Processing = {
  /** As in "a … job cannot end as canceled". */
  noun: string;
  name: string;
  eventType: string;
  /** What a failure may name as missing. */
  mayMiss: string;
  medianMs: number;
  /** The fields that only this kind has. */
  fields(at: { succeeded: boolean }): Record<string, unknown>;
};

/** Animated images and snapshots: one output, `Init` until they end, and no progress (sheet sections 5.5 and 7). */
export function processing(draw: Draw, order: Order, of: Processing): PlannedJob {
  const { vendorJobId, userData } = order;
  const outcome = order.outcome ?? draw.weighted({ succeeded: 92, failed: 8 });
  if (outcome !== 'succeeded' && outcome !== 'failed') {
    throw new RangeError(`a ${of.noun} job cannot end as ${outcome}: it has one output and no cancel word`);
  }
  const error = outcome === 'failed' ? { ...processingError(draw, of), ...order.error } : undefined;
  const drawnTemplate = draw.hex(32);
  const template = { TemplateId: order.templateId ?? drawnTemplate, PipelineId: draw.hex(32) };

  return {
    queueMs: order.queueMs ?? Math.min(draw.logNormal(2_000, 0.6), 60_000),
    durationMs: order.durationMs ?? Math.min(draw.logNormal(of.medianMs, 0.6), 600_000),
    name: of.name,
    expectedStatus: expectedOutcome(error ? 'failure' : 'success', []),
    expectedSubjobs: [],
    expectedError: error,
    word,

    document(life, now) {
      const over = doneShare(life, now) === 1;
      return {
        JobId: vendorJobId,
        TriggerSource: 'API',
        Name: of.name,
        ...of.fields({ succeeded: over && !error }),
        ...template,
        Status: word(life, now),
        ...(over && error && { Code: error.code, Message: error.message }),
        UserData: userData,
        SubmitTime: vendorTime(life.submittedAt),
        CreateTime: vendorTime(life.submittedAt),
        ModifiedTime: vendorTime(over ? life.endsAt : life.submittedAt),
        ...(over && { FinishTime: vendorTime(life.endsAt) }),
      };
    },

    callbacks: (life) => [
      { at: life.endsAt, eventType: of.eventType, message: completion(error ? 'Fail' : 'Success') },
    ],
    forgery: () => ({ eventType: of.eventType, message: completion(error ? 'Success' : 'Fail') }),
  };

  function word(life: Life, now: number) {
    return now < life.endsAt ? 'Init' : error ? 'Fail' : 'Success';
  }

  /** The body is not documented: what every documented one has. */
  function completion(status: 'Success' | 'Fail') {
    return { JobId: vendorJobId, Status: status, UserData: userData };
  }
}

function processingError(draw: Draw, { mayMiss }: Processing): { code: string; message: string } {
  return draw.pick([
    { code: 'InvalidParameter.ResourceContentBad', message: 'The resource operated "InputFile" is bad' },
    { code: 'ResourceNotFound', message: `The specified resource for "${mayMiss}" could not be found.` },
  ]);
}

/** A place in a bucket, as `Input` and `Output` give it; `media` is the address of the file. */
export function place(object: string, media = `oss://demo-bucket/${object}`) {
  const file = { Bucket: 'demo-bucket', Location: 'oss-cn-shanghai', Object: object };
  return { Type: 'OSS', Media: media, OssFile: file };
}
