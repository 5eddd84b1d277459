import type { JobFilter, SubjobFilter } from '../src/domain/job-filter.js';
import type { JobQueries } from '../src/jobs/job-queries.js';
import { cursorOf } from '../src/jobs/page.js';
import { ACCOUNT } from './account.js';
import type { Sample } from './fill.js';
import type { Cell } from './scale.js';

const PAGE = 50;
const DAY_MS = 86_400_000;
const SORTS = ['createdAt', 'updatedAt', 'terminalAt', 'vendorCreatedAt'] as const;

type Filters<Filter> = Record<string, (sample: Sample, i: number) => Filter>;

const day = ({ createdAt }: Sample) => ({
  createdAfter: new Date(createdAt.getTime() - DAY_MS / 2),
  createdBefore: new Date(createdAt.getTime() + DAY_MS / 2),
});
/** `fill.ts` gives a fifth of the jobs no tenant, and the others more often one with a small number. */
const tenant = (i: number): [string, string] => ['tenant', `tenant-${(i * 37) % 200}`];

/** Of jobs and of subjobs alike; values change from one page to the next. */
const COMMON = {
  'no filter': () => ({}),
  'one account': () => ({ account: [ACCOUNT] }),
  'an account with few jobs': () => ({ account: ['trial'] }),
  'several accounts': () => ({ account: ['media-cn', 'media-eu', 'trial'] }),
  'one API': () => ({ api: ['alibaba-ims/media-convert'] }),
  'an API with few jobs': () => ({ api: ['alibaba-ims/snapshot'] }),
  'label many have': () => ({ label: [['tenant', 'tenant-0']] }),
  'label of one tenant': (_, i) => ({ label: [tenant(i)] }),
  'label few have': () => ({ label: [['priority', 'urgent']] }),
  'label one has': (_, i) => ({ label: [['videoId', `video-${i * 100 + 1}`]] }),
  'label nobody has': (_, i) => ({ label: [['tenant', `nobody-${i}`]] }),
  'two labels': (_, i) => ({ label: [['priority', 'urgent'], tenant(i)] }),
  'label and account': (_, i) => ({ label: [tenant(i)], account: ['media-eu'] }),
  'q: id of ours': ({ id }) => ({ q: id }),
  'q: id of the vendor': ({ vendorJobId }) => ({ q: vendorJobId }),
  'q: URL': ({ outputUrl }) => ({ q: outputUrl ?? 'oss://nobody' }),
  'q: beginning of the id': ({ vendorJobId }) => ({ q: vendorJobId.slice(0, 6) }),
  'q: beginning many ids have': ({ vendorJobId }) => ({ q: vendorJobId.slice(0, 1) }),
  'q: beginning of the name': ({ name }) => ({ q: (name ?? 'recap-1').slice(0, -8) }),
  'q: beginning many names have': () => ({ q: 'episode-' }),
  'q: beginning nobody has': (_, i) => ({ q: `nobody-${i}` }),
  'created within a day': day,
  'created before, one API': ({ createdAt }) => ({ createdBefore: createdAt, api: ['alibaba-ims/snapshot'] }),
} satisfies Filters<JobFilter & SubjobFilter>;

const OF_JOBS: Filters<JobFilter> = {
  ...COMMON,
  'status most have': () => ({ status: ['succeeded'] }),
  'status few have': () => ({ status: ['failed'] }),
  'rare status': () => ({ status: ['lost'] }),
  'several statuses': () => ({ status: ['failed', 'partially_failed', 'canceled', 'lost'] }),
  open: () => ({ status: ['queued', 'running'] }),
  'status and account': () => ({ status: ['failed', 'lost'], account: ['media-cn'] }),
  'status and API that never meet': () => ({ status: ['canceled'], api: ['huawei-mpc/editing'] }),
  'status, account and API': () => ({ status: ['succeeded'], account: ['claims'], api: ['alibaba-ims/dynamic-image'] }),
  'rare status and label': (_, i) => ({ status: ['lost'], label: [tenant(i)] }),
  'status and day': (sample) => ({ status: ['failed', 'lost'], ...day(sample) }),
  everything: (sample, i) => ({
    status: ['succeeded', 'failed'],
    account: [sample.account],
    api: [sample.api],
    label: [tenant(i)],
    q: 'e',
    ...day(sample),
  }),
};

const OF_SUBJOBS: Filters<SubjobFilter> = {
  ...COMMON,
  failed: () => ({ status: ['failed'] }),
  succeeded: () => ({ status: ['succeeded'] }),
  'several statuses': () => ({ status: ['failed', 'skipped', 'running'] }),
  'failed, one account': () => ({ status: ['failed'], account: ['media-cn'] }),
  'failed, an account with few jobs': () => ({ status: ['failed'], account: ['trial'] }),
  'failed, label of one tenant': (_, i) => ({ status: ['failed'], label: [tenant(i)] }),
  'failed, within a day': (sample) => ({ status: ['failed'], ...day(sample) }),
};

/** Every filter with every sort both ways; every other page is the first one, the others begin somewhere in the list. */
export function listCells(jobs: JobQueries): Cell[] {
  const ofJobs = Object.entries(OF_JOBS).flatMap(([name, filter]) =>
    SORTS.flatMap((column) =>
      [`-${column}` as const, column].map((sort): Cell => {
        const family = column === 'createdAt' ? 'job list, sort=±createdAt' : 'job list, other sorts';
        const ask: Cell['ask'] = (sample, i) =>
          jobs.list({
            ...filter(sample, i),
            sort,
            limit: PAGE,
            cursor: placeOf(`jobs ${sort}`, sample, i),
          });
        return { family, name: `${name}, ${sort}`, ask };
      }),
    ),
  );
  const ofSubjobs = Object.entries(OF_SUBJOBS).flatMap(([name, filter]) =>
    (['-createdAt', 'createdAt'] as const).map((sort): Cell => {
      const ask: Cell['ask'] = (sample, i) =>
        jobs.subjobs({ ...filter(sample, i), sort, limit: PAGE, cursor: placeOf(`subjobs ${sort}`, sample, i) });
      return { family: 'subjob list', name: `${name}, ${sort}`, ask };
    }),
  );
  return [...ofJobs, ...ofSubjobs];
}

function placeOf(scope: string, { createdAt, id }: Sample, i: number): string | undefined {
  return i % 2 === 0 ? undefined : cursorOf(scope, [createdAt.toISOString(), id]);
}
