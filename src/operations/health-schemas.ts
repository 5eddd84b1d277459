import { z } from 'zod';

export const Degradation = z
  .strictObject({
    account: z.string(),
    api: z.string().nullable(),
    kind: z.enum(['paused', 'clock_skew', 'overdue', 'discovery', 'refused_callbacks']),
    detail: z.string(),
  })
  .meta({
    id: 'Degradation',
    example: {
      account: 'media-cn',
      api: 'alibaba-ims/media-convert',
      kind: 'paused',
      detail: 'InvalidAccessKeyId.NotFound',
    },
  });
export type Degradation = z.infer<typeof Degradation>;

export const Live = z.strictObject({ status: z.literal('live') }).meta({ id: 'Live' });

export const Ready = z
  .strictObject({ status: z.literal('ready'), degraded: z.array(Degradation) })
  .meta({ id: 'Ready', description: 'What is degraded does not keep work away: it concerns single accounts.' });

export const NotReady = z
  .strictObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    notReady: z.array(z.strictObject({ name: z.string(), reason: z.string() })),
    degraded: z.array(Degradation),
  })
  .meta({ id: 'NotReady' });
