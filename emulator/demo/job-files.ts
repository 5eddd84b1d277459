import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Api } from '../emulator.js';
import type { Truth } from './verdict.js';

/** A job as it will be when it is over: the documents say everything that anybody may ask then, of its subjobs too. */
export type JobFile = Truth & {
  account: string;
  document: Record<string, unknown>;
  labels?: Record<string, string>;
  subjobs?: { vendorJobId: string; api: Api; document: Record<string, unknown> }[];
};

/** One file for each job that is not settled, so that any moment is a good one to be killed. */
export class JobFiles {
  private readonly kept = new Set<string>();

  constructor(private readonly folder: string) {
    mkdirSync(folder, { recursive: true });
  }

  load(): JobFile[] {
    return readdirSync(this.folder).flatMap((name) => {
      try {
        const job = JSON.parse(readFileSync(path.join(this.folder, name), 'utf8')) as JobFile;
        this.kept.add(job.vendorJobId);
        return job;
      } catch {
        // A power cut can leave a name without its content.
        rmSync(path.join(this.folder, name), { force: true });
        return [];
      }
    });
  }

  keep(job: JobFile): void {
    this.kept.add(job.vendorJobId);
    writeFileSync(this.fileOf(job.vendorJobId), JSON.stringify(job));
  }

  remove(vendorJobId: string): void {
    if (this.kept.delete(vendorJobId)) rmSync(this.fileOf(vendorJobId), { force: true });
  }

  private fileOf(vendorJobId: string): string {
    return path.join(this.folder, `${vendorJobId}.json`);
  }
}
