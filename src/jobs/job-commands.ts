import { Injectable } from '@nestjs/common';
import { inputProblems, problemOf } from '../access/problems.js';
import { ClaimOnly, InvalidInput, JobNotFound, type InputProblem } from '../domain/errors.js';
import { CurrentSettings } from '../settings/current-settings.js';
import { JobRegistry } from '../tracking/job-registry.js';
import { apiNamed } from '../vendors/registry.js';
import { JobQueries } from './job-queries.js';
import { NewJob, type Job, type JobChange, type NewJobs, type TrackedJobs } from './job-schemas.js';

/** What people do to jobs, and the job they are shown for it. */
@Injectable()
export class JobCommands {
  constructor(
    private readonly registry: JobRegistry,
    private readonly queries: JobQueries,
    private readonly settings: CurrentSettings,
  ) {}

  async track(job: NewJob): Promise<{ created: boolean; job: Job }> {
    const problems = this.problemsOf(job);
    if (problems.length > 0) throw new InvalidInput(problems);
    const [tracked] = await this.registry.register([job]);
    if (tracked === undefined) throw new Error('the registry answered nothing');
    return { created: tracked.created, job: await this.queries.one(tracked.id) };
  }

  /** Each item on its own: a bad one is answered by a problem, the others are tracked together. */
  async trackAll({ jobs }: NewJobs): Promise<TrackedJobs> {
    const checked = jobs.map((item, i) => this.check(item, `jobs[${i}]`));
    const good = checked.flatMap((item) => ('job' in item ? item.job : []));
    const tracked = good.length === 0 ? [] : await this.registry.register(good);
    const shown = new Map((await this.queries.items(tracked.map(({ id }) => id))).map((job) => [job.id, job]));
    const answers = tracked.values();
    return {
      results: checked.map((item): TrackedJobs['results'][number] => {
        if ('error' in item) return { status: 400, problem: problemOf(item.error) };
        const answer = answers.next().value;
        const job = answer && shown.get(answer.id);
        if (!job) return { status: 500, problem: problemOf(null) };
        return { status: answer.created ? 201 : 200, job };
      }),
    };
  }

  async change(id: string, { labels }: JobChange): Promise<Job> {
    if (!(await this.registry.setLabels(id, labels))) throw new JobNotFound(id);
    return this.queries.one(id);
  }

  async close(id: string): Promise<Job> {
    if (!(await this.registry.close(id))) throw new JobNotFound(id);
    return this.queries.one(id);
  }

  async refresh(id: string): Promise<Job> {
    const outcome = await this.registry.refresh(id);
    if (outcome === 'missing') throw new JobNotFound(id);
    if (outcome === 'claim-only') throw new ClaimOnly(id);
    return this.queries.one(id);
  }

  private check(item: unknown, place: string): { job: NewJob } | { error: InvalidInput } {
    const result = NewJob.safeParse(item);
    const problems = result.success
      ? this.problemsOf(result.data)
      : result.error.issues.flatMap((issue) => inputProblems(issue));
    if (result.success && problems.length === 0) return { job: result.data };
    const placed = problems.map(({ path, message }) => ({ path: path === '' ? place : `${place}.${path}`, message }));
    return { error: new InvalidInput(placed) };
  }

  /** What only the configuration can tell. */
  private problemsOf({ account: name, api }: NewJob): InputProblem[] {
    const account = this.settings.account(name);
    if (account === undefined) return [{ path: 'account', message: `there is no account ${name}` }];
    if (apiNamed(api)?.vendor === account.vendor) return [];
    return [{ path: 'api', message: `${name} is an account of ${account.vendor}` }];
  }
}
