/** Names and values, not encoded; a list is one parameter repeated. */
export type Query = Record<string, string | readonly string[]>;

export function encodedPath(path: string): string {
  return path.split('/').map(encoded).join('/');
}

/** Sorted by name, then by value, as text, as signatures want it: 10 goes before 9. */
export function encodedQuery(query: Query): string {
  return Object.entries(query)
    .flatMap(([name, values]) => [values].flat().map((value) => [encoded(name), encoded(value)] as const))
    .sort(([a, x], [b, y]) => byText(a, b) || byText(x, y))
    .map((pair) => pair.join('='))
    .join('&');
}

/** RFC 3986, which knows four more reserved characters than `encodeURIComponent`. */
function encoded(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

export function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
