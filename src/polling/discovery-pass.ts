const HOUR = 3_600_000;

/** Listings lag a little behind what was submitted, and clocks differ: so much is listed once more. */
const OVERLAP_MS = HOUR;

/** What was listed to its end, without a gap. */
export type Covered = { from: Date; until: Date };

/**
 * One walk through the jobs of an account and API, newest first: through spans no longer than the vendor lists at once,
 * and through the pages of each. The window ends where the pass began, so that new jobs do not move its pages.
 */
export type Pass = {
  startedAt: Date;
  from: Date;
  to: Date;
  /** Where the span under way ends; it begins as far back as the vendor allows. */
  spanTo: Date;
  /** Where the next page of the span begins, in the vendor's words; null: at the first. */
  token: string | null;
  pages: number;
  listed: number;
  /** Jobs that nobody had announced. */
  found: number;
};

/** A pass over what is not covered: the whole window at first, or after it grew; else what came since, and the overlap. */
export function newPass(covered: Covered | null, windowMs: number, now: Date): Pass {
  const to = Math.floor(now.getTime() / 1000) * 1000;
  const earliest = to - windowMs;
  const whole = covered === null || covered.from.getTime() > earliest;
  const from = whole ? earliest : Math.max(earliest, covered.until.getTime() - OVERLAP_MS);
  return {
    startedAt: now,
    from: new Date(from),
    to: new Date(to),
    spanTo: new Date(to),
    token: null,
    pages: 0,
    listed: 0,
    found: 0,
  };
}

/** The next page of a pass, as a listing is asked for it. */
export function nextPage({ from, spanTo, token }: Pass, longestSpanMs: number) {
  return { from: new Date(Math.max(from.getTime(), spanTo.getTime() - longestSpanMs)), to: spanTo, token };
}

/**
 * The pass after a page. A page without a token, or without jobs, whatever its token, is the last of its span; the pass
 * ends with its earliest span.
 */
export function afterPage(
  pass: Pass,
  page: { listed: number; found: number; nextToken: string | null },
  longestSpanMs: number,
): { pass: Pass; ended: boolean } {
  const counted = {
    ...pass,
    pages: pass.pages + 1,
    listed: pass.listed + page.listed,
    found: pass.found + page.found,
  };
  if (page.nextToken !== null && page.listed > 0) {
    return { pass: { ...counted, token: page.nextToken }, ended: false };
  }
  const { from: spanFrom } = nextPage(pass, longestSpanMs);
  return { pass: { ...counted, spanTo: spanFrom, token: null }, ended: spanFrom <= pass.from };
}

/** The same pass from its first page: the vendor may no longer know the token. What it found stays found. */
export function restarted(pass: Pass): Pass {
  return { ...pass, spanTo: pass.to, token: null, pages: 0, listed: 0 };
}

/** What is covered once a pass has ended. A pass that did not reach back to what was covered begins anew. */
export function coveredAfter(covered: Covered | null, { from, to }: Pass): Covered {
  const reached = covered !== null && from <= covered.until && covered.from < from;
  return { from: reached ? covered.from : from, until: to };
}
