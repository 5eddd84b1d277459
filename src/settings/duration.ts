import { z } from 'zod';

/** `30d`, `12h`, `45m`, `10s`: in ms. */
export const duration = z
  .string()
  .regex(/^\d+[smhd]$/, 'must be a number and a unit: 30d, 12h, 45m, 10s')
  .transform((text) => Number(text.slice(0, -1)) * { s: 1e3, m: 6e4, h: 3.6e6, d: 8.64e7 }[text.slice(-1) as 's']);
