import { draw as drawBy, type Draw } from '../draw.js';
import { expectedOutcome, type ExpectedSubjob, type FinalStatus, type SubjobStatus } from '../outcome.js';
import { outFileMeta, type MediaFile } from './file-meta.js';
import { imsAnswers, type ImsKind, vendorTime } from './ims-kind.js';
import { type CallbackEvent, doneShare, type Life, momentOf, type Order } from './kind.js';

type Fault = { code: string; message: string };

/** `Init` as a last word: the job ended before the output's turn came. */
type LastWord = 'Success' | 'Failed' | 'Skipped' | 'Init';

/** One output; `from` and `to` are shares of the job's run. */
type Leaf = {
  path: string;
  taskId: string;
  name: string;
  templateId: string;
  file: MediaFile;
  last: LastWord;
  from: number;
  to: number;
  error?: Fault;
};

type Group = {
  path: string;
  taskId: string;
  name: string;
  base: string;
  leaves: Leaf[];
  last: LastWord;
  error?: Fault;
};

const STATE = { success: 'Complete', failure: 'Error', cancel: 'Cancelled' } as const;
type Word = keyof typeof STATE;

const STATUS = {
  Success: 'succeeded',
  Failed: 'failed',
  Skipped: 'skipped',
  // With a failure or cancel word, subjobs still open become skipped.
  Init: 'skipped',
} as const satisfies Record<LastWord, SubjobStatus>;

/** GetMediaConvertJob: job, output groups, outputs (sheet section 5.4). */
export const mediaConvert: ImsKind = {
  api: 'alibaba-ims/media-convert',
  getAction: 'GetMediaConvertJob',
  ...imsAnswers('Job'),
  statusField: 'State',
  list: {
    action: 'ListMediaConvertJobs',
    key: 'Jobs',
    style: 'pages',
    without: ['OutputDetails', 'OutputGroupDetails', 'Percent'],
    filters: { JobId: ({ vendorJobId }) => vendorJobId },
  },

  plan(draw, order) {
    const outcome = order.outcome ?? drawnOutcome(draw, order);
    const { word, outputs, groups } = plannedOutputs(draw, order, outcome);
    const leaves = [...outputs, ...groups.flatMap((group) => group.leaves)];
    const error = firstError(outputs, groups) ?? (word === 'failure' ? convertError(draw, order) : undefined);
    const name = order.name ?? drawnName(draw);
    const drawnInput = `http://demo-bucket.oss-cn-shanghai.aliyuncs.com/in/${draw.hex(12)}.mp4`;
    const input = order.input ?? drawnInput;
    const subjobs = expectedSubjobs(outputs, groups);
    const fixed = {
      RequestId: draw.uuid().toUpperCase(),
      ClientToken: draw.uuid(),
      JobId: order.vendorJobId,
      Config: {
        Inputs: [{ Name: 'InputVideo', InputFile: { Type: 'OSS', Media: input } }],
        Outputs: outputs.map((leaf) => ({
          OutputFile: { Type: 'OSS', Media: leaf.file.media },
          ...encoding(leaf),
        })),
        OutputGroups: groups.map((group) => ({
          GroupConfig: {
            OutputFileBase: { Type: 'OSS', Media: group.base },
            ManifestName: 'manifest',
            Type: 'Hls',
          },
          Outputs: group.leaves.map((leaf) => ({ ...encoding(leaf), OutputFileName: leaf.file.name })),
          Name: group.name,
        })),
        JobName: name,
      },
      PipelineId: drawBy('pipeline', draw.int(1, 3)).hex(32),
    };

    return {
      queueMs: order.queueMs ?? Math.min(draw.logNormal(5_000, 0.9), 300_000),
      durationMs: order.durationMs ?? Math.min(draw.logNormal(90_000, 0.8), 7_200_000),
      name,
      expectedStatus: expectedOutcome(word, subjobs),
      expectedSubjobs: subjobs,
      expectedError: word === 'cancel' ? undefined : error,
      word: state,

      document(life, now) {
        const share = doneShare(life, now);
        const over = share === 1;
        return {
          ...fixed,
          UserData: order.userData,
          ...(over && word !== 'cancel' && error && { Code: error.code, Message: error.message }),
          State: state(life, now),
          OutputDetails: outputs.map((leaf) => leafDetail(leaf, life, share)),
          OutputGroupDetails: groups.map((group) => groupDetail(group, life, share)),
          Percent: over && word === 'success' ? 100 : Math.min(99, percent(leaves, share)),
          CreateTime: vendorTime(life.submittedAt),
          ...(over && { FinishTime: vendorTime(life.endsAt) }),
        };
      },

      callbacks: (life) => [
        ...leaves
          .filter((leaf) => reported(leaf.last))
          .map((leaf) => taskEvent('Output', leaf, momentOf(life, leaf.to))),
        ...groups
          .filter((group) => reported(group.last))
          .map((group) => taskEvent('OutputGroup', group, momentOf(life, lastMoment(group)))),
        { at: life.endsAt, ...completion(STATE[word]) },
      ],
      forgery: () => completion(word === 'success' && error === undefined ? 'Error' : 'Complete'),
    };

    function state(life: Life, now: number) {
      if (now >= life.endsAt) return STATE[word];
      return now < life.startsAt ? 'Inited' : 'Running';
    }

    /**
     * The vendor documents neither a NotifyAddress for this API nor the bodies of these three events. The emulator plays
     * the global callback with the placeholder shape of sheet section 2.3, to be read leniently or not at all.
     */
    function completion(state: string) {
      return { eventType: 'MediaConvertComplete', message: { JobId: order.vendorJobId, State: state } };
    }

    function taskEvent(level: 'Output' | 'OutputGroup', task: Leaf | Group, at: number): CallbackEvent {
      const message = { JobId: order.vendorJobId, TaskId: task.taskId, Status: task.last };
      return { at, eventType: `MediaConvert${level}Complete`, message };
    }
  },
};

function drawnOutcome(draw: Draw, { outputs, groups }: Order): FinalStatus {
  const several = (outputs ?? 2) + (groups ?? 0) >= 2;
  return draw.weighted({ succeeded: 80, partially_failed: several ? 10 : 0, failed: 7, canceled: 3 });
}

function plannedOutputs(draw: Draw, order: Order, outcome: FinalStatus) {
  // A part can only fail beside another part.
  const parts = outcome === 'partially_failed' ? 2 : 1;
  const drawnGroups = Number(draw.weighted({ 0: 55, 1: 35, 2: 10 }));
  const groupCount = order.groups ?? Math.max(drawnGroups, (order.outputs ?? parts) < parts ? 1 : 0);
  const inGroup = order.outputs === 0 ? parts : 1;
  const groups = Array.from({ length: groupCount }, (_, place) => plannedGroup(draw, order, place, inGroup));
  const count = order.outputs ?? draw.int(groupCount === 0 ? parts : 1, 4);
  const outputs = Array.from({ length: count }, (_, place) => plannedLeaf(draw, order, `output/${place}`, 'out'));
  const leaves = [...outputs, ...groups.flatMap((group) => group.leaves)];
  if (outcome === 'partially_failed' && leaves.length < 2) {
    throw new RangeError('a partial failure needs at least two outputs');
  }

  const word = wordFor(draw, outcome, leaves.length);
  const group = groups[0];
  if (outcome === 'partially_failed' && group && outputs.length > 0 && draw.happens(0.3)) {
    // As in the vendor's sample: the group failed as a whole and its outputs were never made.
    leaves.forEach((leaf) => (leaf.last = group.leaves.includes(leaf) ? 'Skipped' : 'Success'));
    group.error = convertError(draw, order);
  } else {
    const words = draw.shuffled(lastWords(draw, outcome, word, leaves.length));
    leaves.forEach((leaf, place) => (leaf.last = words[place] ?? 'Success'));
  }
  leaves.filter((leaf) => leaf.last === 'Failed').forEach((leaf) => (leaf.error = convertError(draw, order)));
  groups.forEach(settle);
  return { word, outputs, groups };
}

/** `Complete` says that the work is over, not that it went well (sheet section 0, number 6). */
function wordFor(draw: Draw, outcome: FinalStatus, leaves: number): Word {
  if (outcome === 'canceled') return 'cancel';
  if (outcome === 'succeeded') return 'success';
  if (outcome === 'failed') return leaves > 0 && draw.happens(0.2) ? 'success' : 'failure';
  return draw.happens(0.6) ? 'success' : 'failure';
}

function lastWords(draw: Draw, outcome: FinalStatus, word: Word, count: number): LastWord[] {
  const rest = (length: number, weights: Partial<Record<LastWord, number>>) =>
    Array.from({ length: Math.max(0, length) }, () => draw.weighted(weights as Record<LastWord, number>));
  // Work may stop with outputs still open, but not under a success word.
  const open = word === 'success' ? 0 : 2;
  switch (outcome) {
    case 'succeeded':
      return ['Success', ...rest(count - 1, { Success: 15, Skipped: 1 })];
    case 'partially_failed':
      return ['Success', 'Failed', ...rest(count - 2, { Success: 6, Failed: 3, Skipped: 1, Init: open })];
    case 'failed':
      return word === 'success'
        ? rest(count, { Failed: 1 })
        : ['Failed', ...rest(count - 1, { Failed: 4, Skipped: 2, Init: open })];
    case 'canceled':
      return rest(count, { Success: 3, Skipped: 4, Init: open });
  }
}

function plannedGroup(draw: Draw, order: Order, place: number, fewest: number): Group {
  const path = `output_group/${place}`;
  const base = `oss://demo-bucket/hls/${order.vendorJobId}-${place}`;
  return {
    path,
    taskId: draw.hex(32),
    name: place === 0 ? 'hls-group' : `hls-group-${place + 1}`,
    base,
    leaves: Array.from({ length: draw.int(fewest, 3) }, (_, child) =>
      plannedLeaf(draw, order, `${path}/output/${child}`, 'hls'),
    ),
    last: 'Init',
  };
}

function plannedLeaf(draw: Draw, { vendorJobId }: Order, path: string, folder: 'out' | 'hls'): Leaf {
  const quality = draw.pick(['360P', '480P', '720P', '1080P']);
  const name = `${quality}-${folder === 'hls' ? 'hls' : 'mp4'}`;
  const file = `${path.replaceAll('/', '-')}-${quality.toLowerCase()}.${folder === 'hls' ? 'm3u8' : 'mp4'}`;
  const from = draw.between(0, 0.5);
  return {
    path,
    taskId: draw.hex(32),
    name,
    templateId: drawBy('template', quality).hex(32),
    file: {
      name: file,
      media: `oss://demo-bucket/${folder}/${vendorJobId}/${file}`,
      url: `http://demo-bucket.oss-cn-shanghai.aliyuncs.com/${folder}/${vendorJobId}/${file}`,
      format: folder === 'hls' ? 'hls,applehttp' : 'mp4',
    },
    last: 'Success',
    from,
    to: draw.between(from + 0.1, 0.99),
  };
}

function settle(group: Group): void {
  const words = group.leaves.map((leaf) => leaf.last);
  group.error ??= group.leaves.find((leaf) => leaf.error)?.error;
  if (group.error) group.last = 'Failed';
  else if (words.includes('Init')) group.last = 'Init';
  else group.last = words.includes('Success') ? 'Success' : 'Skipped';
}

function firstError(outputs: Leaf[], groups: Group[]): Fault | undefined {
  return [...outputs, ...groups].find((task) => task.error)?.error;
}

function expectedSubjobs(outputs: Leaf[], groups: Group[]): ExpectedSubjob[] {
  const leafRow = (leaf: Leaf) => ({ path: leaf.path, status: STATUS[leaf.last], leaf: true });
  const groupRows = (group: Group) => [
    { path: group.path, status: STATUS[group.last], leaf: group.leaves.length === 0 },
    ...group.leaves.map(leafRow),
  ];
  return [...outputs.map(leafRow), ...groups.flatMap(groupRows)];
}

function encoding(leaf: Leaf) {
  return { Priority: 6, OverrideParams: '{}', Features: '{}', TemplateId: leaf.templateId, Name: leaf.name };
}

function leafDetail(leaf: Leaf, life: Life, share: number) {
  const status = leafStatus(leaf, share);
  const file = { Type: 'OSS', Media: leaf.file.media, Url: leaf.file.media };
  return {
    Status: status,
    TaskId: leaf.taskId,
    ...(status === 'Failed' && leaf.error && { Message: leaf.error.message, Code: leaf.error.code }),
    CreateTime: vendorTime(life.submittedAt),
    ...(reported(status) && { FinishTime: vendorTime(momentOf(life, leaf.to)) }),
    Name: leaf.name,
    ...(status === 'Success' && {
      // Drawn by the task id, not kept: a finished file never changes, and a hundred thousand jobs stay small.
      Result: { OutputFile: file, OutFileMeta: outFileMeta(drawBy('file', leaf.taskId), leaf.file) },
    }),
    ...(status === 'Failed' && { Result: { OutputFile: file } }),
  };
}

function groupDetail(group: Group, life: Life, share: number) {
  const status = groupStatus(group, share);
  return {
    Status: status,
    TaskId: group.taskId,
    ...(status === 'Failed' && group.error && { Message: group.error.message, Code: group.error.code }),
    CreateTime: vendorTime(life.submittedAt),
    ...(reported(status) && { FinishTime: vendorTime(momentOf(life, lastMoment(group))) }),
    Outputs: group.leaves.map((leaf) => leafDetail(leaf, life, share)),
    Name: group.name,
  };
}

/** Init → Scheduled → the last word; an output has no `Running` (sheet section 5.4). */
function leafStatus(leaf: Leaf, share: number): string {
  if (leaf.last === 'Init' || share === 0) return 'Init';
  if (share >= leaf.to) return leaf.last;
  return share < leaf.from || leaf.last === 'Skipped' ? 'Init' : 'Scheduled';
}

/** Init → Running → the last word; a group left open stays `Running` if any of its outputs had begun. */
function groupStatus(group: Group, share: number): string {
  if (group.last !== 'Init' && share >= lastMoment(group)) return group.last;
  const begun = group.leaves.some((leaf) => leafStatus(leaf, share) !== 'Init');
  return begun ? 'Running' : 'Init';
}

function reported(status: string): boolean {
  return status === 'Success' || status === 'Failed';
}

function lastMoment(group: Group): number {
  return Math.max(...group.leaves.map((leaf) => leaf.to));
}

function percent(leaves: Leaf[], share: number): number {
  if (leaves.length === 0) return Math.floor(share * 100);
  const done = leaves.map(({ from, to }) => Math.min(1, Math.max(0, (share - from) / (to - from))));
  return Math.floor((done.reduce((sum, part) => sum + part, 0) / leaves.length) * 100);
}

/** Codes seen inside answers of this API (sheet section 8.2, the last paragraph). */
function convertError(draw: Draw, { error }: Order): Fault {
  const drawn = draw.pick([
    { code: 'InvalidParameter.ResourceContentBad', message: 'The resource operated "InputFile" is bad' },
    { code: 'InvalidParameter.ResourceNotFound', message: 'The resource operated "InputFile" cannot be found' },
  ]);
  return error ?? drawn;
}

/** As the console names jobs in the vendor's sample: `job-1-20241205-102045`. */
function drawnName(draw: Draw): string {
  const day = `2026${digits(draw, 1, 12)}${digits(draw, 1, 28)}`;
  return `job-${draw.int(1, 9)}-${day}-${digits(draw, 0, 23)}${digits(draw, 0, 59)}${digits(draw, 0, 59)}`;
}

function digits(draw: Draw, low: number, high: number): string {
  return String(draw.int(low, high)).padStart(2, '0');
}
