import { z } from 'zod';
import { InvalidInput } from '../domain/errors.js';
import { plainText } from '../domain/job-filter.js';

export type Page<Item> = { data: Item[]; nextCursor: string | null };

/** What every list takes. */
export const pageParameters = {
  limit: z.coerce.number().int().min(1).max(200).default(50).meta({ description: 'Rows a page.' }),
  cursor: plainText(500).min(1).optional().meta({ description: '`nextCursor` of the page before.' }),
};

export const PageQuery = z.strictObject(pageParameters);
export type PageQuery = z.infer<typeof PageQuery>;

/** The place after a row. `scope` is the list it belongs to, so that a cursor of another list is noticed. */
export function cursorOf(scope: string, place: readonly (string | number | null)[]): string {
  return Buffer.from(JSON.stringify([scope, ...place])).toString('base64url');
}

/** The place a cursor stands for; null without a cursor. */
export function placeIn<Place>(scope: string, cursor: string | undefined, schema: z.ZodType<Place>): Place | null {
  if (cursor === undefined) return null;
  const wrong = new InvalidInput([{ path: 'cursor', message: 'is not a cursor of this list; start without one' }]);
  try {
    const [seenScope, ...place] = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown[];
    const result = schema.safeParse(place);
    if (seenScope === scope && result.success) return result.data;
  } catch {
    throw wrong;
  }
  throw wrong;
}

/** A page of rows that were read one beyond `limit`, to know whether there are more. */
export function pageOf<Row, Item>(
  rows: readonly Row[],
  limit: number,
  view: (row: Row) => Item,
  cursor: (last: Row) => string,
): Page<Item> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return { data: shown.map(view), nextCursor: rows.length > limit && last !== undefined ? cursor(last) : null };
}

export const IdPlace = z.tuple([z.uuid()]);
