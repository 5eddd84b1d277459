/**
 * Last-writer-wins fields: a field holds the value of the highest-ranked observation that said anything about it,
 * whatever order the observations came in. Null says nothing, so it never erases.
 */

/** Compared element by element, like words in a dictionary. */
export type Rank = readonly number[];

export function compareRanks(a: Rank, b: Rank): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (a[i] ?? -1) - (b[i] ?? -1);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The rank of a record's fields: `rank` for all but those that only lower-ranked observations spoke about. */
export type Ranks<Field extends string> = { rank: Rank; older: Partial<Record<Field, Rank>> };

export type Registers<Values extends Record<string, unknown>> = {
  values: Values;
  ranks: Ranks<keyof Values & string> | null;
};

/** What both together say; the same for every order of merging. Returns `known` itself where `seen` adds no value. */
export function merge<Values extends Record<string, unknown>>(
  known: Registers<Values>,
  seen: Values,
  rank: Rank,
): Registers<Values> {
  const base = known.ranks;
  // Nothing was known: all of it is as it was seen.
  if (base === null) return { values: seen, ranks: { rank, older: {} } };
  const highest = compareRanks(base.rank, rank) > 0 ? base.rank : rank;
  const values: Values = { ...known.values };
  const older: Partial<Record<keyof Values & string, Rank>> = {};
  for (const field of Object.keys(seen) as (keyof Values & string)[]) {
    let held = known.values[field] !== null ? (base.older[field] ?? base.rank) : null;
    if (seen[field] !== null && (held === null || compareRanks(rank, held) >= 0)) {
      values[field] = seen[field];
      held = rank;
    }
    if (held && compareRanks(held, highest) !== 0) older[field] = held;
  }
  return { values, ranks: { rank: highest, older } };
}
