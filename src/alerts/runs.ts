/**
 * Patterns that look for something within runs of characters. The first group is what is sought; the alternatives behind it
 * consume a run that does not hold it, so that the search never starts again inside the run. A pattern without them reads the
 * rest of the run once from each of its characters, which takes quadratic time for text such as `-a-a-a…`.
 */

/** The text with `name` in the place of everything sought that `accepts` takes. */
export function replaceFound(
  text: string,
  pattern: RegExp,
  name: string,
  accepts: (found: string) => boolean = () => true,
): string {
  return text.replace(pattern, (run: string, found: string | undefined) =>
    found !== undefined && accepts(found) ? name : run,
  );
}

/** Everything sought in the text, and where it begins. */
export function allFound(text: string, pattern: RegExp): { found: string; index: number }[] {
  return [...text.matchAll(pattern)].flatMap(({ 1: found, index }) => (found === undefined ? [] : [{ found, index }]));
}

/** Words of a language have no digits in them, ids hardly ever have none. `*` is how vendors hide a part of one. */
export function isId(text: string): boolean {
  return /^[\w*-]{12,}$/.test(text) && /\d/.test(text);
}

/** The longest text that is searched, in characters: as much as the readers of vendors' documents keep of a message. */
export const LONGEST_SEARCHED = 4096;
