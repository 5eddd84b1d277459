import type pg from 'pg';
import type { NewsJob } from '../domain/job-news.js';
import type { Json, Via } from '../domain/observation.js';
import { documentIn } from '../tracking/interpret.js';
import { isObject } from '../vendors/readers.js';
import { apiNamed } from '../vendors/registry.js';

/** Bodies read at once, and the largest that is: a job has a few kilobytes, a batch of a thousand parts half a megabyte. */
const AT_ONCE = 50;
const LARGEST_BODY = 1024 * 1024;

type StoredBody = { id: string; via: Via; api: string | null; asked: string[]; body: Buffer };

/** What went into the jobs, out of the receipts that hold their documents; nothing for a job whose receipt has expired. */
export async function readInputs(client: pg.ClientBase, jobs: readonly NewsJob[]): Promise<Map<string, Json[]>> {
  const wanted = jobs.filter(({ api, documentReceiptId }) => documentReceiptId !== null && apiNamed(api)?.inputs);
  const inputs = new Map<string, Json[]>();
  for (let i = 0; i < wanted.length; i += AT_ONCE) {
    const some = wanted.slice(i, i + AT_ONCE);
    const { rows } = await client.query<StoredBody>({
      name: 'job-documents',
      text: `SELECT id, via, api, asked, body FROM receipts
             WHERE id = ANY ($1::uuid[]) AND octet_length(body) <= ${LARGEST_BODY}`,
      values: [some.map(({ documentReceiptId }) => documentReceiptId)],
    });
    const bodies = new Map(rows.map((row) => [row.id, row]));
    for (const { id, api, vendorJobId, documentReceiptId } of some) {
      const stored = bodies.get(documentReceiptId ?? '');
      if (stored) inputs.set(id, inputsIn(documentIn(stored, vendorJobId), apiNamed(api)?.inputs ?? []));
    }
  }
  return inputs;
}

/** The values at `places` such as `Config.Inputs` of a vendor's document. */
export function inputsIn(document: Json, places: readonly string[]): Json[] {
  return places.flatMap((place) => {
    const value = place
      .split('.')
      .reduce<Json>((inner, key) => (isObject(inner) ? (inner[key] ?? null) : null), document);
    if (value === null) return [];
    // Under the last word of its place, as the walk through it would have come.
    return [{ [place.split('.').at(-1) ?? place]: value }];
  });
}
