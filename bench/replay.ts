import { draw } from '../emulator/draw.js';
import { callbackBody } from '../emulator/ims-callback.js';
import { batchMediaProducing } from '../emulator/kinds/batch-media-producing.js';
import { dynamicImage } from '../emulator/kinds/dynamic-image.js';
import { huaweiEditing } from '../emulator/kinds/huawei-editing.js';
import type { JobKind, Order } from '../emulator/kinds/kind.js';
import { mediaConvert } from '../emulator/kinds/media-convert.js';
import { mediaProducing } from '../emulator/kinds/media-producing.js';
import { ACCOUNT } from './account.js';
import { Child } from './child.js';
import { JOB_ID_PLACE, LIFE, personal, tenant } from './documents.js';
import { query, settle, type BenchPostgres } from './postgres.js';
import type { ReplayFigures, ReplayOrder } from './replay-ours.js';
import { compared, type BenchOptions, type Row, type Say } from './report.js';
import { openSide, type Side } from './side.js';

const TARGET = { ours: 'at least', value: 8000 } as const;
const VARIETY = 64;
/** Jobs registered and applied at a time: their receipts lie side by side, as those of one hour do. */
const FILLED_AT_ONCE = 500;
/** As `npm run replay` is started. */
const NODE_OPTIONS = ['--max-semi-space-size=128'];

/** What is received about one job of a kind, in this order. `{callback}`: unsigned by then, since the door has checked. */
type Story = { kind: JobKind; order?: Partial<Order>; callsBack: boolean };

/** Of twenty jobs. MediaConvert's and the batches' are the heavy ones; the other kinds have a file each. */
const MIX: [number, Story][] = [
  [9, { kind: mediaProducing, callsBack: true }],
  [4, { kind: dynamicImage, callsBack: true }],
  [3, { kind: mediaConvert, order: { outputs: 2, groups: 1 }, callsBack: false }],
  [3, { kind: huaweiEditing, callsBack: false }],
  [1, { kind: batchMediaProducing, order: { subjobs: 4, openSubjobs: 0 }, callsBack: true }],
];

/** Receipts replayed per second: of jobs that are as they must be, and of jobs of which everything but the receipts is gone. */
export async function replay(postgres: BenchPostgres, { jobs, runs }: BenchOptions, say: Say): Promise<Row[]> {
  const side = await openSide(await postgres.createDatabase('replay'));
  const child = Child.start('replay-ours.js', NODE_OPTIONS);
  const { databaseUrl } = side;
  const figures = { unchanged: [] as number[], changed: [] as number[] };
  const measure = async (expected: keyof typeof figures): Promise<number> => {
    const { perSecond, ...summary } = await child.ask<ReplayFigures>({ databaseUrl } satisfies ReplayOrder);
    if (summary[expected] !== jobs) throw new Error(`not all jobs are ${expected}: ${JSON.stringify(summary)}`);
    return perSecond;
  };
  try {
    await fillLives(side, jobs, say);
    // The first seconds of a process are spent on compiling; a replay that anybody waits for is longer.
    await measure('unchanged');
    for (let run = 1; run <= runs; run++) {
      const perSecond = await measure('unchanged');
      figures.unchanged.push(perSecond);
      say(`replay ${run}/${runs}, nothing to change: ${Math.round(perSecond)} receipts/s`);
    }
    for (let run = 1; run <= runs; run++) {
      await wipe(databaseUrl);
      const perSecond = await measure('changed');
      figures.changed.push(perSecond);
      say(`replay ${run}/${runs}, all rebuilt: ${Math.round(perSecond)} receipts/s`);
    }
    await measure('unchanged');
  } finally {
    await child.stop();
    await side.sql.onModuleDestroy();
    await postgres.dropDatabase('replay');
  }
  return [
    compared({ name: 'replay: jobs that are as they must be', unit: '/s', target: TARGET, ours: figures.unchanged }),
    compared({ name: 'replay: jobs that are all rebuilt', unit: '/s', target: null, ours: figures.changed }),
  ];
}

/** Everything that was derived from receipts. */
async function wipe(url: string): Promise<void> {
  await query(url, 'TRUNCATE subjobs, outputs, streams');
  await query(url, `DELETE FROM history_events WHERE kind <> 'job.registered'`);
  await query(
    url,
    `UPDATE jobs SET status = 'queued', confirmed = false, basis = '{}', document_receipt_id = NULL, name = NULL`,
  );
  await query(url, 'VACUUM ANALYZE');
  await settle(url);
}

/** Registers jobs, and has everything received and applied in the order of their lives. */
async function fillLives(side: Side, count: number, say: Say): Promise<void> {
  const lives = MIX.flatMap(([share, story]) => {
    const steps = stepsOf(story);
    return Array.from({ length: share }, () => ({ api: story.kind.api, steps }));
  });
  for (let from = 0; from < count; from += FILLED_AT_ONCE) {
    const jobs = Array.from({ length: Math.min(FILLED_AT_ONCE, count - from) }, (_, i) => {
      const life = lives[(from + i) % lives.length] as (typeof lives)[number];
      const receipts = life.steps.map(({ via, templates }) => ({ via, ...personal(templates, from + i) }));
      return { api: life.api, receipts, vendorJobId: receipts[0]?.vendorJobIds[0] ?? '' };
    });
    await side.registry.register(jobs.map(({ api, vendorJobId }) => ({ account: ACCOUNT, api, vendorJobId })));
    for (const step of [0, 1, 2]) {
      await Promise.all(
        jobs.map(async ({ api, receipts, vendorJobId }) => {
          const receipt = receipts[step];
          if (receipt) await store(side, { ...receipt, api, vendorJobId });
        }),
      );
      await Promise.all([side.tracker.applyPending(), side.tracker.applyPending()]);
    }
    // Autovacuum would do this in its own time: plans made for empty tables are nobody's everyday.
    if (from === 0) await query(side.databaseUrl, 'ANALYZE');
    if (from % 5000 === 0) say(`replay: ${from} of ${count} jobs have lived`);
  }
  await query(side.databaseUrl, 'VACUUM ANALYZE');
  await settle(side.databaseUrl);
}

/** An answer in the middle, the callbacks, the last answer. */
function stepsOf({ kind, order, callsBack }: Story): { via: 'poll' | 'callback'; templates: string[] }[] {
  const plans = Array.from({ length: VARIETY }, (_, i) => {
    const userData = JSON.stringify(tenant(draw('user', i)));
    return kind.plan(draw(kind.api, i), { vendorJobId: JOB_ID_PLACE, userData, outcome: 'succeeded', ...order });
  });
  const answers = (at: number) => plans.map((plan) => JSON.stringify(kind.answer(plan.document(LIFE, at))));
  const calls = plans.map((plan) => plan.callbacks(LIFE).at(-1));
  const callbacks = calls.flatMap((event) => (event ? [callbackBody(event, '1234567890123456', event.at)] : []));
  return [
    { via: 'poll', templates: answers((LIFE.startsAt + LIFE.endsAt) / 2) },
    ...(callsBack ? [{ via: 'callback' as const, templates: callbacks }] : []),
    { via: 'poll', templates: answers(LIFE.endsAt) },
  ];
}

type Received = { via: 'poll' | 'callback'; api: string; vendorJobId: string; body: Buffer };

async function store({ sql, receipts }: Side, { via, api, vendorJobId, body }: Received): Promise<void> {
  if (via === 'callback') {
    await receipts.storeCallback({ account: ACCOUNT, contentType: 'application/json', verified: 'token', body });
    return;
  }
  const { rows } = await sql.query<{ number: string; now: Date }>({
    name: 'bench-number',
    text: `SELECT nextval('observation_number') AS number, clock_timestamp() AS now`,
  });
  await receipts.storeAnswer({
    account: ACCOUNT,
    api,
    asked: [vendorJobId],
    via,
    httpStatus: 200,
    body,
    evidence: { number: Number(rows[0]?.number), askedAt: rows[0]?.now ?? new Date() },
  });
}
