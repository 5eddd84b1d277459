import { hash } from 'node:crypto';

/** What `job_refs` holds of an id or URL that names a job: the first 16 bytes of its SHA-256, written as a uuid. */
export function refHash(text: string): string {
  const hex = hash('sha256', text.trim()).slice(0, 32);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
