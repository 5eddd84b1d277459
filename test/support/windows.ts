/** The most of these times, in ms, that lie within any window of so many ms. */
export function mostWithin(times: readonly number[], windowMs: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  let first = 0;
  let most = 0;
  sorted.forEach((time, last) => {
    while ((sorted[first] ?? time) <= time - windowMs) first++;
    most = Math.max(most, last - first + 1);
  });
  return most;
}
