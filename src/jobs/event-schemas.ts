import { z } from 'zod';
import { EVENT_TYPES, type EventType } from '../settings/webhook-settings.js';
import { JobItem, Output, Subjob } from './job-schemas.js';

/** What an endpoint is sent when somebody tries it. */
export const TEST_TYPE = 'endpoint.test';

const SubjobFacts = Subjob.omit({ outputs: true }).meta({
  id: 'SubjobFacts',
  description: 'A subjob without its files.',
});
type SubjobFacts = z.infer<typeof SubjobFacts>;

/** What an event says of the job it is about; of a part and of a file where it is about those. */
export type EventContent = { job: JobItem; subjob?: SubjobFacts | null; output?: Output };

const ofJob = {
  sequence: z.int().meta({
    description: 'Of the event in the history of the job: of two events about one job, the greater is the later.',
  }),
  job: JobItem,
};
const subjob = SubjobFacts.nullable().meta({ description: 'The part whose file it is; null: the job itself.' });

const DATA: Partial<Record<EventType, z.ZodRawShape>> = {
  'subjob.failed': { subjob: SubjobFacts },
  'output.ready': { subjob, output: Output },
};

const eventOf = (type: string, data: z.ZodRawShape) =>
  z.strictObject({
    type: z.literal(type),
    timestamp: z.iso.datetime().meta({ description: 'When it happened.' }),
    data: z.strictObject(data),
  });

/** The bodies that endpoints are sent, by type. */
export const EVENT_BODIES = new Map<string, z.ZodType>([
  ...EVENT_TYPES.map((type) => [type, eventOf(type, { ...ofJob, ...DATA[type] })] as const),
  [TEST_TYPE, eventOf(TEST_TYPE, { endpoint: z.string() })],
]);
