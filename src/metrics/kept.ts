/**
 * Calls `read` once for all callers that come while it is under way or within `keptMs` after it succeeded, because anyone may ask and an
 * answer costs the database a query. A failure is shared by those who waited for it, and the next caller tries again.
 */
export function kept<T>(keptMs: number, read: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | null = null;
  let keptUntil = Infinity;
  return () => {
    if (answer !== null && performance.now() < keptUntil) return answer;
    keptUntil = Infinity;
    const reading = read();
    answer = reading;
    reading.then(
      () => (keptUntil = performance.now() + keptMs),
      () => (answer = null),
    );
    return reading;
  };
}
