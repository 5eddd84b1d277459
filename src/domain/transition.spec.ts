import fc from 'fast-check';
import {
  NO_FILE_FACTS,
  NO_JOB_FACTS,
  NO_SUBJOB_FACTS,
  nothingSeen,
  type JobSeen,
  type Observation,
  type OutputSeen,
} from './observation.js';
import type { JobWord, SubjobStatus } from './status.js';
import { newJob, transition, visibleFiles, type JobState, type TrackingRules } from './transition.js';

const START = new Date('2026-01-01T00:00:00Z');
const RULES: TrackingRules = { outcomeInParts: false, batch: false, claimOnly: false };
const seconds = (n: number) => new Date(START.getTime() + n * 1000);

const file = (url: string): OutputSeen => ({ ...NO_FILE_FACTS, url });

const seen = (change: Partial<JobSeen>): JobSeen => ({ ...nothingSeen('job-1'), ...change });

/** A callback stored as the n-th thing, at `at` seconds, about something that happened at `of` seconds. */
function claim(number: number, at: number, word: JobWord | null, of = at, change: Partial<JobSeen> = {}): Observation {
  return {
    kind: 'claim',
    via: 'callback',
    receiptId: `receipt-${number}`,
    number,
    askedAt: seconds(at),
    receivedAt: seconds(at),
    seen: seen({ word, occurredAt: seconds(of), ...change }),
  };
}

/** An answer whose query was sent as the n-th thing, at `at` seconds. */
function answer(number: number, at: number, word: JobWord | null, change: Partial<JobSeen> = {}): Observation {
  const observation = claim(number, at, word, at, change);
  return { ...observation, kind: 'evidence', via: 'poll', receivedAt: seconds(at + 1) };
}

function after(observations: Observation[], rules = RULES): { job: JobState; kinds: string[] } {
  let job = newJob(START, 'manual');
  const kinds: string[] = [];
  for (const observation of observations) {
    const step = transition(job, observation, rules);
    job = step.job;
    kinds.push(...step.events.map((event) => event.kind));
  }
  return { job, kinds };
}

const part = (path: string, status: SubjobStatus | null, name: string | null = null): JobSeen['subjobs'][number] => ({
  path,
  parentPath: null,
  kind: 'output',
  position: 0,
  status,
  facts: { ...NO_SUBJOB_FACTS, name },
  outputs: status === 'succeeded' ? [file(`oss://${path}`)] : null,
});

describe('claims and evidence', () => {
  it('believes a callback at once, and says that it is not confirmed', () => {
    const { job } = after([answer(1, 1, 'running'), claim(2, 5, 'succeeded')]);
    expect(job).toMatchObject({ status: 'succeeded', confirmed: false, via: 'callback' });
  });

  it('confirms the callback by the next answer', () => {
    const { job, kinds } = after([claim(1, 5, 'succeeded'), answer(2, 6, 'succeeded')]);
    expect(job).toMatchObject({ status: 'succeeded', confirmed: true, contradicted: false, via: 'poll' });
    expect(kinds).toEqual(['job.status', 'job.status']);
  });

  it('does not move back for a late callback', () => {
    const { job, kinds } = after([answer(1, 1, 'succeeded'), claim(2, 9, 'running', 0)]);
    expect(job.status).toBe('succeeded');
    expect(kinds).toEqual(['job.status']);
  });

  it('lets the greater vendor time win among callbacks alone', () => {
    expect(after([claim(1, 5, 'succeeded', 4), claim(2, 9, 'running', 2)]).job.status).toBe('succeeded');
    expect(after([claim(1, 5, 'failed', 2), claim(2, 9, 'succeeded', 4)]).job.status).toBe('succeeded');
  });

  it('does not let a callback from the future outrank what follows', () => {
    const forged = claim(1, 5, 'failed', 10_000_000);
    expect(after([forged, claim(2, 9, 'succeeded', 8)]).job.status).toBe('succeeded');
  });

  it('corrects a final callback by an answer that stays open', () => {
    const { job } = after([claim(1, 5, 'succeeded'), answer(2, 6, 'running')]);
    expect(job).toMatchObject({ status: 'running', confirmed: true, contradicted: false });
  });

  it('calls it a contradiction when the answer is still open 60 s after a final callback', () => {
    const first = [claim(1, 5, 'succeeded'), answer(2, 64, 'running')];
    expect(after(first).kinds).not.toContain('job.contradiction');
    const { job, kinds } = after([...first, answer(3, 65, 'running'), answer(4, 90, 'running')]);
    expect(job.contradicted).toBe(true);
    expect(kinds.filter((kind) => kind === 'job.contradiction')).toHaveLength(1);
  });

  it('calls it a contradiction when the final answer differs from a callback', () => {
    const { job, kinds } = after([claim(1, 5, 'succeeded'), answer(2, 6, 'failed')]);
    expect(job).toMatchObject({ status: 'failed', confirmed: true, contradicted: true });
    expect(kinds).toContain('job.contradiction');
  });

  it('keeps nothing that only a callback said once an answer has come', () => {
    const forged = claim(1, 5, 'succeeded', 5, {
      facts: { ...NO_JOB_FACTS, name: 'forged' },
      outputs: [file('https://evil.example/a.mp4')],
    });
    expect(visibleFiles(after([forged]).job)).toHaveLength(1);
    const { job, kinds } = after([forged, answer(2, 6, 'running')]);
    expect(job.facts.name).toBeNull();
    expect(visibleFiles(job)).toEqual([]);
    expect(kinds).toContain('output.changed');
  });

  it('leaves a job alone whose word it does not know, and says so once', () => {
    const odd = (number: number) =>
      answer(number, number, null, { facts: { ...NO_JOB_FACTS, vendorStatus: 'Hibernating' } });
    const { job, kinds } = after([answer(1, 1, 'running'), odd(2), odd(3)]);
    expect(job).toMatchObject({ status: 'running', vendorStatus: 'Hibernating' });
    expect(kinds.filter((kind) => kind === 'job.unknown_status')).toHaveLength(1);
  });
});

describe('a job the vendor does not know', () => {
  const unknown = (number: number, at: number) => answer(number, at, null, { found: false });

  it('waits 15 minutes, then is lost, and comes back when found', () => {
    expect(after([unknown(1, 899)]).job.status).toBe('queued');
    const lost = after([unknown(1, 900)]);
    expect(lost.job).toMatchObject({ status: 'lost', confirmed: true });
    expect(lost.kinds).toEqual(['job.lost']);
    expect(after([unknown(1, 900), answer(2, 1000, 'running')]).job.status).toBe('running');
  });

  it('is not lost once a final word was seen', () => {
    expect(after([answer(1, 5, 'succeeded'), unknown(2, 9000)]).job.status).toBe('succeeded');
  });

  it('is a contradiction when only a callback ever spoke of it', () => {
    const { job, kinds } = after([claim(1, 5, 'running'), unknown(2, 900)]);
    expect(job).toMatchObject({ status: 'lost', contradicted: true });
    expect(kinds).toEqual(['job.status', 'job.lost', 'job.contradiction']);
  });
});

describe('parts', () => {
  it('keep a job running until all of them ended, and decide how it ended', () => {
    const open = answer(1, 1, 'succeeded', { subjobs: [part('a', 'succeeded'), part('b', 'running')] });
    expect(after([open]).job.status).toBe('running');
    const ended = answer(2, 2, 'succeeded', { subjobs: [part('a', 'succeeded'), part('b', 'failed')] });
    expect(after([open, ended]).job.status).toBe('partially_failed');
  });

  it('are skipped when still open in a failed job', () => {
    const { job } = after([answer(1, 1, 'failed', { subjobs: [part('a', 'running')] })]);
    expect(job.subjobs.get('a')?.status).toBe('skipped');
  });

  it('are never forgotten because an answer does not list them', () => {
    const { job } = after([answer(1, 1, 'running', { subjobs: [part('a', 'running')] }), answer(2, 2, 'running')]);
    expect([...job.subjobs.keys()]).toEqual(['a']);
  });

  it('keep a claimed success running until an answer says how the parts ended, but not where no answer can come', () => {
    const rules = { ...RULES, outcomeInParts: true };
    expect(after([claim(1, 1, 'succeeded')], rules).job.status).toBe('running');
    expect(after([claim(1, 1, 'succeeded')], { ...rules, claimOnly: true }).job).toMatchObject({
      status: 'succeeded',
      confirmed: false,
      outcomeKnown: false,
    });
  });
});

describe('the parts of a batch', () => {
  const rules = { ...RULES, outcomeInParts: true, batch: true };
  const finished = (number: number, at: number, ...subjobs: JobSeen['subjobs']) =>
    answer(number, at, 'succeeded', { subjobs });
  const ownAnswer = (number: number, at: number, subjob: JobSeen['subjobs'][number]) =>
    answer(number, at, null, { partsOnly: true, subjobs: [{ ...subjob, position: null }] });

  it('end by their own answers, also when the batch has ended without them', () => {
    const open = finished(1, 1, part('a', 'succeeded'), part('b', 'running'));
    const { job } = after([open, ownAnswer(2, 2, part('b', 'failed'))], rules);
    expect(job.status).toBe('partially_failed');
    expect(job.subjobs.get('b')?.status).toBe('failed');
  });

  it('take details from their own answers and nothing else changes', () => {
    const listed = finished(5, 5, { ...part('a', 'failed', 'listed'), position: 3 }, part('b', 'succeeded'));
    const facts = { ...NO_SUBJOB_FACTS, name: 'own', vendorFinishedAt: seconds(3) };
    const { job } = after([listed, ownAnswer(4, 4, { ...part('a', 'failed'), facts })], rules);
    expect(job.subjobs.get('a')).toMatchObject({
      position: 3,
      registers: { name: 'listed', vendorFinishedAt: seconds(3) },
    });
    expect(job.basis.partsRank).toEqual([2, 5]);
    expect(job.facts).toEqual(after([listed], rules).job.facts);
  });

  it('are not reopened by an older word of the batch', () => {
    const { job } = after(
      [finished(2, 2, part('a', 'failed')), answer(1, 1, 'running', { subjobs: [part('a', 'running')] })],
      rules,
    );
    expect(job.subjobs.get('a')?.status).toBe('failed');
  });

  it('that stay open are waited for a day, then the batch is what it has', () => {
    const open = (number: number, at: number) => finished(number, at, part('a', 'succeeded'), part('b', 'running'));
    expect(after([open(1, 1), open(2, 86_000)], rules).job.status).toBe('running');
    expect(after([open(1, 1), open(2, 86_410)], rules).job.status).toBe('succeeded');
  });
});

describe('the order of observations', () => {
  const word = fc.constantFrom<JobWord | null>('queued', 'running', 'succeeded', 'failed', 'canceled', null);
  const name = fc.constantFrom(null, 'a', 'b', 'c');
  const subjobs = fc
    .uniqueArray(
      fc.tuple(
        fc.constantFrom('a', 'b'),
        fc.constantFrom<SubjobStatus | null>('running', 'succeeded', 'failed', null),
        name,
      ),
      {
        selector: ([path]) => path,
      },
    )
    .map((parts) => parts.map(([path, status, partName]) => part(path, status, partName)));
  /** Often the same one: what ties must be broken by something that does not depend on the order. */
  const moment = fc.oneof(fc.integer({ min: 0, max: 2000 }), fc.constantFrom(5, 65, 900, 960));
  const said = fc.record({
    word,
    name,
    at: moment,
    lag: fc.integer({ min: -50, max: 100 }),
  });
  const claims = said.map(
    ({ word, name, at, lag }) =>
      (number: number) =>
        claim(number, at, word, at - lag, {
          facts: { ...NO_JOB_FACTS, name },
          outputs: word === 'succeeded' ? [file(`claimed-${name}`)] : null,
        }),
  );
  const answers = fc.tuple(said, subjobs, fc.boolean()).map(
    ([{ word, name, at }, subjobs, found]) =>
      (number: number) =>
        answer(
          number,
          at,
          found ? word : null,
          found
            ? {
                facts: { ...NO_JOB_FACTS, name, vendorStatus: word ?? 'Odd' },
                subjobs,
                outputs: word === 'succeeded' ? [file(`${name}`)] : null,
              }
            : { found },
        ),
  );
  const partsOnly = fc.tuple(moment, subjobs).map(
    ([at, subjobs]) =>
      (number: number) =>
        answer(number, at, null, { partsOnly: true, subjobs: subjobs.map((part) => ({ ...part, position: null })) }),
  );
  /** Numbers come from one sequence, so they rise with time. */
  const story = fc.array(fc.oneof(claims, answers, partsOnly), { minLength: 1, maxLength: 7 }).map((parts) =>
    parts
      .map((make) => make(0))
      .sort((a, b) => a.askedAt.getTime() - b.askedAt.getTime())
      .map((observation, index) => ({ ...observation, number: index + 1, receiptId: `receipt-${index + 1}` })),
  );
  const rules = fc.record({ outcomeInParts: fc.boolean(), batch: fc.boolean(), claimOnly: fc.constant(false) });

  /** The state without what history has told, which depends on the order by nature. */
  const comparable = (job: JobState) => {
    const { contradictions: _told, ...basis } = job.basis;
    return JSON.stringify({ ...job, basis, subjobs: [...job.subjobs], files: visibleFiles(job) });
  };
  /** Texts are compared first, because a comparison of thousands of objects takes seconds. */
  const expectSame = (one: string, other: string) => {
    if (one !== other) expect(JSON.parse(one)).toEqual(JSON.parse(other));
  };

  it('does not matter: every order ends in the same state', () => {
    fc.assert(
      fc.property(story, rules, fc.infiniteStream(fc.nat()), (observations, rules, randoms) => {
        const shuffled = observations
          .map((observation) => ({ observation, key: randoms.next().value as number }))
          .sort((a, b) => a.key - b.key)
          .map(({ observation }) => observation);
        expectSame(comparable(after(shuffled, rules).job), comparable(after(observations, rules).job));
      }),
      { numRuns: 2000 },
    );
  });

  it('nor does repetition', () => {
    fc.assert(
      fc.property(story, rules, (observations, rules) => {
        const once = after(observations, rules).job;
        const again = observations.reduce((job, observation) => {
          const step = transition(job, observation, rules);
          return step.job;
        }, once);
        expectSame(comparable(again), comparable(once));
      }),
      { numRuns: 500 },
    );
  });
});
