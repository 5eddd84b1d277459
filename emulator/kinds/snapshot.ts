import { imsAnswers, type ImsKind } from './ims-kind.js';
import { place, processing } from './processing-job.js';

/** What a job of each type makes, as a pattern: the images bear their numbers in place of the word in braces. */
const FILES = { Normal: '{Count}.jpg', Sprite: 'sprite-{TileCount}.jpg', WebVtt: 'thumbnails.vtt' } as const;

/** GetSnapshotJob and its SnapshotComplete callback (sheet section 7). */
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

  plan(draw, order) {
    const name = order.name ?? `shots-${order.vendorJobId.slice(0, 6)}`;
    const type = draw.weighted({ Normal: 60, Sprite: 25, WebVtt: 15 });
    const count = draw.int(1, 30);
    const file = `${name}-${order.vendorJobId.slice(0, 8)}`;
    const output = `${file}/${FILES[type]}`;
    return processing(draw, order, {
      noun: 'snapshot',
      name,
      eventType: 'SnapshotComplete',
      mayMiss: 'Pipeline',
      medianMs: 10_000,
      fields: () => ({
        Type: type,
        Input: place(`${file}.mp4`),
        // Where the images will be, from the beginning: the same place says something only after a success.
        Output: place(output, `http://demo-bucket.oss-cn-shanghai.aliyuncs.com/${output}`),
        Count: count,
        Async: true,
        TemplateConfig: JSON.stringify({ Type: type, FrameType: 'normal', Time: 0, Count: count }),
      }),
    });
  },
};
