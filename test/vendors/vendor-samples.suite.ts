import { startEmulator, type Api, type Emulator } from '../../emulator/emulator.js';
import type { Vendor } from '../../src/domain/vendor.js';
import { VENDOR_APIS } from '../../src/vendors/registry.js';
import { eventually } from '../support/eventually.js';
import { vendorSample } from '../support/fixtures.js';
import {
  HUAWEI_VENDOR_ACCOUNT,
  huaweiAccount,
  startTracker,
  testAccount,
  VENDOR_ACCOUNT,
  type TestTracker,
} from '../support/tracker.js';

/** What a job must show of an observation: everything but what is derived from several. */
function shownOf(seen: any) {
  const { facts } = seen;
  const error = facts.vendorErrorCode === null && facts.vendorErrorMessage === null;
  return {
    vendorJobId: seen.vendorJobId,
    vendorStatus: facts.vendorStatus,
    name: facts.name,
    progress: facts.progress,
    pipelineId: facts.pipelineId,
    templateId: facts.templateId,
    userDataRaw: facts.userDataRaw,
    vendorError: error ? null : { code: facts.vendorErrorCode, message: facts.vendorErrorMessage },
    vendorCreatedAt: facts.vendorCreatedAt,
    vendorFinishedAt: facts.vendorFinishedAt,
    outputs: (seen.outputs ?? []).map(outputOf),
    subjobs: seen.subjobs.map((part: any) => ({
      path: part.path,
      kind: part.kind,
      position: part.position,
      status: part.status,
      name: part.facts.name,
      vendorStatus: part.facts.vendorStatus,
      vendorSubjobId: part.facts.vendorSubjobId,
      vendorCreatedAt: part.facts.vendorCreatedAt,
      vendorFinishedAt: part.facts.vendorFinishedAt,
      outputs: (part.outputs ?? []).map(outputOf),
    })),
  };
}

function outputOf({ streams, ...facts }: any) {
  return {
    ...facts,
    streams: streams.map(({ sampleFormat: _, ...stream }: any) => expect.objectContaining(onlySaid(stream))),
  };
}

/** A stream of one type is shown without the fields of the other. */
function onlySaid(stream: Record<string, unknown>) {
  return Object.fromEntries(Object.entries(stream).filter(([, value]) => value !== null));
}

describe('the sample on the vendor’s own page, the whole way', () => {
  // Vendors use one masked id on several pages, and no account has two jobs of one id: the second one is another account's.
  let accounts: { name: string; vendor: Vendor; emulator: Emulator }[];
  let tracker: TestTracker;

  beforeAll(async () => {
    const started = () =>
      startEmulator({ seed: 61, timeScale: 0.01, accounts: [VENDOR_ACCOUNT, HUAWEI_VENDOR_ACCOUNT] });
    accounts = [
      { name: 'media-cn', vendor: 'alibaba-ims', emulator: await started() },
      { name: 'stills-cn', vendor: 'alibaba-ims', emulator: await started() },
      { name: 'clips-cn', vendor: 'huawei-mpc', emulator: await started() },
    ];
    tracker = await startTracker({
      accounts: accounts.map(({ name, vendor, emulator }) =>
        (vendor === 'huawei-mpc' ? huaweiAccount : testAccount)(emulator.url, { name }),
      ),
    });
  });
  afterAll(async () => {
    await tracker.stop();
    for (const { emulator } of accounts) await emulator.stop();
  });

  it.each(VENDOR_APIS.map(({ name, vendor }) => [name as Api, vendor] as const))('of %s', async (api, vendor) => {
    const [seen] = vendorSample(api, 'observation');
    const { vendorJobId } = seen;
    const free = accounts.find((account) => account.vendor === vendor && !account.emulator.job(vendorJobId));
    if (!free) throw new Error(`no account has room for ${vendorJobId}`);
    const { name: account, emulator } = free;
    const accessKeyId = (vendor === 'huawei-mpc' ? HUAWEI_VENDOR_ACCOUNT : VENDOR_ACCOUNT).accessKeyId;
    emulator.submit({ api, accessKeyId, vendorJobId, document: vendorSample(api), queueMs: 0, durationMs: 0 });
    const { body } = await tracker.post('/v1/jobs', { account, api, vendorJobId });
    const job = await eventually(async () => {
      const answer = (await tracker.get(`/v1/jobs/${body.id}`)).body;
      expect(answer.confirmed).toBe(true);
      return answer;
    });
    expect(job).toMatchObject(shownOf(seen));
    for (const ref of seen.refs) {
      const found = (await tracker.get(`/v1/lookup?ref=${encodeURIComponent(ref)}`)).body.data;
      expect(found.map((known: { id: string }) => known.id)).toContain(job.id);
    }
    const { data } = (await tracker.get(`/v1/jobs/${job.id}/receipts`)).body;
    expect(data[0]).toMatchObject({ via: 'poll', verified: 'credentials', state: 'applied' });
  });
});
