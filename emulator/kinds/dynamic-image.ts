import { imsAnswers, type ImsKind } from './ims-kind.js';
import { place, processing } from './processing-job.js';

/** GetDynamicImageJob and its DynamicImageComplete callback (sheet section 5.5). */
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

  plan(draw, order) {
    const name = order.name ?? `gif-${order.vendorJobId.slice(0, 6)}`;
    const size = draw.pick([
      { Width: 480, Height: 270 },
      { Width: 640, Height: 360 },
    ]);
    const file = `${name}-${order.vendorJobId.slice(0, 8)}`;
    return processing(draw, order, {
      noun: 'dynamic image',
      name,
      eventType: 'DynamicImageComplete',
      mayMiss: 'CustomTemplate',
      medianMs: 15_000,
      fields: ({ succeeded }) => ({
        // The vendor's own sample ends its id with a newline.
        JobId: `${order.vendorJobId}\n`,
        Input: place(`${file}.mp4`),
        Output: place(`${file}.gif`),
        ...(succeeded && { OutputUrl: `http://demo-bucket.oss-cn-shanghai.aliyuncs.com/${file}.gif` }),
        TemplateConfig: JSON.stringify({ Format: 'gif', Fps: 5, ...size }),
      }),
    });
  },
};
