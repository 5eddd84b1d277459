import { expectedOutcome } from '../outcome.js';
import { imsAnswers, type ImsKind, vendorTime } from './ims-kind.js';
import { doneShare, type Life } from './kind.js';

/** What a job of each type makes, as a pattern: the images bear their numbers in place of the word in braces. */
const FILES = { Normal: '{Count}.jpg', Sprite: 'sprite-{TileCount}.jpg', WebVtt: 'thumbnails.vtt' } as const;

/** GetSnapshotJob and its SnapshotComplete callback (sheet section 7): `Init` until it ends, and no progress. */
export const snapshot: ImsKind = {
  api: 'alibaba-ims/snapshot',
  getAction: 'GetSnapshotJob',
  ...imsAnswers('SnapshotJob'),
  statusField: 'Status',
  list: {
    action: 'ListSnapshotJobs',
    key: 'Jobs',
    style: 'pages',
    without: ['Code', 'Message', 'TemplateConfig', 'UserData', 'OssFile'],
    filters: { JobId: ({ vendorJobId }) => vendorJobId },
  },

  plan(draw, { vendorJobId, userData, name = `shots-${vendorJobId.slice(0, 6)}`, ...order }) {
    const outcome = order.outcome ?? draw.weighted({ succeeded: 92, failed: 8 });
    if (outcome !== 'succeeded' && outcome !== 'failed') {
      throw new RangeError(`a snapshot job cannot end as ${outcome}: it has one output and no cancel word`);
    }
    const error =
      outcome === 'failed'
        ? draw.pick([
            { code: 'InvalidParameter.ResourceContentBad', message: 'The resource operated "InputFile" is bad' },
            { code: 'ResourceNotFound', message: 'The specified resource for "Pipeline" could not be found.' },
          ])
        : undefined;
    const type = draw.weighted({ Normal: 60, Sprite: 25, WebVtt: 15 });
    const count = draw.int(1, 30);
    const input = `${name}-${vendorJobId.slice(0, 8)}.mp4`;
    const output = `${name}-${vendorJobId.slice(0, 8)}/${FILES[type]}`;
    const place = (object: string) => ({ Bucket: 'demo-bucket', Location: 'oss-cn-shanghai', Object: object });
    const template = { TemplateId: draw.hex(32), PipelineId: draw.hex(32) };

    return {
      queueMs: order.queueMs ?? Math.min(draw.logNormal(2_000, 0.6), 60_000),
      durationMs: order.durationMs ?? Math.min(draw.logNormal(10_000, 0.6), 600_000),
      name,
      expectedStatus: expectedOutcome(error ? 'failure' : 'success', []),
      expectedSubjobs: [],
      expectedError: error,
      word,

      document(life, now) {
        const over = doneShare(life, now) === 1;
        return {
          JobId: vendorJobId,
          TriggerSource: 'API',
          Name: name,
          Type: type,
          Input: { Type: 'OSS', Media: `oss://demo-bucket/${input}`, OssFile: place(input) },
          // Where the images will be, from the beginning: the same place says something only after a success.
          Output: {
            Type: 'OSS',
            Media: `http://demo-bucket.oss-cn-shanghai.aliyuncs.com/${output}`,
            OssFile: place(output),
          },
          Count: count,
          Async: true,
          TemplateConfig: JSON.stringify({ Type: type, FrameType: 'normal', Time: 0, Count: count }),
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
        { at: life.endsAt, eventType: 'SnapshotComplete', message: completion(error ? 'Fail' : 'Success') },
      ],
      forgery: () => ({ eventType: 'SnapshotComplete', message: completion(error ? 'Success' : 'Fail') }),
    };

    function word(life: Life, now: number) {
      return now < life.endsAt ? 'Init' : error ? 'Fail' : 'Success';
    }

    /** The body is not documented: what every documented one has. */
    function completion(status: 'Success' | 'Fail') {
      return { JobId: vendorJobId, Status: status, UserData: userData };
    }
  },
};
