import { expectedOutcome } from '../outcome.js';
import { imsAnswers, type ImsKind, vendorTime } from './ims-kind.js';
import { doneShare, type Life } from './kind.js';

/** GetDynamicImageJob and its DynamicImageComplete callback (sheet section 5.5): `Init` until it ends, and no progress. */
export const dynamicImage: ImsKind = {
  api: 'alibaba-ims/dynamic-image',
  getAction: 'GetDynamicImageJob',
  ...imsAnswers('DynamicImageJob'),
  statusField: 'Status',
  list: {
    action: 'ListDynamicImageJobs',
    key: 'Jobs',
    style: 'pages',
    without: ['Code', 'Message', 'OutputUrl', 'TemplateConfig', 'UserData', 'OssFile'],
    filters: { JobId: ({ vendorJobId }) => vendorJobId },
  },

  plan(draw, { vendorJobId, userData, name = `gif-${vendorJobId.slice(0, 6)}`, ...order }) {
    const outcome = order.outcome ?? draw.weighted({ succeeded: 92, failed: 8 });
    if (outcome !== 'succeeded' && outcome !== 'failed') {
      throw new RangeError(`a dynamic image job cannot end as ${outcome}: it has one output and no cancel word`);
    }
    const error =
      outcome === 'failed'
        ? draw.pick([
            { code: 'InvalidParameter.ResourceContentBad', message: 'The resource operated "InputFile" is bad' },
            { code: 'ResourceNotFound', message: 'The specified resource for "CustomTemplate" could not be found.' },
          ])
        : undefined;
    const file = `${name}-${vendorJobId.slice(0, 8)}`;
    const place = (object: string) => ({ Bucket: 'demo-bucket', Location: 'oss-cn-shanghai', Object: object });
    const template = { TemplateId: draw.hex(32), PipelineId: draw.hex(32) };
    const size = draw.pick([
      { Width: 480, Height: 270 },
      { Width: 640, Height: 360 },
    ]);

    return {
      queueMs: order.queueMs ?? Math.min(draw.logNormal(2_000, 0.6), 60_000),
      durationMs: order.durationMs ?? Math.min(draw.logNormal(15_000, 0.6), 600_000),
      name,
      expectedStatus: expectedOutcome(error ? 'failure' : 'success', []),
      expectedSubjobs: [],
      expectedError: error,
      word,

      document(life, now) {
        const over = doneShare(life, now) === 1;
        return {
          // The vendor's own sample ends its id with a newline.
          JobId: `${vendorJobId}\n`,
          TriggerSource: 'API',
          Name: name,
          Input: { Type: 'OSS', Media: `oss://demo-bucket/${file}.mp4`, OssFile: place(`${file}.mp4`) },
          Output: { Type: 'OSS', Media: `oss://demo-bucket/${file}.gif`, OssFile: place(`${file}.gif`) },
          ...(over && !error && { OutputUrl: `http://demo-bucket.oss-cn-shanghai.aliyuncs.com/${file}.gif` }),
          TemplateConfig: JSON.stringify({ Format: 'gif', Fps: 5, ...size }),
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
        { at: life.endsAt, eventType: 'DynamicImageComplete', message: completion(error ? 'Fail' : 'Success') },
      ],
      forgery: () => ({ eventType: 'DynamicImageComplete', message: completion(error ? 'Success' : 'Fail') }),
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
