import type { Json } from '../../domain/observation.js';
import type { Listing } from '../vendor-api.js';
import { batchMediaProducing } from './batch-media-producing.js';
import { dynamicImage } from './dynamic-image.js';
import { mediaConvert } from './media-convert.js';
import { mediaProducing } from './media-producing.js';

// Pages as the protocol sheet describes them (section 6), since the vendor shows none whole.

type Page = { [key: string]: Json };

const NOTIFY = '{"NotifyAddress":"https://tracker.example.com/ims/callback"}';

const PRODUCING: Page = {
  RequestId: '7B117AF5-0000-5CD3-AC50-000000000011',
  // Text, unlike in the list of batches.
  MaxResults: '100',
  NextToken: '8EqYpQbZ6Eh7+Zz8DxVYoQ==',
  MediaProducingJobList: [
    {
      JobId: 'cdb3e74639973036bc840001',
      ProjectId: 'fddd7748b58bf1d47e950001',
      MediaId: '0cc6ba49eab379332c5b0001',
      MediaURL: 'http://demo-bucket.oss-cn-shanghai.aliyuncs.com/out.mp4',
      TemplateId: 'cb786a39c5d44cecb23d8c864facffc1',
      Duration: 15.5,
      Code: 'Success',
      Message: '',
      // The vendor's own spelling, in its own sample.
      Status: 'Sucess',
      CreateTime: '2026-03-02T10:33:40Z',
      ModifiedTime: '2026-03-02T10:33:52Z',
      CompleteTime: '2026-03-02T10:33:52Z',
      UserData: NOTIFY,
    },
    { JobId: 'cdb3e74639973036bc840002\n', Status: 'Processing', CreateTime: '2026-03-02T10:33:30Z' },
  ],
};

const BATCHES: Page = {
  RequestId: '7B117AF5-0000-5CD3-AC50-000000000012',
  MaxResults: 100,
  EditingBatchJobList: [
    {
      JobId: 'b6b2750d4308892ac33302380001',
      JobType: 'Script',
      Status: 'Finished',
      OutputConfig: '{"Count":2}',
      Extend: '{}',
      UserData: NOTIFY,
      CreateTime: '2026-06-13T08:47:07Z',
      ModifiedTime: '2026-06-13T08:57:07Z\n',
      CompleteTime: '2026-06-13T08:57:07Z\n',
    },
    {
      JobId: 'b6b2750d4308892ac33302380002',
      Status: 'Failed',
      Extend: '{"ErrorCode":"InvalidMaterial.NotFound","ErrorMessage":"The specified clips id not found"}',
    },
  ],
};

const CONVERSIONS: Page = {
  RequestId: '4BAEA8E8-0000-5CD3-AC50-000000000013',
  NextPageToken: 'ab4802364a2e49208c99efab82dfa8e8',
  Jobs: [
    {
      JobId: '00004579b5e748b99a27f6d600000001',
      RequestId: '81EF1E7D-0000-5CAF-B602-000000000001',
      State: 'Complete',
      PipelineId: '83500cb2a3b94fabb0956e38d64b0001',
      Code: 'InvalidParameter.ResourceContentBad\n',
      Message: 'The resource operated "InputFile" is bad\n',
      UserData: '{"videoId":"v1"}',
      CreateTime: '2026-12-07T06:06:58Z\n',
      FinishTime: '2026-12-07T06:09:07Z\n',
      Config: { JobName: 'job-1', Inputs: [], Outputs: [], OutputGroups: [] },
    },
    { JobId: '00004579b5e748b99a27f6d600000002', State: 'Cancelled', PipelineId: ['odd'] },
  ],
};

const IMAGES: Page = {
  RequestId: '0000AA36-3C1E-4417-BDB2-000000000014',
  NextPageToken: '',
  Jobs: [
    {
      JobId: 'd80e4e4044975745c14b0001\n',
      Name: 'SampleJob',
      Status: 'Success',
      TriggerSource: 'API',
      TemplateId: 'template-1',
      PipelineId: 'pipeline-1',
      Input: { Type: 'OSS', Media: 'oss://demo-bucket/in.mp4' },
      Output: { Type: 'Media', Media: '****cdb3e74639973036bc84****' },
      SubmitTime: '2026-07-12T16:17:54Z',
      CreateTime: '2026-07-12T16:17:54Z',
      ModifiedTime: '2026-07-12T16:30:54Z',
      FinishTime: '2026-07-12T16:30:54Z',
    },
  ],
};

/** The objects that a page lists. */
function itemsOf(page: Page, list: string): Page[] {
  return page[list] as Page[];
}

function listingOf(api: { listing?: Listing }): Listing {
  if (!api.listing) throw new Error('it lists nothing');
  return api.listing;
}

function read(api: { listing?: Listing }, document: Json) {
  const page = listingOf(api).readPage(document);
  if (!page) throw new Error('it is no page');
  return page;
}

const APIS = [
  ['ListMediaProducingJobs', mediaProducing, PRODUCING, 'MediaProducingJobList'],
  ['ListBatchMediaProducingJobs', batchMediaProducing, BATCHES, 'EditingBatchJobList'],
  ['ListMediaConvertJobs', mediaConvert, CONVERSIONS, 'Jobs'],
  ['ListDynamicImageJobs', dynamicImage, IMAGES, 'Jobs'],
] as const;

describe('the lists of Alibaba IMS', () => {
  const from = new Date('2026-11-01T00:00:00.900Z');
  const to = new Date('2026-11-21T07:00:00.100Z');

  it.each([
    ['ListMediaProducingJobs', mediaProducing, { MaxResults: '100', SortBy: 'CreationTime:Desc' }, 'NextToken'],
    ['ListBatchMediaProducingJobs', batchMediaProducing, { MaxResults: '100', SortBy: 'desc' }, 'NextToken'],
    ['ListMediaConvertJobs', mediaConvert, { PageSize: '100', OrderBy: 'CreateTimeDesc' }, 'NextPageToken'],
    ['ListDynamicImageJobs', dynamicImage, { PageSize: '100', OrderBy: 'CreateTimeDesc' }, 'NextPageToken'],
  ])('are asked newest first, a hundred a page, for whole seconds (%s)', (action, api, order, token) => {
    const [begin, end] = 'MaxResults' in order ? ['StartTime', 'EndTime'] : ['StartOfCreateTime', 'EndOfCreateTime'];
    const first = { ...order, [begin]: '2026-11-01T00:00:00Z', [end]: '2026-11-21T07:00:00Z' };
    const listing = listingOf(api);
    expect(listing.operation).toBe(action);
    expect(listing.query({ from, to, token: null })).toEqual({ action, parameters: first });
    expect(listing.query({ from, to, token: 'next' }).parameters).toEqual({ ...first, [token]: 'next' });
  });

  it('may not span more than 30 days', () => {
    for (const [, api] of APIS) expect(listingOf(api).longestSpanMs).toBe(30 * 24 * 3_600_000);
  });

  it('tell of producing jobs; a word that nobody documented means nothing', () => {
    const { jobs, nextToken } = read(mediaProducing, PRODUCING);
    expect(nextToken).toBe('8EqYpQbZ6Eh7+Zz8DxVYoQ==');
    expect(jobs).toMatchObject([
      {
        vendorJobId: 'cdb3e74639973036bc840001',
        found: true,
        word: null,
        occurredAt: new Date('2026-03-02T10:33:52Z'),
        facts: {
          vendorStatus: 'Sucess',
          templateId: 'cb786a39c5d44cecb23d8c864facffc1',
          vendorErrorCode: 'Success',
          vendorErrorMessage: null,
          userDataRaw: NOTIFY,
          vendorCreatedAt: new Date('2026-03-02T10:33:40Z'),
          vendorFinishedAt: new Date('2026-03-02T10:33:52Z'),
        },
        document: itemsOf(PRODUCING, 'MediaProducingJobList')[0],
        notes: [],
      },
      { vendorJobId: 'cdb3e74639973036bc840002', word: 'running' },
    ]);
  });

  it('tell of batches, and of the error a batch hides', () => {
    const { jobs, nextToken } = read(batchMediaProducing, BATCHES);
    expect(nextToken).toBeNull();
    expect(jobs).toMatchObject([
      { word: 'succeeded', facts: { vendorStatus: 'Finished', vendorFinishedAt: new Date('2026-06-13T08:57:07Z') } },
      { word: 'failed', facts: { vendorErrorCode: 'InvalidMaterial.NotFound' } },
    ]);
  });

  it('tell of conversions, and note for each job what of it could not be read', () => {
    const { jobs, nextToken } = read(mediaConvert, CONVERSIONS);
    expect(nextToken).toBe('ab4802364a2e49208c99efab82dfa8e8');
    expect(jobs).toMatchObject([
      {
        word: 'succeeded',
        facts: {
          name: 'job-1',
          vendorStatus: 'Complete',
          pipelineId: '83500cb2a3b94fabb0956e38d64b0001',
          vendorErrorCode: 'InvalidParameter.ResourceContentBad',
          userDataRaw: '{"videoId":"v1"}',
          vendorCreatedAt: new Date('2026-12-07T06:06:58Z'),
        },
        notes: [],
      },
      { word: 'canceled', facts: { pipelineId: null }, notes: ['Jobs.PipelineId: ["odd"] is not text'] },
    ]);
  });

  it('tell of images; an empty token ends the listing', () => {
    const { jobs, nextToken } = read(dynamicImage, IMAGES);
    expect(nextToken).toBeNull();
    expect(jobs).toMatchObject([
      {
        vendorJobId: 'd80e4e4044975745c14b0001',
        word: 'succeeded',
        facts: { name: 'SampleJob', vendorStatus: 'Success', templateId: 'template-1', pipelineId: 'pipeline-1' },
      },
    ]);
  });

  it.each(APIS)('tell nothing of parts and files, even when they stand there (%s)', (_, api, page, list) => {
    const parts = { SubJobList: [{ JobId: 'part', Status: 'Success' }], OutputDetails: [{ Status: 'Success' }] };
    const items = itemsOf(page, list);
    const { jobs } = read(api, { ...page, [list]: items.map((item) => ({ ...item, ...parts, Status: 'Success' })) });
    expect(jobs.length).toBe(items.length);
    for (const job of jobs) expect(job).toMatchObject({ outputs: null, subjobs: [] });
  });

  it.each(APIS)('are empty when they list nothing, with or without their list (%s)', (_, api, page, list) => {
    const empty = { jobs: [], nextToken: null };
    expect(read(api, { RequestId: page['RequestId'] ?? null, [list]: [] })).toEqual(empty);
    expect(read(api, { RequestId: page['RequestId'] ?? null, [list]: null })).toEqual(empty);
    expect(read(api, { RequestId: page['RequestId'] ?? null, MaxResults: '100' })).toEqual(empty);
  });

  it.each(APIS)('are no pages when they are something else (%s)', (_, api, page, list) => {
    const { readPage } = listingOf(api);
    const others: Json[] = [
      null,
      'text',
      7,
      [],
      {},
      { [list]: {} },
      { RequestId: 'x', [list]: 'none' },
      { RequestId: 'x', Code: 'Throttling.User', Message: 'Request was denied due to user flow control.' },
      { RequestId: 'x', Job: { JobId: 'y' } },
    ];
    for (const other of others) expect([other, readPage(other)]).toEqual([other, null]);
    expect(readPage(page)).not.toBeNull();
  });

  it.each(APIS)('survive any value in the place of any other (%s)', (_, api, page, list) => {
    const items = itemsOf(page, list);
    for (const odd of [null, '', 'odd', -1, 1e200, true, [], {}, [[{}]], 'x'.repeat(10_000)]) {
      for (const key of Object.keys(page)) listingOf(api).readPage({ ...page, [key]: odd });
      for (const key of Object.keys(items[0] ?? {})) {
        const { jobs } = read(api, { ...page, [list]: [{ ...items[0], [key]: odd }, odd] });
        for (const { vendorJobId } of jobs) expect(vendorJobId.length).toBeLessThanOrEqual(256);
      }
    }
  });
});
