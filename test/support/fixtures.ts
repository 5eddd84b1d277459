import { readFileSync } from 'node:fs';
import path from 'node:path';

/** The sample on a vendor's own page (`payload`), or what it must become (`observation`). */
export function vendorSample(api: string, kind: 'payload' | 'observation' = 'payload'): any {
  const folder = path.join(import.meta.dirname, '../fixtures', api.replace('/', '-'));
  return JSON.parse(readFileSync(path.join(folder, `vendor-sample.${kind}.json`), 'utf8'));
}
