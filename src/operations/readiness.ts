import { Injectable } from '@nestjs/common';

/** Something that must work before work is sent here. */
export interface ReadinessProbe {
  readonly name: string;
  /** null: ready; otherwise what is wrong, in words for a person. A rejection counts as its message. */
  check(): Promise<string | null>;
}

export type NotReady = { name: string; reason: string };

const PATIENCE_MS = 2000;

/** Whether this process can do its work. Rooms add what they depend on. */
@Injectable()
export class Readiness {
  private readonly probes: ReadinessProbe[] = [];

  add(probe: ReadinessProbe): void {
    this.probes.push(probe);
  }

  async notReady(): Promise<NotReady[]> {
    const answers = await Promise.all(
      this.probes.map(async (probe) => ({ name: probe.name, reason: await reasonOf(probe) })),
    );
    return answers.flatMap(({ name, reason }) => (reason === null ? [] : [{ name, reason }]));
  }
}

async function reasonOf(probe: ReadinessProbe): Promise<string | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`did not answer within ${PATIENCE_MS} ms`), PATIENCE_MS);
  });
  try {
    return await Promise.race([probe.check(), late]);
  } catch (error) {
    return error instanceof Error && error.message !== '' ? error.message : 'does not answer';
  } finally {
    clearTimeout(timer);
  }
}
