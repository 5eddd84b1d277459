import { hash } from 'node:crypto';

/** Tells values apart, by what they read as in JSON: 16 hexadecimal digits. The order of keys counts. */
export function digestOf(value: unknown): string {
  return hash('sha256', JSON.stringify(value)).slice(0, 16);
}
